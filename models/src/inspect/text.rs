//! The inspection as text, for people.

use super::{Row, attributes::attributes, constants, rows, stored_type};
use crate::graph::{Graph, Node, Op, Tensor, TensorId};
use comfy_table::{CellAlignment, Table, presets::NOTHING};
use std::fmt::Write;

/// A summary, the inputs and outputs with what their numbers stand for, and a table with a line for each operator.
pub fn text(graph: &Graph) -> String {
    let rows = rows(graph);
    let macs: u64 = rows.iter().map(|row| row.macs).sum();
    let bytes: usize = rows.iter().map(|row| row.weight_bytes).sum();
    let parameters: usize = rows.iter().map(|row| row.parameters).sum();
    let mut text = format!(
        "{}: {} operators, {} MACs, {} B of weights ({} parameters)\n",
        graph.name,
        rows.len(),
        grouped(macs),
        grouped(bytes as u64),
        grouped(parameters as u64)
    );
    let variables: Vec<TensorId> = graph.variables.iter().map(|v| v.tensor).collect();
    side(&mut text, graph, "inputs", &graph.inputs);
    side(&mut text, graph, "outputs", &graph.outputs);
    side(&mut text, graph, "variables, kept from one inference to the next", &variables);
    writeln!(text, "\n{}", table(graph, &rows, macs)).expect("a string takes all");
    text
}

fn side(text: &mut String, graph: &Graph, title: &str, ids: &[TensorId]) {
    if ids.is_empty() {
        return;
    }
    let mut table = Table::new();
    table.load_preset(NOTHING);
    for tensor in ids.iter().map(|&id| &graph.tensors[id]) {
        table.add_row([&tensor.name, &stored_type(tensor), &shape(tensor), &meaning(tensor)]);
    }
    writeln!(text, "\n{title}\n{}", trimmed(&table)).expect("a string takes all");
}

/// What an element q stands for.
fn meaning(tensor: &Tensor) -> String {
    match &tensor.quant {
        Some(quant) if quant.scales.len() == 1 => {
            let (scale, zero_point) = (quant.scales[0], i64::from(quant.zero_points[0]));
            match zero_point {
                0 => format!("value = {scale} * q"),
                1.. => format!("value = {scale} * (q - {zero_point})"),
                _ => format!("value = {scale} * (q + {})", -zero_point),
            }
        }
        _ => String::new(),
    }
}

fn table(graph: &Graph, rows: &[Row], total: u64) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header([
        "#",
        "operator",
        "output",
        "type",
        "scale",
        "zero",
        "weights",
        "bytes",
        "MACs",
        "%",
        "attributes",
    ]);
    for (index, row) in rows.iter().enumerate() {
        let output = row.node.outputs.first().map(|&id| &graph.tensors[id]);
        let quant = output.and_then(|tensor| tensor.quant.as_ref());
        let percent = 100.0 * row.macs as f64 / total.max(1) as f64;
        let only = |shown: bool, text: String| if shown { text } else { String::new() };
        table.add_row([
            index.to_string(),
            row.node.op.name().to_owned(),
            outputs(graph, row.node),
            output.map(stored_type).unwrap_or_default(),
            quant.map(|quant| quant.scales[0].to_string()).unwrap_or_default(),
            quant.map(|quant| quant.zero_points[0].to_string()).unwrap_or_default(),
            weights(graph, row.node),
            only(row.weight_bytes > 0, grouped(row.weight_bytes as u64)),
            only(row.macs > 0, grouped(row.macs)),
            only(row.macs > 0, format!("{percent:.1}")),
            details(graph, row.node),
        ]);
    }
    for column in [0, 5, 7, 8, 9] {
        let column = table.column_mut(column).expect("there are 11 columns");
        column.set_cell_alignment(CellAlignment::Right);
    }
    trimmed(&table)
}

fn trimmed(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// The attributes, or which variable it is about.
fn details(graph: &Graph, node: &Node) -> String {
    match (&node.op, node.inputs.first()) {
        (Op::ReadVariable | Op::AssignVariable, Some(Some(id))) => graph.tensors[*id].name.clone(),
        (op, _) => attributes(op),
    }
}

/// `1x49x10x8`, or how many there are, of what size.
fn outputs(graph: &Graph, node: &Node) -> String {
    match &node.outputs[..] {
        [] => String::new(),
        [id] => shape(&graph.tensors[*id]),
        [id, ..] => format!("{} of {} ..", node.outputs.len(), shape(&graph.tensors[*id])),
    }
}

/// The largest constant.
fn weights(graph: &Graph, node: &Node) -> String {
    let largest = constants(graph, node).map(|(_, tensor)| tensor).max_by_key(|tensor| tensor.elements());
    largest.map_or_else(String::new, |tensor| format!("{} {}", shape(tensor), stored_type(tensor)))
}

fn shape(tensor: &Tensor) -> String {
    match &tensor.shape[..] {
        [] => "scalar".into(),
        shape => shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("x"),
    }
}

/// 1,234,567.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
