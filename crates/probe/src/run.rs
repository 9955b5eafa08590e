//! Running all cells, several at once.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use crate::cell::{self, Manners, Setting};
use crate::findings::{Cell, Findings, Guarded};
use crate::grid::{self, Case};
use crate::options::{Guarding, Options};
use crate::quote;
use crate::refusal::{NotProbed, Why};
use crate::target::{self, Target};

/// Where a refusal happened that concerns no cell.
const BEFORE: &str = "before the first start";

/// How far a probe has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress<'a> {
    /// The program has answered a first time, and this many cells follow.
    Planned {
        /// Their number.
        cells: usize,
    },
    /// A cell has ended.
    Finished {
        /// What was found. Cells end in any order.
        cell: &'a Cell,
        /// How many have ended.
        done: usize,
        /// How many there are.
        cells: usize,
    },
}

/// Probes a target.
///
/// Blocks until all is done: a cell whose processes stay takes as long as the bound, the others as
/// long as the program does. Nothing of what was started is left, whatever comes back. `progress`
/// is called on the calling thread.
///
/// The calling program is executed again for three purposes, so its `main` has to begin with
/// [`dropgate_process::run_if_guard`] and lead to [`servers::run`](crate::servers::run) and
/// [`run_host`](crate::run_host).
///
/// # Errors
/// When the program could not be started or did not answer, at first or in any cell, twice.
pub fn probe(
    target: &Target,
    options: &Options,
    mut progress: impl FnMut(Progress<'_>),
) -> Result<Findings, NotProbed> {
    let here = std::env::current_dir()
        .map_err(|error| Why::system("find the current directory")(error).at(BEFORE))?;
    let mut cases = grid::cells(target, options).map_err(|why| why.at(BEFORE))?;
    for case in &mut cases {
        case.command = target::from_here(std::mem::take(&mut case.command), &here);
    }
    let own = (!target.is_wrapper()).then_some(here);
    let manners = if target.is_wrapper() {
        Manners::Known
    } else {
        Manners::Unknown
    };
    let setting = Setting::new(options, options.directory.clone().or(own), manners);
    if let Some(case) = cases.first() {
        // Alone, since a launcher may have to fetch the program, and since nothing else is worth
        // starting if this fails.
        let call = options.call.as_ref().filter(|_| !target.is_wrapper());
        cell::rehearse(case, &setting, call.map(|call| call.tool.as_str()))?;
    }
    progress(Progress::Planned { cells: cases.len() });
    let cells = run_all(&cases, &setting, options.jobs, &mut progress)?;
    let guarded = match options.guarding {
        Guarding::Direct => Guarded::No,
        Guarding::Guarded(_) => Guarded::Yes,
    };
    let server = quote::join(&target.command).to_string_lossy().into_owned();
    Ok(Findings::new(server, guarded, options.bound, cells))
}

type Ran = (usize, Result<Cell, NotProbed>);

fn run_all(
    cases: &[Case],
    setting: &Setting,
    jobs: NonZeroUsize,
    progress: &mut impl FnMut(Progress<'_>),
) -> Result<Vec<Cell>, NotProbed> {
    let next = AtomicUsize::new(0);
    let mut found: Vec<Option<Cell>> = vec![None; cases.len()];
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel::<Ran>(jobs.get());
        for _ in 0..jobs.get().min(cases.len()) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || work(cases, setting, next, &sender));
        }
        drop(sender);
        // A refusal ends the loop, its receiver, and with that the threads that send to it.
        for (before, (place, ran)) in receiver.into_iter().enumerate() {
            let cell = ran?;
            progress(Progress::Finished {
                cell: &cell,
                done: before + 1,
                cells: cases.len(),
            });
            if let Some(found) = found.get_mut(place) {
                *found = Some(cell);
            }
        }
        Ok(())
    })?;
    Ok(found.into_iter().flatten().collect())
}

fn work(cases: &[Case], setting: &Setting, next: &AtomicUsize, sender: &SyncSender<Ran>) {
    loop {
        let place = next.fetch_add(1, Ordering::Relaxed);
        let Some(case) = cases.get(place) else { return };
        // One failure among many cells is more often the machine's than the program's.
        let ran = cell::run(case, setting).or_else(|_| cell::run(case, setting));
        if sender.send((place, ran)).is_err() {
            return;
        }
    }
}
