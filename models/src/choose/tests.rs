use super::problem::Planned;
use super::*;
use crate::cost::calibrate::{chain, chains};
use crate::graph::Graph;
use crate::lower::{InputMode, Kernels};
use crate::target::costs;
use fastrand::Rng;

fn graphs() -> Vec<Graph> {
    let three = |width| chain(&mut Rng::with_seed(7), [12, width, 8], &[(8, 1, 1), (16, 3, 1), (8, 1, 1)]);
    chains().into_iter().chain([3, 8].map(three)).collect()
}

/// Calls `test` with what makes a graph's problem, of which nothing has been planned.
fn problems(test: impl Fn(&dyn Fn(&mut dyn FnMut(Problem<'_>)))) {
    let table = Table::read(&costs("cortex-m4")).unwrap();
    let options = plan::Options::default();
    for graph in graphs() {
        let lowerer = Lowerer::new(&graph, InputMode::Whole, Kernels::Armv7em);
        test(&|with| with(Problem::new(&lowerer, &table, &options).unwrap()));
    }
}

/// Every program.
fn all(problem: &Problem<'_>) -> Vec<Planned> {
    let mut all: Vec<Picks> = vec![vec![]];
    for layer in &problem.layers {
        let longer = |picks: &Picks| -> Vec<Picks> {
            (0..layer.candidates.len()).map(|i| [&picks[..], &[i]].concat()).collect()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all.iter().map(|picks| problem.plan(picks).unwrap()).collect()
}

/// The limits that tell programs apart: every size of the arena, and half of them with little flash.
fn budgets(all: &[Planned]) -> Vec<Budget> {
    let mut flash: Vec<usize> = all.iter().map(|planned| planned.flash).collect();
    let mut ram: Vec<usize> = all.iter().map(|planned| planned.arena).collect();
    flash.sort();
    ram.sort();
    ram.dedup();
    let median = Some(flash[flash.len() / 2]);
    let with_flash = [None, median].map(|flash| Budget { ram: None, flash });
    let with_ram = ram.iter().flat_map(|ram| [None, median].map(|flash| Budget { ram: Some(*ram), flash }));
    with_flash.into_iter().chain(with_ram).collect()
}

#[test]
fn programs_cost_at_least_the_fastest_variants() {
    problems(|with_new| {
        with_new(&mut |problem| {
            let fastest = all(&problem).iter().map(|planned| planned.instructions).reduce(f64::min).unwrap();
            let least = problem.least_instructions();
            assert!(least <= fastest && fastest < 1.1 * least, "{least} {fastest}");
        });
    });
}

#[test]
fn the_best_of_all_programs_is_found() {
    problems(|with_new| {
        let mut programs = vec![];
        with_new(&mut |problem| programs = all(&problem));
        for budget in budgets(&programs) {
            let fits = programs.iter().filter(|planned| planned.fits(budget));
            let best = fits.map(|planned| planned.instructions).reduce(f64::min);
            with_new(&mut |problem| {
                let found = search(&problem, budget, EXACT).unwrap();
                match (best, found) {
                    (Some(best), Some(found)) => {
                        assert!(found.instructions - best < 1e-6, "{budget:?}: {} is not {best}", found.instructions);
                        assert!(problem.plan(&found.picks).unwrap().fits(budget));
                    }
                    (None, None) => {}
                    (best, found) => panic!("{budget:?}: {best:?} is not {found:?}"),
                }
            });
        }
    });
}

#[test]
fn what_does_not_fit_is_explained() {
    problems(|with_new| {
        with_new(&mut |problem| {
            let refused = |budget| {
                assert!(search(&problem, budget, EXACT).unwrap().is_none());
                refusal::explain(&problem, budget).unwrap().to_string()
            };
            let smallest = all(&problem).iter().map(|planned| planned.arena).min().unwrap();
            let least = problem.least_ram().unwrap();
            assert!(least <= smallest, "{least} is no lower bound of {smallest}");
            for (ram, begins) in [(smallest - 1, "no program was found"), (least - 1, "no program fits")] {
                let begins = if smallest == least { "no program fits" } else { begins };
                let refusal = refused(Budget { ram: Some(ram), flash: None });
                assert!(refusal.starts_with(begins), "{refusal}");
                assert!(refusal.contains(&format!("--ram {smallest}")) && refusal.contains("binds"), "{refusal}");
            }
            let refusal = refused(Budget { ram: None, flash: Some(20) });
            assert!(
                refusal.contains("no program fits 20 bytes of flash") && refusal.contains("most data"),
                "{refusal}"
            );
        });
    });
}
