//! Random small networks against TensorFlow Lite Micro itself: the same bytes. `GRAPHS` asks for more of them, `SEED` for
//! others; `TINDERBOX_ORACLE` is a Python with the package tflite-micro.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use tinderbox::compile::{Options, compile};
use tinderbox::export;
use tinderbox::lower::{InputMode, Kernels};
use tinderbox::run::host;
use tinderbox_tests::layers::random_network;

/// A Python process that answers with TFLM's outputs.
struct Oracle {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    /// `None`, with a word on stderr, where Python or the package is missing.
    fn start() -> Option<Self> {
        let python = std::env::var_os("TINDERBOX_ORACLE").unwrap_or_else(|| "python3".into());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle.py");
        let mut command = Command::new(&python);
        let process = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let ready = process.ok().and_then(|mut process| {
            let (questions, answers) = (process.stdin.take()?, BufReader::new(process.stdout.take()?));
            let mut oracle = Self { process, questions, answers };
            let mut line = String::new();
            oracle.answers.read_line(&mut line).ok()?;
            (line == "ready\n").then_some(oracle)
        });
        if ready.is_none() {
            eprintln!("SKIPPED: {} has no tflite-micro; set TINDERBOX_ORACLE", python.display());
        }
        ready
    }

    fn ask(&mut self, model: &[u8], inferences: &[Vec<&[u8]>]) -> std::io::Result<Vec<u8>> {
        self.questions.write_all(&(model.len() as u32).to_le_bytes())?;
        self.questions.write_all(model)?;
        self.questions.write_all(&(inferences.len() as u32).to_le_bytes())?;
        inferences.iter().flatten().try_for_each(|input| self.questions.write_all(input))?;
        self.questions.flush()?;
        let mut size = [0; 4];
        self.answers.read_exact(&mut size)?;
        let mut outputs = vec![0; u32::from_le_bytes(size) as usize];
        self.answers.read_exact(&mut outputs)?;
        Ok(outputs)
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn random_networks_equal_tflm() {
    let Some(mut oracle) = Oracle::start() else { return };
    let first = number("SEED", 0);
    for seed in first..first + number("GRAPHS", 300) {
        let (graph, values) = random_network(seed);
        graph.validate().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let inferences: Vec<Vec<&[u8]>> = values.iter().map(|i| i.iter().map(Vec::as_slice).collect()).collect();
        let model = export::to_bytes(&graph);
        let wanted = oracle.ask(&model, &inferences).unwrap_or_else(|error| panic!("seed {seed}: TFLM ended: {error}"));
        for (kernels, input_mode) in [(Kernels::Portable, InputMode::Whole), (Kernels::Armv7em, InputMode::Rows)] {
            let image = compile(&graph, &Options { kernels, input_mode, ..Options::default() });
            let image = image.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            let found = host::run(&image, &inferences, false).expect("runs").concat().concat();
            if found != wanted {
                let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("differs-{seed}.tflite"));
                std::fs::write(&file, &model).expect("write the model");
                panic!("seed {seed}, {kernels:?}: {} differs from TFLM", file.display());
            }
        }
    }
}
