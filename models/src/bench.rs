//! Figures of models on boards, side by side.

use crate::cost::Table;
use crate::graph::Graph;
use crate::program::Image;
use crate::report::{LayerReport, Report};
use crate::run::board;
use crate::run::firmware::RunnerOptions;
use crate::target::Board;
use serde::Serialize;
use std::fmt::Write;

/// One model on one board.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Row {
    /// Name of the model.
    pub model: String,
    /// Name of the board.
    pub board: String,
    /// Why there are no figures, if so.
    pub refused: Option<String>,
    /// What was measured.
    pub report: Option<Report>,
    /// The layers that cost most, dearest first.
    pub dearest: Vec<LayerReport>,
}

impl Row {
    /// A model that does not fit.
    pub fn refused(model: &str, board: &str, why: String) -> Self {
        Self { model: model.into(), board: board.into(), refused: Some(why), ..Self::default() }
    }
}

/// Runs one inference of `image` on a board, with bytes from a fixed seed as input.
pub fn measure(
    model: &str,
    board: &Board,
    graph: &Graph,
    image: &Image,
    costs: Option<&Table>,
    layers: usize,
) -> Result<Row, board::Error> {
    let mut random = fastrand::Rng::with_seed(1);
    let mut bytes = |id: &usize| (0..graph.tensors[*id].bytes()).map(|_| random.u8(..)).collect::<Vec<u8>>();
    let inputs: Vec<Vec<u8>> = graph.inputs.iter().map(&mut bytes).collect();
    let inference = inputs.iter().map(Vec::as_slice).collect();
    let runner = RunnerOptions { profile: true, ..RunnerOptions::default() };
    let (_, measured) = board::run(board, graph, image, &[inference], runner)?;
    let name = board.name.clone();
    let report =
        Report::new(&board.target, graph, image).with_predictions(image, costs).with_measured(&name, &measured);
    let mut dearest = report.layers.clone();
    dearest.sort_by_key(|layer| std::cmp::Reverse(layer.instructions));
    dearest.truncate(layers);
    Ok(Row { model: model.into(), board: board.name.clone(), refused: None, report: Some(report), dearest })
}

/// Names of the columns, and what stands in them.
type Column = (&'static str, fn(&Report) -> Option<u64>);

const COLUMNS: [Column; 9] = [
    ("macs", |r| Some(r.macs)),
    ("arena", |r| Some(r.arena_bytes as u64)),
    ("stack", |r| r.stack_bytes),
    ("code", |r| r.flash.code),
    ("constants", |r| r.flash.constants),
    ("weights", |r| Some(r.flash.weights)),
    ("init", |r| r.init_instructions),
    ("instructions", |r| r.instructions),
    ("predicted", |r| r.predicted_instructions),
];

/// A table for people; under each model its dearest layers.
pub fn text(rows: &[Row]) -> String {
    let mut table = comfy_table::Table::new();
    table.load_preset(comfy_table::presets::NOTHING);
    let names = COLUMNS.iter().map(|(name, _)| *name);
    table.set_header(["model", "board"].into_iter().chain(names).chain(["per MAC"]));
    for row in rows {
        let Some(report) = &row.report else {
            table.add_row([row.model.clone(), row.board.clone(), "does not fit".into()]);
            continue;
        };
        let per_mac = report.instructions.unwrap_or(0) as f64 / report.macs.max(1) as f64;
        let cells = COLUMNS.iter().map(|(_, of)| of(report).map_or("-".into(), |n| n.to_string()));
        table.add_row([row.model.clone(), row.board.clone()].into_iter().chain(cells).chain([format!("{per_mac:.2}")]));
    }
    let mut out = format!("{table}\n");
    for row in rows.iter().filter(|row| !row.dearest.is_empty() || row.refused.is_some()) {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "\n{} on {}:", row.model, row.board);
        if let Some(why) = &row.refused {
            let _ = writeln!(out, "  {why}");
        }
        for layer in &row.dearest {
            let _ = writeln!(
                out,
                "  {:>10} {} {} ({})",
                layer.instructions.unwrap_or(0),
                layer.op,
                layer.name,
                layer.kernel
            );
        }
    }
    out
}

/// A table for programs; nothing in the columns of a model that does not fit.
pub fn csv(rows: &[Row]) -> String {
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let mut out = format!("model,board,{}\n", names.join(","));
    for row in rows {
        let cell = |(_, of): &Column| row.report.as_ref().and_then(of).map_or(String::new(), |n| n.to_string());
        let cells: Vec<String> = COLUMNS.iter().map(cell).collect();
        let model = row.model.replace([',', '"', '\n'], "_");
        let _ = writeln!(out, "{model},{},{}", row.board, cells.join(","));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_does_not_fit_has_a_line() {
        let report = Report { macs: 7, arena_bytes: 9, instructions: Some(14), ..Report::default() };
        let fits = Row { model: "a,b".into(), board: "x".into(), report: Some(report), ..Row::default() };
        let rows = [fits, Row::refused("c", "x", "too large".into())];
        let lines: Vec<String> = csv(&rows).lines().map(str::to_owned).collect();
        assert_eq!(lines[1], "a_b,x,7,9,,,,0,,14,");
        assert_eq!(lines[2], "c,x,,,,,,,,,");
        let text = text(&rows);
        assert!(text.contains("2.00") && text.contains("does not fit") && text.contains("too large"), "{text}");
    }
}
