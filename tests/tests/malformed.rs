//! Every malformed or borderline file is accepted or refused as it should be, with a message, and none makes us panic.

use serde_json::Value;
use std::time::{Duration, Instant};
use tinderbox::import::import;
use tinderbox_tests::{conformance, json};

#[test]
fn malformed_files_are_refused_and_borderline_ones_accepted() {
    let folder = conformance().join("malformed");
    let expectations = json(&folder.join("expectations.json"));
    let rows = expectations.as_array().expect("a list");
    let mut wrong = Vec::new();
    for row in rows {
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        let start = Instant::now();
        let result = import(&folder.join(text("file")));
        let found = result.as_ref().map_or_else(ToString::to_string, |_| "accepted".into());
        if std::env::var_os("SHOW").is_some() {
            println!("{:6} {:34} {found}\n       {:34} {}", text("expect"), text("file"), "", text("good_importer"));
        }
        let silent = mentions(text("good_importer")).filter(|word| result.is_err() && !found.contains(word));
        if !as_expected(row, result.is_ok()) || silent.is_some() || start.elapsed() > Duration::from_secs(1) {
            wrong.push(format!("{} expects {:?}, found {found:?}", text("file"), text("good_importer")));
        }
    }
    assert_eq!(rows.len(), 159);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// What the message should name as well: the operator (`CONV_2D: ..`), or some tensor (`tensor x: ..`; the corpus is not
/// exact about which).
fn mentions(good: &str) -> Option<String> {
    let subject = good.strip_prefix("reject: ")?.split(':').next()?;
    let is_operator = subject.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    match is_operator {
        true => Some(subject.to_owned()),
        false => subject.starts_with("tensor ").then(|| "tensor".to_owned()),
    }
}

fn as_expected(row: &Value, accepted: bool) -> bool {
    match row["expect"].as_str() {
        Some("accept") => accepted,
        Some("reject") => !accepted,
        _ => true,
    }
}
