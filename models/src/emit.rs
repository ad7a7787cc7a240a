//! Programs as source files.

pub mod c;
pub mod rust;
mod text;

/// The nearest identifier of C and Rust.
pub fn identifier(name: &str) -> String {
    let mut letters: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if !letters.starts_with(|c: char| c.is_ascii_alphabetic()) {
        letters.insert_str(0, "model_");
    }
    letters
}
