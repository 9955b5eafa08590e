//! `cargo xtask bench`: what dropgate costs, against nothing, the limit, a typed relay and installed rivals.
//!
//! Every comparison is made in one run: all routes are open at once and take turns, round by round, so that whatever
//! else the machine does meets all of them alike. A figure is the median of what the rounds say.

mod audit;
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
    /// The analyser beside other tools.
    audit: Option<audit::Audit>,
}

/// Measures, prints, and with `--write` writes docs/benchmarks.md.
///
/// # Errors
/// Something could not be built or measured, or a bar is missed by more than the rounds differ.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let wanted = Wanted::parse(arguments)?;
    let machine = Machine::look();
    let mut results = Results::default();
    if wanted.has(Part::Audit) {
        results.audit = Some(audit::measure(&wanted)?);
    }
    if !wanted.is_only(Part::Audit) {
        on_routes(&wanted, &mut results)?;
    }
    let path = workspace::root().join("docs/benchmarks.md");
    let document = if wanted.is_only(Part::Audit) {
        document::renewed(&workspace::read(&path)?, &machine, &wanted, &results)
    } else {
        document::compose(&machine, &wanted, &results)
    };
    eprint!("{document}");
    if wanted.writes {
        std::fs::write(&path, &document).doing(format_args!("writing {}", path.display()))?;
    }
    let audit = results.audit.iter().flat_map(|audit| &audit.figures);
    verdict(results.figures.iter().chain(audit))
}

/// Everything about calls.
fn on_routes(wanted: &Wanted, results: &mut Results) -> Result<(), Failure> {
    let routes = Routes::build(wanted)?;
    if wanted.has(Part::Calls) {
        calls::measure(&routes, wanted, results)?;
    }
    if wanted.has(Part::Rivals) {
        rivals::measure(&routes, wanted, results)?;
    }
    if wanted.has(Part::Gate) {
        gate::measure(&routes, wanted, results)?;
    }
    if wanted.has(Part::Journal) {
        journal::measure(&routes, wanted, results)?;
    }
    if wanted.has(Part::Idle) {
        idle::measure(&routes, wanted, results)?;
    }
    if wanted.has(Part::Cycles) {
        results
            .figures
            .extend(idle::cycles(&routes, wanted.cycles)?);
    }
    Ok(())
}

fn verdict<'f>(figures: impl Iterator<Item = &'f Figure>) -> Result<(), Failure> {
    let missed: Vec<&str> = figures
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
