//! The analyser beside linters and scanners, on one tree of real source and on the fixtures of the rules.

mod faults;
mod tools;
mod tree;

use super::figure::{Bar, Figure, Spread};
use super::routes::{Scratch, build_dropgate};
use super::wanted::Wanted;
use crate::counterparts;
use crate::failure::Failure;

pub(super) use faults::Fault;
use tools::Turn;

/// Most turns of each tool.
const MOST_ROUNDS: usize = 7;

/// A tool that took longer for its first turn, in seconds, gets no other.
const SLOW_S: f64 = 20.0;

/// Longest that the analyser may take for 20 MB, in seconds.
const BAR_S: f64 = 5.0;

/// Most memory of the analyser, in MiB.
const BAR_MIB: f64 = 500.0;

/// What was measured.
pub(super) struct Audit {
    /// What the tree holds.
    pub(super) tree: String,
    /// With bars: time and memory of the analyser.
    pub(super) figures: Vec<Figure>,
    /// One for each tool.
    pub(super) rows: Vec<Row>,
    /// Which rules of each tool report a fault; tools in the order of the rows.
    pub(super) faults: Vec<Fault>,
}

/// A tool on the tree.
pub(super) struct Row {
    pub(super) tool: String,
    pub(super) wall_s: Spread,
    pub(super) cpu_s: Spread,
    pub(super) mib: Spread,
}

pub(super) fn measure(wanted: &Wanted) -> Result<Audit, Failure> {
    if counterparts::present().is_err() {
        counterparts::install()?;
    }
    let dir = counterparts::linters()?;
    build_dropgate()?;
    let scratch = Scratch::new()?;
    let (tree, about) = tree::make(&scratch.dir)?;
    let tools = tools::all(&dir, &scratch.dir);
    let mut turns: Vec<Vec<Turn>> = tools.iter().map(|_| Vec::new()).collect();
    for _ in 0..wanted.rounds.min(MOST_ROUNDS) {
        for (tool, turns) in tools.iter().zip(&mut turns) {
            if turns.first().is_some_and(|first| first.wall_s > SLOW_S) {
                continue;
            }
            eprintln!("== {} on the tree", tool.name);
            turns.push(tool.turn(&tree)?);
        }
    }
    let mut rows = Vec::new();
    for (tool, turns) in tools.iter().zip(&turns) {
        rows.push(Row {
            tool: tool.title()?,
            wall_s: Spread::of(turns.iter().map(|turn| turn.wall_s)),
            cpu_s: Spread::of(turns.iter().map(|turn| turn.cpu_s)),
            mib: Spread::of(turns.iter().map(|turn| turn.mib)),
        });
    }
    let figures = rows.first().map_or_else(Vec::new, figures);
    let faults = faults::find(&tools, &scratch.dir)?;
    Ok(Audit {
        tree: about,
        figures,
        rows,
        faults,
    })
}

fn figures(own: &Row) -> Vec<Figure> {
    let figure = |what: &str, measured, unit, most| Figure {
        what: what.to_owned(),
        measured,
        unit,
        bar: Bar::AtMost(most),
    };
    vec![
        figure(
            "audit of 20 MB of mixed source: time",
            own.wall_s,
            "s",
            BAR_S,
        ),
        figure(
            "audit of 20 MB of mixed source: memory",
            own.mib,
            "MiB",
            BAR_MIB,
        ),
    ]
}
