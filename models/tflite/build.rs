//! Generates the typed view of a .tflite file from `schema/tflite.fbs`, and the names of its enums' values.

use planus_types::intermediate::{DeclarationKind, Declarations};
use std::{fmt::Write, path::Path};

const SCHEMA: &str = "schema/tflite.fbs";

fn main() -> eyre::Result<()> {
    println!("cargo::rerun-if-changed={SCHEMA}");
    let declarations = planus_translation::translate_files(&[Path::new(SCHEMA)])
        .ok_or_else(|| eyre::eyre!("{SCHEMA} is not a valid schema"))?;
    let code = planus_codegen::generate_rust(&declarations, true)?;
    let out = std::env::var("OUT_DIR")?;
    std::fs::write(Path::new(&out).join("schema.rs"), code)?;
    std::fs::write(Path::new(&out).join("names.rs"), names(&declarations)?)?;
    Ok(())
}

/// `fn name(self)` for every enum: planus renames the variants (`CONV_2D` becomes `Conv2d`), messages want the original.
fn names(declarations: &Declarations) -> Result<String, std::fmt::Error> {
    let mut code = String::new();
    for (path, declaration) in &declarations.declarations {
        let DeclarationKind::Enum(e) = &declaration.kind else { continue };
        let name = path.0.last().expect("a declaration has a name");
        writeln!(code, "impl {name} {{\n    /// The name in TensorFlow Lite's schema.")?;
        writeln!(code, "    pub fn name(self) -> &'static str {{\n        match self as i64 {{")?;
        for (value, variant) in &e.variants {
            writeln!(code, "            {} => \"{}\",", value.to_u64(), variant.name)?;
        }
        writeln!(code, "            _ => unreachable!(),\n        }}\n    }}\n}}")?;
    }
    Ok(code)
}
