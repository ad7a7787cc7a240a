//! A program as a Rust source file: constant data for the crate `tinderbox-runtime`.

use super::text::{comment, line, operands};
use crate::graph::{DType, Graph, Tensor};
use crate::plan::stream::Period;
use crate::program::{Image, ImageNode};
use std::fmt::{Display, Write};
use tinderbox_runtime::program::ABI_VERSION;

/// Writes `image`, compiled from `graph`, or in a stream for this [`interface`](crate::stream::interface), as a module.
pub fn emit(graph: &Graph, image: &Image) -> String {
    let mut out = String::new();
    let o = &mut out;
    head(o, graph, image);
    for (what, tensors, indices) in
        [("INPUT", &graph.inputs, image.inputs()), ("OUTPUT", &graph.outputs, image.outputs())]
    {
        for (i, (tensor, rows)) in operands(graph, image, tensors, indices).enumerate() {
            operand(o, &format!("{what}_{i}"), i, tensor, rows);
        }
    }
    program(o, image);
    variables(o, image);
    tensors(o, image);
    nodes(o, image);
    for (i, (node, owner)) in image.nodes().zip(image.weight_owners()).enumerate() {
        if i == owner && !node.layer.weights.is_empty() {
            weights(o, i, &node.layer.weights);
        }
    }
    let schedule = &image.plan().schedule;
    let (entries, schedule) = (schedule.len(), list(schedule, ""));
    line(o, format_args!("#[rustfmt::skip]\nstatic SCHEDULE: [u16; {entries}] = {schedule};\n"));
    names(o, "LAYERS", "What each node is called.", image, |node| node.layer.name.clone());
    names(o, "KERNELS", "The kernel that each node got.", image, |node| node.layer.kernel.symbol.into());
    out.truncate(out.trim_end().len() + 1);
    out
}

fn head(out: &mut String, graph: &Graph, image: &Image) {
    let (name, version) = (comment(&graph.name), env!("CARGO_PKG_VERSION"));
    line(out, format_args!("// {name}: compiled by Tinderbox {version}. Do not edit.\n"));
    line(out, format_args!("use tinderbox_runtime::{{abi, network, program}};\n"));
    line(
        out,
        format_args!(
            "const _: () = assert!(\n    program::ABI_VERSION == {ABI_VERSION},\n    \
             \"this file and tinderbox-runtime come from different versions of Tinderbox\"\n);\n"
        ),
    );
    line(
        out,
        format_args!("/// RAM for `Arena`, in bytes: all that inference needs beside the stack and a `Network`."),
    );
    line(out, format_args!("pub const ARENA_BYTES: usize = {};\n", image.plan().arena_bytes));
    if let Some(Period { window, hop, .. }) = &image.plan().period {
        constant(out, "Frames until the first `Progress::Ready`.", &format!("WINDOW: usize = {window}"));
        constant(out, "Frames from each `Progress::Ready` to the next.", &format!("HOP: usize = {hop}"));
    }
}

/// A public constant that not every caller needs.
fn constant(out: &mut String, doc: &str, item: &str) {
    line(out, format_args!("/// {doc}\n#[allow(dead_code)]\n#[rustfmt::skip]\npub const {item};\n"));
}

/// The description of one input or output.
fn operand(out: &mut String, name: &str, index: usize, tensor: &Tensor, (rows, row_bytes): (u16, u32)) {
    let element = rust_type(tensor.dtype);
    let row_elements = row_bytes as usize / tensor.dtype.bytes();
    let mut value = format!("network::Operand::new({index}, &{:?}, {rows}, {row_elements})", tensor.shape);
    if let Some(quant) = &tensor.quant
        && let ([scale], [zero_point]) = (quant.scales.as_slice(), quant.zero_points.as_slice())
    {
        // Writing to a string cannot fail.
        let _ = write!(value, ".quantized({scale:e}, {zero_point})");
    }
    let doc = format!("`{}`: rows of {row_elements} values, {rows} of them.", comment(&tensor.name));
    constant(out, &doc, &format!("{name}: network::Operand<{element}> = {value}"));
}

fn rust_type(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "f32",
        DType::I8 => "i8",
        DType::U8 | DType::Bool => "u8",
        DType::I16 => "i16",
        DType::I32 => "i32",
        DType::I64 => "i64",
    }
}

fn program(out: &mut String, image: &Image) {
    let plan = image.plan();
    let mode = match (&plan.period, image.is_pushed()) {
        (Some(_), _) => "A stream: push frames with `Network::push_row`, without end; `Network::reset` begins anew.",
        (None, true) => "Push inputs with `Network::push_row`, a row at a time.",
        (None, false) => "Fill inputs with `Network::set_input`, then call `Network::invoke`, which consumes them.",
    };
    line(out, format_args!("/// {mode}"));
    line(out, format_args!("pub static MODEL: program::Program<'static> = program::Program {{"));
    line(out, format_args!("    abi_version: program::ABI_VERSION,\n    arena_bytes: ARENA_BYTES as u32,"));
    for (field, value) in
        [("tensors", "TENSORS"), ("nodes", "NODES"), ("schedule", "SCHEDULE"), ("variables", "VARIABLES")]
    {
        line(out, format_args!("    {field}: program::Slice::new(&{value}),"));
    }
    for (field, indices) in [("inputs", image.inputs()), ("outputs", image.outputs())] {
        line(out, format_args!("    {field}: program::Slice::new(&{indices:?}),"));
    }
    line(out, format_args!("    pushed: {},\n    resume: {},\n}};\n", u32::from(image.is_pushed()), plan.resume));
}

fn variables(out: &mut String, image: &Image) {
    let variables = image.variables();
    line(
        out,
        format_args!("#[rustfmt::skip]\nstatic VARIABLES: [program::Variable<'static>; {}] = [", variables.len()),
    );
    for v in variables {
        let (offset, bytes, initial) = (v.offset, v.bytes, slice(&v.initial));
        line(out, format_args!("    program::Variable {{ offset: {offset}, bytes: {bytes}, initial: {initial} }},"));
    }
    line(out, format_args!("];\n"));
}

fn tensors(out: &mut String, image: &Image) {
    let tensors = image.tensors();
    line(out, format_args!("#[rustfmt::skip]\nstatic TENSORS: [program::Tensor; {}] = [", tensors.len()));
    for t in tensors {
        // The record's derived form is Rust.
        line(out, format_args!("    program::{t:?},"));
    }
    line(out, format_args!("];\n"));
}

fn nodes(out: &mut String, image: &Image) {
    let count = image.nodes().len();
    line(out, format_args!("#[rustfmt::skip]\nstatic NODES: [program::Node<'static>; {count}] = ["));
    for (node, owner) in image.nodes().zip(image.weight_owners()) {
        self::node(out, &node, owner);
    }
    line(out, format_args!("];\n"));
}

fn node(out: &mut String, node: &ImageNode<'_>, owner: usize) {
    let (layer, record) = (node.layer, node.record());
    line(out, format_args!("    // {}: {}", comment(&layer.name), layer.op));
    line(out, format_args!("    program::Node {{\n        kernel: abi::{},", layer.kernel.symbol));
    for (field, values) in [("params", &layer.params), ("channels", &layer.channels)] {
        line(out, format_args!("        {field}: {},", slice(values)));
    }
    let weights = if layer.weights.is_empty() { "empty()".into() } else { format!("new(&WEIGHTS_{owner}.0)") };
    line(out, format_args!("        weights: program::Slice::{weights},"));
    line(out, format_args!("        tensors: {},", slice(node.operands)));
    for (field, value) in [
        ("inputs", record.inputs.into()),
        ("steps", record.steps.into()),
        ("rows_per_step", record.rows_per_step.into()),
        ("lag", u32::from(record.lag)),
        ("scratch", record.scratch),
        ("scratch_bytes", record.scratch_bytes),
        ("state", record.state),
        ("state_bytes", record.state_bytes),
    ] {
        line(out, format_args!("        {field}: {value},"));
    }
    line(out, format_args!("    }},"));
}

/// Constants where they are used.
fn slice<T: Display>(values: &[T]) -> String {
    if values.is_empty() {
        return "program::Slice::empty()".into();
    }
    format!("program::Slice::new(&{})", list(values, "        "))
}

/// Numbers, sixteen to a line.
fn list<T: Display>(values: &[T], indent: &str) -> String {
    let row = |row: &[T]| row.iter().map(T::to_string).collect::<Vec<_>>().join(", ");
    if values.len() <= 16 {
        return format!("[{}]", row(values));
    }
    let rows: String = values.chunks(16).map(|values| format!("{indent}    {},\n", row(values))).collect();
    format!("[\n{rows}{indent}]")
}

/// Weights as a string of bytes, which compiles faster than a list.
fn weights(out: &mut String, i: usize, bytes: &[u8]) {
    line(
        out,
        format_args!(
            "#[rustfmt::skip]\nstatic WEIGHTS_{i}: program::Weights<{0}> = program::Weights(*b\"\\",
            bytes.len()
        ),
    );
    for row in bytes.chunks(32) {
        let row: String = row.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        line(out, format_args!("    {row}\\"));
    }
    line(out, format_args!("\");\n"));
}

/// Texts for people; the linker drops them where nobody asks.
fn names(out: &mut String, name: &str, doc: &str, image: &Image, of: impl Fn(&ImageNode<'_>) -> String) {
    let texts: Vec<String> = image.nodes().map(|node| format!("    \"{}\",\n", comment(&of(&node)))).collect();
    let (count, texts) = (texts.len(), texts.concat());
    constant(out, doc, &format!("{name}: [&str; {count}] = [\n{texts}]"));
}
