//! TensorFlow Lite Micro itself, in a Python process that lives long.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// TFLM, which answers with a model's outputs.
pub struct Tflm {
    python: OsString,
    process: Process,
}

/// Why there is no answer.
#[derive(Debug)]
pub struct Refused(pub String);

impl Tflm {
    /// `TINDERBOX_TFLM_PYTHON` is a Python that has the package tflite-micro, or else `python3` may be. `None`, with a word
    /// on stderr, where it has not.
    pub fn start() -> Option<Self> {
        let python = std::env::var_os("TINDERBOX_TFLM_PYTHON").unwrap_or_else(|| "python3".into());
        let process = Process::start(&python);
        if process.is_err() {
            eprintln!("SKIPPED: {} has no tflite-micro; set TINDERBOX_TFLM_PYTHON", python.display());
        }
        Some(Self { python, process: process.ok()? })
    }

    /// The bytes of all outputs of all inferences, for a model whose inputs are int8.
    pub fn run(&mut self, model: &[u8], inferences: &[Vec<&[u8]>], outputs: usize) -> Result<Vec<u8>, Refused> {
        self.process.ask(model, inferences, outputs).unwrap_or_else(|error| {
            // It aborts where a check in a kernel fails.
            self.process = Process::start(&self.python).expect("it started before");
            Err(Refused(format!("TFLM ended: {error}")))
        })
    }
}

struct Process {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Process {
    fn start(python: &OsString) -> io::Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle.py");
        let mut command = Command::new(python);
        let mut child =
            command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (questions, answers) = pipes.ok_or(io::ErrorKind::BrokenPipe)?;
        let mut process = Self { child, questions, answers: BufReader::new(answers) };
        let mut line = String::new();
        process.answers.read_line(&mut line)?;
        if line == "ready\n" { Ok(process) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    fn ask(&mut self, model: &[u8], inferences: &[Vec<&[u8]>], outputs: usize) -> io::Result<Result<Vec<u8>, Refused>> {
        self.send(model)?;
        let inputs = inferences.first().map_or(0, Vec::len);
        [inputs, outputs, inferences.len()].into_iter().try_for_each(|n| self.number(n))?;
        inferences.iter().flatten().try_for_each(|input| self.send(input))?;
        self.questions.flush()?;
        let status = self.answer()?;
        let mut bytes = vec![0; self.answer()?];
        self.answers.read_exact(&mut bytes)?;
        Ok(if status == 0 { Ok(bytes) } else { Err(Refused(String::from_utf8_lossy(&bytes).into_owned())) })
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.number(bytes.len())?;
        self.questions.write_all(bytes)
    }

    fn number(&mut self, n: usize) -> io::Result<()> {
        self.questions.write_all(&(n as u32).to_le_bytes())
    }

    fn answer(&mut self) -> io::Result<usize> {
        let mut number = [0; 4];
        self.answers.read_exact(&mut number)?;
        Ok(u32::from_le_bytes(number) as usize)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
