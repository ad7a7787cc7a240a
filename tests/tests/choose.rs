//! What `explore` says, `compile` does: within the RAM and flash of a point of the frontier it makes the program of that
//! point.

use tinderbox::choose::Budget;
use tinderbox::choose::frontier::Point;
use tinderbox::compile::{Options, compile, frontier};
use tinderbox::cost::Table;
use tinderbox::graph::Graph;
use tinderbox::import::import;
use tinderbox::lower::Kernels;
use tinderbox::target::costs;
use tinderbox_tests::layers::random_layers;
use tinderbox_tests::network::random_network;
use tinderbox_tests::{models, shared};

/// Compiles networks for a Cortex-M4.
struct Compiler {
    costs: Table,
    options: Options,
}

impl Compiler {
    fn new() -> Self {
        let costs = Table::read(&costs("cortex-m4")).expect("the table of costs");
        let options = Options { kernels: Kernels::Armv7em, costs: Some(costs.clone()), ..Options::default() };
        Self { costs, options }
    }

    fn frontier(&self, graph: &Graph) -> Vec<Point> {
        frontier(graph, &self.options, &self.costs).expect("a frontier")
    }

    /// What the program within `budget` takes; `None` if there is none.
    fn compile(&self, graph: &Graph, budget: Budget) -> Option<Point> {
        let image = compile(graph, &Options { budget, ..self.options.clone() }).ok()?;
        Some(Point {
            ram: image.plan().arena_bytes,
            flash: self.costs.flash(&image).round() as usize,
            instructions: self.costs.instructions(&image).round(),
        })
    }
}

#[test]
fn each_point_of_a_frontier_is_compiled_within_its_ram_and_flash() {
    let compiler = Compiler::new();
    let mut chosen = 0;
    for seed in 0..20 {
        for graph in [random_layers(seed, 1).0, random_layers(seed, 3).0, random_network(seed).0] {
            let points = compiler.frontier(&graph);
            for point in &points {
                let budget = Budget { ram: Some(point.ram), flash: Some(point.flash) };
                assert_eq!(compiler.compile(&graph, budget).as_ref(), Some(point), "{}, seed {seed}", graph.name);
            }
            chosen += points.len() - 1;
        }
    }
    assert!(chosen > 20, "next to no network has a choice");
}

/// Less RAM than a program may take, as long as it takes no more, makes no other program.
#[test]
fn ram_that_is_not_used_does_not_matter() {
    let Some(shared) = shared() else { return };
    let compiler = Compiler::new();
    for file in models(&shared.join("data/models/mlperf_tiny")) {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        if !["ad01_int8", "kws_ref_int8", "sww_ref_int8"].contains(&name.as_str()) {
            continue;
        }
        let graph = import(&file).expect("a public model");
        let within = |ram: usize| compiler.compile(&graph, Budget { ram: Some(ram), flash: None });
        let default = compiler.compile(&graph, Budget::default()).expect("a program");
        let mut found = within(default.ram).expect("the program is known");
        assert!(found.instructions <= default.instructions, "{name}: {found:?} is slower than {default:?}");
        for _ in 0..2 {
            assert_eq!(within(found.ram).as_ref(), Some(&found), "{name}");
            let Some(less) = within(found.ram - found.ram / 16) else { break };
            found = less;
        }
    }
}
