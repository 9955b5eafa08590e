//! `cargo xtask bench`: what dropgate costs, against nothing, the limit, a typed relay and installed rivals.
//!
//! Every comparison is made in one run: all routes are open at once and take turns, round by round, so that whatever
//! else the machine does meets all of them alike. A figure is the median of what the rounds say.

mod calls;
mod document;
mod figure;
mod gate;
mod generator;
mod idle;
mod journal;
mod machine;
mod measured;
mod rivals;
mod routes;
mod wanted;

use figure::{Figure, Verdict};
use machine::Machine;
use routes::Routes;
use wanted::{Part, Wanted};

use crate::failure::{Doing, Failure};
use crate::workspace;

/// What one part of the measurements gives.
#[derive(Default)]
struct Results {
    /// Figures, most of them with a bar.
    figures: Vec<Figure>,
    /// Every route under every load.
    loads: Vec<calls::Load>,
}

/// Measures, prints, and with `--write` writes docs/benchmarks.md.
///
/// # Errors
/// Something could not be built or measured, or a bar is missed by more than the rounds differ.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let wanted = Wanted::parse(arguments)?;
    let machine = Machine::look();
    let routes = Routes::build(&wanted)?;
    let mut results = Results::default();
    if wanted.has(Part::Calls) {
        calls::measure(&routes, &wanted, &mut results)?;
    }
    if wanted.has(Part::Rivals) {
        rivals::measure(&routes, &wanted, &mut results)?;
    }
    if wanted.has(Part::Gate) {
        gate::measure(&routes, &mut results)?;
    }
    if wanted.has(Part::Journal) {
        journal::measure(&routes, &wanted, &mut results)?;
    }
    if wanted.has(Part::Idle) {
        idle::measure(&routes, &wanted, &mut results)?;
    }
    if wanted.has(Part::Cycles) {
        results
            .figures
            .extend(idle::cycles(&routes, wanted.cycles)?);
    }
    let document = document::compose(&machine, &wanted, &results);
    eprint!("{document}");
    if wanted.writes {
        let path = workspace::root().join("docs/benchmarks.md");
        std::fs::write(&path, &document).doing(format_args!("writing {}", path.display()))?;
    }
    verdict(&results.figures)
}

fn verdict(figures: &[Figure]) -> Result<(), Failure> {
    let missed: Vec<&str> = figures
        .iter()
        .filter(|figure| figure.verdict() == Verdict::Missed)
        .map(|figure| figure.what.as_str())
        .collect();
    if missed.is_empty() {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "{} bars are missed:\n  {}",
        missed.len(),
        missed.join("\n  ")
    )))
}
