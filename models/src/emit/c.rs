//! A program as C99 source and header: constant data that links against `libtinderbox.a`.

use super::text::{comment, line, operands};
use crate::graph::{DType, Graph, Tensor};
use crate::plan::stream::Period;
use crate::program::{Image, ImageNode};
use std::collections::BTreeSet;
use tinderbox_runtime::program::ABI_VERSION;

/// The two files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// `NAME.c`.
    pub source: String,
    /// `NAME.h`.
    pub header: String,
}

/// Writes `image`, compiled from `graph`, or in a stream for this [`interface`](crate::stream::interface), under a name
/// that [`identifier`](super::identifier) made.
pub fn emit(name: &str, graph: &Graph, image: &Image) -> Sources {
    Sources { source: source(name, graph, image), header: header(name, graph, image) }
}

fn source(name: &str, graph: &Graph, image: &Image) -> String {
    let mut out = String::new();
    line(
        &mut out,
        format_args!(
            "/* {}: compiled by Tinderbox {}. Do not edit. */",
            comment(&graph.name),
            env!("CARGO_PKG_VERSION")
        ),
    );
    line(&mut out, format_args!("#include \"{name}.h\"\n"));
    line(&mut out, format_args!("#include <stddef.h>\n"));
    let kernels: BTreeSet<&str> = image.nodes().map(|node| node.layer.kernel.symbol).collect();
    for kernel in kernels {
        line(&mut out, format_args!("extern tbx_status {kernel}(const tbx_node_step *step);"));
    }
    out.push('\n');
    for (i, (node, owner)) in image.nodes().zip(image.weight_owners()).enumerate() {
        constants(&mut out, name, i, &node);
        if i == owner {
            weights(&mut out, name, i, &node);
        }
    }
    array(&mut out, "uint16_t", &format!("{name}_schedule"), &image.plan().schedule, |n| format!("{n}u"));
    array(&mut out, "uint16_t", &format!("{name}_inputs"), image.inputs(), |n| format!("{n}u"));
    array(&mut out, "uint16_t", &format!("{name}_outputs"), image.outputs(), |n| format!("{n}u"));
    tensors(&mut out, name, image);
    nodes(&mut out, name, image);
    variables(&mut out, name, image);
    program(&mut out, name, image);
    names(&mut out, name, image);
    out
}

/// The arrays of one node.
fn constants(out: &mut String, name: &str, i: usize, node: &ImageNode<'_>) {
    let layer = node.layer;
    line(out, format_args!("/* {}: {} */", comment(&layer.name), layer.op));
    array(out, "int32_t", &format!("{name}_params_{i}"), &layer.params, int32);
    array(out, "int32_t", &format!("{name}_channels_{i}"), &layer.channels, int32);
    array(out, "uint16_t", &format!("{name}_tensors_{i}"), node.operands, |n| format!("{n}u"));
}

/// As words, so that the array is aligned without an extension of the language.
fn weights(out: &mut String, name: &str, i: usize, node: &ImageNode<'_>) {
    let words: Vec<u32> = node.layer.weights.chunks(4).map(word).collect();
    array(out, "uint32_t", &format!("{name}_weights_{i}"), &words, |n| format!("0x{n:08x}u"));
}

fn word(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))
}

fn tensors(out: &mut String, name: &str, image: &Image) {
    line(out, format_args!("static const tbx_tensor {name}_tensors[] = {{"));
    for t in image.tensors() {
        let numbers = [
            t.offset,
            t.fresh,
            t.stride,
            t.row_bytes,
            t.rows.into(),
            t.capacity.into(),
            t.fresh_rows.into(),
            t.restart.into(),
            t.phase.into(),
        ];
        line(out, format_args!("    {{{}}},", numbers.map(|n| format!("{n}u")).join(", ")));
    }
    line(out, format_args!("}};\n"));
}

fn nodes(out: &mut String, name: &str, image: &Image) {
    line(out, format_args!("static const tbx_node {name}_nodes[] = {{"));
    for (i, (node, owner)) in image.nodes().zip(image.weight_owners()).enumerate() {
        let record = node.record();
        let layer = node.layer;
        let slice = |what: &str, len: usize| slice(&format!("{name}_{what}_{i}"), len);
        let weights = match layer.weights.len() {
            0 => "{NULL, 0}".into(),
            len => format!("{{(const uint8_t *){name}_weights_{owner}, {len}}}"),
        };
        let numbers =
            [record.inputs, record.steps, record.rows_per_step, record.lag].map(|n| format!("{n}u")).join(", ");
        let memory = [record.scratch, record.scratch_bytes, record.state, record.state_bytes]
            .map(|n| format!("{n}u"))
            .join(", ");
        line(
            out,
            format_args!(
                "    {{{}, {}, {}, {weights}, {}, {numbers}, {memory}}},",
                layer.kernel.symbol,
                slice("params", layer.params.len()),
                slice("channels", layer.channels.len()),
                slice("tensors", node.operands.len()),
            ),
        );
    }
    line(out, format_args!("}};\n"));
}

fn variables(out: &mut String, name: &str, image: &Image) {
    let variables = image.variables();
    if variables.is_empty() {
        return;
    }
    for (i, variable) in variables.iter().enumerate() {
        array(out, "uint8_t", &format!("{name}_initial_{i}"), &variable.initial, |n| format!("{n}u"));
    }
    line(out, format_args!("static const tbx_variable {name}_variables[] = {{"));
    for (i, variable) in variables.iter().enumerate() {
        let initial = slice(&format!("{name}_initial_{i}"), variable.initial.len());
        line(out, format_args!("    {{{}u, {}u, {initial}}},", variable.offset, variable.bytes));
    }
    line(out, format_args!("}};\n"));
}

fn program(out: &mut String, name: &str, image: &Image) {
    let plan = image.plan();
    line(out, format_args!("const tbx_program {name}_program = {{"));
    line(out, format_args!("    {ABI_VERSION}u, {}u,", plan.arena_bytes));
    for (what, len) in [
        ("tensors", image.tensors().len()),
        ("nodes", image.nodes().len()),
        ("schedule", plan.schedule.len()),
        ("inputs", image.inputs().len()),
        ("outputs", image.outputs().len()),
        ("variables", image.variables().len()),
    ] {
        line(out, format_args!("    {},", slice(&format!("{name}_{what}"), len)));
    }
    line(out, format_args!("    {}u, {}u\n}};\n", u32::from(image.is_pushed()), plan.resume));
}

/// What each node is called and which kernel it got; the linker drops them where nobody asks.
fn names(out: &mut String, name: &str, image: &Image) {
    let upper = name.to_uppercase();
    for (what, of) in [
        ("layers", (|n: &ImageNode<'_>| n.layer.name.clone()) as fn(&ImageNode<'_>) -> String),
        ("kernels", |n| n.layer.kernel.symbol.into()),
    ] {
        line(out, format_args!("const char *const {name}_{what}[{upper}_NODES] = {{"));
        for node in image.nodes() {
            line(out, format_args!("    \"{}\",", comment(&of(&node))));
        }
        line(out, format_args!("}};"));
    }
}

fn header(name: &str, graph: &Graph, image: &Image) -> String {
    let upper = name.to_uppercase();
    let mut out = String::new();
    let o = &mut out;
    line(
        o,
        format_args!(
            "/* {}: compiled by Tinderbox {}. Do not edit. */",
            comment(&graph.name),
            env!("CARGO_PKG_VERSION")
        ),
    );
    line(o, format_args!("#ifndef {upper}_H\n#define {upper}_H\n\n#include \"tinderbox.h\"\n"));
    line(
        o,
        format_args!(
            "#if TBX_ABI_VERSION != {ABI_VERSION}\n#error \"{name}.h and tinderbox.h come from different versions of Tinderbox\"\n#endif\n"
        ),
    );
    line(
        o,
        format_args!("/* RAM for TBX_ARENA, in bytes: all that inference needs beside the stack and a tbx_model. */"),
    );
    line(o, format_args!("#define {upper}_ARENA_BYTES {}", image.plan().arena_bytes));
    line(o, format_args!("/* Operators, as {name}_layers and {name}_kernels name them. */"));
    line(o, format_args!("#define {upper}_NODES {}\n", image.nodes().len()));
    let mode = match (&image.plan().period, image.is_pushed()) {
        (Some(_), _) => "A stream: push frames with tbx_push_row, without end; tbx_reset begins anew.",
        (None, true) => "Push inputs with tbx_push_row, a row at a time.",
        (None, false) => "Fill inputs at tbx_input, then call tbx_invoke, which consumes them.",
    };
    line(o, format_args!("/* {mode} */"));
    if let Some(Period { window, hop, .. }) = &image.plan().period {
        line(o, format_args!("/* Frames until the first TBX_READY, and from each to the next; TBX_NEED_ROW else. */"));
        line(o, format_args!("#define {upper}_WINDOW {window}\n#define {upper}_HOP {hop}"));
    }
    for (what, tensors, indices) in
        [("INPUT", &graph.inputs, image.inputs()), ("OUTPUT", &graph.outputs, image.outputs())]
    {
        line(o, format_args!("#define {upper}_{what}S {}", tensors.len()));
        for (i, (tensor, rows)) in operands(graph, image, tensors, indices).enumerate() {
            operand(o, &format!("{upper}_{what}_{i}"), tensor, rows);
        }
    }
    line(o, format_args!("\n#ifdef __cplusplus\nextern \"C\" {{\n#endif\n"));
    line(o, format_args!("extern const tbx_program {name}_program;"));
    line(o, format_args!("extern const char *const {name}_layers[{upper}_NODES];"));
    line(o, format_args!("extern const char *const {name}_kernels[{upper}_NODES];"));
    line(o, format_args!("\n#ifdef __cplusplus\n}}\n#endif\n\n#endif"));
    out
}

/// Macros for one input or output.
fn operand(out: &mut String, prefix: &str, tensor: &Tensor, (rows, row_bytes): (u16, u32)) {
    line(out, format_args!("/* {} */", comment(&tensor.name)));
    line(out, format_args!("#define {prefix}_TYPE {}", c_type(tensor.dtype)));
    line(out, format_args!("#define {prefix}_RANK {}", tensor.shape.len()));
    let shape: Vec<String> = tensor.shape.iter().map(usize::to_string).collect();
    line(
        out,
        format_args!("#define {prefix}_SHAPE {{{}}}", if shape.is_empty() { "1".into() } else { shape.join(", ") }),
    );
    line(out, format_args!("#define {prefix}_ELEMENTS {}", tensor.elements()));
    line(out, format_args!("#define {prefix}_BYTES {}", tensor.bytes()));
    line(out, format_args!("#define {prefix}_ROWS {rows}"));
    line(out, format_args!("#define {prefix}_ROW_BYTES {row_bytes}"));
    if let Some(quant) = &tensor.quant
        && let ([scale], [zero_point]) = (quant.scales.as_slice(), quant.zero_points.as_slice())
    {
        line(out, format_args!("#define {prefix}_SCALE {scale:e}f"));
        line(out, format_args!("#define {prefix}_ZERO_POINT ({zero_point})"));
    }
}

fn c_type(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "float",
        DType::I8 => "int8_t",
        DType::U8 => "uint8_t",
        DType::I16 => "int16_t",
        DType::I32 => "int32_t",
        DType::I64 => "int64_t",
        DType::Bool => "uint8_t",
    }
}

/// An array of constants, sixteen to a line; nothing if it is empty.
fn array<T>(out: &mut String, c_type: &str, name: &str, values: &[T], show: impl Fn(&T) -> String) {
    if values.is_empty() {
        return;
    }
    line(out, format_args!("static const {c_type} {name}[] = {{"));
    for row in values.chunks(16) {
        let row: Vec<String> = row.iter().map(&show).collect();
        line(out, format_args!("    {},", row.join(", ")));
    }
    line(out, format_args!("}};"));
}

fn slice(name: &str, len: usize) -> String {
    if len == 0 { "{NULL, 0}".into() } else { format!("{{{name}, {len}}}") }
}

/// C has no literal for the smallest int.
fn int32(n: &i32) -> String {
    if *n == i32::MIN { "(-2147483647 - 1)".into() } else { n.to_string() }
}
