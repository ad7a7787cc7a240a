//! Every board runs every model of MLPerf Tiny and the demo model: the same bytes, with the kernels of its instruction
//! set. A model that is too large for a board must be refused before it is linked. Prints a table.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tinderbox::compile::{Options, compile};
use tinderbox::cost::Table;
use tinderbox::fit;
use tinderbox::graph::Graph;
use tinderbox::import;
use tinderbox::lower::{InputMode, Kernels};
use tinderbox::program::Image;
use tinderbox::run::board::{self, Measured};
use tinderbox::run::firmware::{self, RunnerOptions};
use tinderbox::run::npy;
use tinderbox::target::{self, Board, Target};

const MLPERF: [&str; 5] = ["kws_ref_int8", "ic_resnet8_int8", "vww_96_int8", "sww_ref_int8", "ad01_int8"];

/// A model with the first of its golden inferences.
struct Model {
    name: String,
    graph: Graph,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Model {
    fn read(name: &str, file: &Path, input: &Path, output: &Path) -> Self {
        let graph = import::import(file).expect("imports");
        let first = |file: &Path, bytes: usize| npy::read(file).expect("values").data[..bytes].to_vec();
        let bytes = |ids: &[usize]| ids.iter().map(|id| graph.tensors[*id].bytes()).sum();
        let (input, output) = (first(input, bytes(&graph.inputs)), first(output, bytes(&graph.outputs)));
        Self { name: name.into(), graph, input, output }
    }
}

fn models() -> Vec<Model> {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/zoo/fashion");
    let file = |name: &str| demo.join(name);
    let mut models = vec![Model::read("fashion", &file("fashion.tflite"), &file("samples.npy"), &file("golden.npy"))];
    if let Some(shared) = tinderbox_tests::shared() {
        for name in MLPERF {
            let golden = |which: &str| shared.join("data/golden").join(name).join(which);
            let file = shared.join("data/models/mlperf_tiny").join(name).with_extension("tflite");
            models.push(Model::read(name, &file, &golden("input.npy"), &golden("output.npy")));
        }
    }
    models
}

fn target_of(board: &Board) -> &'static Target {
    target::target(&board.target).expect("the board's target is known")
}

/// The boards whose compiler is there, and an emulator that knows them.
fn boards() -> Vec<Board> {
    let output = |tool: &str, arguments: &[&str]| Command::new(tool).args(arguments).output().ok();
    let knows = |board: &Board| {
        let machine = board.emulator.iter().skip_while(|argument| *argument != "-machine").nth(1).expect("a machine");
        let known = output(&board.emulator[0], &["-machine", "help"]);
        known.is_some_and(|known| String::from_utf8_lossy(&known.stdout).lines().any(|line| line.starts_with(machine)))
    };
    let mut boards = target::boards().expect("the boards are described");
    boards.retain(|board| {
        let there = output(target_of(board).cc, &["--version"]).is_some() && knows(board);
        if !there {
            let _ = writeln!(
                std::io::stderr(),
                "skipped: {} needs {} and a newer {}",
                board.name,
                target_of(board).cc,
                board.emulator[0]
            );
        }
        there
    });
    assert!(!boards.is_empty(), "no board can be run; .ci/setup installs the tools");
    boards
}

fn options(board: &Board, input_mode: InputMode) -> Options {
    Options { input_mode, kernels: target_of(board).kernels, ..Options::default() }
}

/// The program of each way of input for each set of kernels; boards differ in what is too large for them.
fn programs(models: &[Model], boards: &[Board]) -> Vec<(Kernels, Vec<[Image; 2]>)> {
    let mut programs: Vec<(Kernels, Vec<[Image; 2]>)> = vec![];
    for board in boards {
        let kernels = target_of(board).kernels;
        if programs.iter().all(|(known, _)| *known != kernels) {
            let both = |model: &Model| {
                [InputMode::Whole, InputMode::Rows]
                    .map(|mode| compile(&model.graph, &options(board, mode)).expect("compiles"))
            };
            programs.push((kernels, models.iter().map(both).collect()));
        }
    }
    programs
}

/// A line of the table.
enum Line {
    Ran { rows: bool, arena: usize, equal: bool, predicted: Option<f64>, measured: Measured },
    Refused,
}

/// Runs the first of the programs that fits; the others must be refused.
fn line(board: &Board, model: &Model, programs: &[Image; 2]) -> Line {
    for (mode, image) in [InputMode::Whole, InputMode::Rows].into_iter().zip(programs) {
        let options = options(board, mode);
        if !fit::Fit::new(image, board, options.costs.as_ref()).fits() {
            let refusal = fit::compile(&model.graph, board, &options).err().expect("a refusal").to_string();
            assert!(refusal.contains("fit"), "{}: {refusal}", model.name);
            continue;
        }
        check_kernels(board, image);
        let run = board::run(board, &model.graph, image, &[vec![&model.input]], RunnerOptions::default());
        let (results, measured) = run.unwrap_or_else(|error| panic!("{} on {}: {error}", model.name, board.name));
        assert_eq!(measured.kernel_set, expected_set(board), "{}", board.name);
        let equal = results[0].concat() == model.output;
        let (rows, arena) = (mode == InputMode::Rows, image.plan().arena_bytes);
        return Line::Ran { rows, arena, equal, predicted: predicted(board, image), measured };
    }
    Line::Refused
}

/// The instructions that the board's costs foretell.
fn predicted(board: &Board, image: &Image) -> Option<f64> {
    Some(Table::of(target_of(board)).expect("a table of costs")?.instructions(image))
}

fn expected_set(board: &Board) -> &'static str {
    match target_of(board).kernels {
        Kernels::Armv7em => "armv7em",
        Kernels::Portable | Kernels::Host => "portable",
    }
}

/// A core with the DSP extension gets kernels for it, no other core does.
fn check_kernels(board: &Board, image: &Image) {
    let special = image.nodes().any(|node| node.layer.kernel.symbol.starts_with("tbx_armv7em"));
    assert_eq!(special, expected_set(board) == "armv7em", "{}", board.name);
}

#[test]
fn every_board_runs_every_model() {
    let (models, boards) = (models(), boards());
    let programs = programs(&models, &boards);
    let (next, lines) = (AtomicUsize::new(0), Mutex::new(vec![]));
    let work = || {
        while let Some(board) = boards.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (_, images) = programs.iter().find(|(k, _)| *k == target_of(board).kernels).expect("compiled");
            for (model, images) in models.iter().zip(images) {
                let line = line(board, model, images);
                lines.lock().expect("no panic").push((&board.name, &model.name, line));
            }
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    let mut lines = lines.into_inner().expect("no panic");
    lines.sort_by_key(|(board, model, _)| (*board, *model));
    // Past the test harness, which keeps what is printed to itself.
    let _ = std::io::stderr().write_all(table(&lines).as_bytes());
    let differ = |line: &&(&String, &String, Line)| matches!(line.2, Line::Ran { equal: false, .. });
    assert_eq!(lines.iter().filter(differ).count(), 0, "bytes differ");
    assert_eq!(lines.len(), boards.len() * models.len());
}

fn table(lines: &[(&String, &String, Line)]) -> String {
    let row = |cells: [&str; 10]| {
        let [board, model, bytes, input, arena, stack, code, instructions, predicted, kernels] = cells;
        format!(
            "{board:17} {model:16} {bytes:9} {input:5} {arena:>6} {stack:>5} {code:>6} {instructions:>12} {predicted:>9} \
             {kernels}\n"
        )
    };
    let mut table =
        row(["board", "model", "bytes", "input", "arena", "stack", "code", "instructions", "predicted", "kernels"]);
    for (board, model, line) in lines {
        table += &match line {
            Line::Refused => row([board, model, "too large", "", "", "", "", "", "", ""]),
            Line::Ran { rows, arena, equal, predicted, measured } => row([
                board,
                model,
                if *equal { "equal" } else { "DIFFERENT" },
                if *rows { "rows" } else { "whole" },
                &arena.to_string(),
                &measured.stack_bytes.to_string(),
                &measured.code_bytes.to_string(),
                &measured.instructions.to_string(),
                &predicted.map_or("-".into(), |n| format!("{n:.0}")),
                &measured.kernel_set,
            ]),
        };
    }
    table
}

/// Firmware that goes wrong on purpose: no board has memory at both addresses.
const FAULT: &str = "int main(void) { return *(volatile int *)0xb0000000u + *(volatile int *)0x2c000000u; }\n";

#[test]
fn a_fault_ends_the_run_and_names_the_place() {
    for board in boards() {
        let folder = tempfile::tempdir().expect("a folder");
        let main: PathBuf = folder.path().join("fault.c");
        std::fs::write(&main, FAULT).expect("written");
        let firmware = firmware::link(&board, target_of(&board), folder.path(), &[&main], "fault.elf").expect("links");
        let error = board::emulate(&board, &firmware, folder.path(), 60).expect_err("must fail").to_string();
        assert!(error.contains("fault at 0x"), "{}: {error}", board.name);
        // Armv6-M has no register that tells the address.
        let told = ["b0000000", "2c000000"].iter().any(|address| error.ends_with(address));
        assert!(told || board.target == "cortex-m0", "{}: {error}", board.name);
    }
}
