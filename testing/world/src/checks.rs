//! What every test program of the world is: a list of named checks, run and counted in the words
//! of cargo's own harness.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::dice::{Chance, Dice};
use crate::grid::{Cell, State};
use crate::host::run_if_host;
use crate::place::{Column, Place};
use crate::pool::side_by_side;
use crate::problem::Checked;

/// What a problem begins with that is only one of time, which a busy machine may have taken.
pub const LATE: &str = "late: ";

/// How much is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// A little, with debug binaries (`DROPGATE_QUICK`).
    Quick,
    /// A share, chosen by a seed that is printed.
    Share,
    /// Everything (`DROPGATE_WORLD=full`), or everything that a filter names.
    Full,
}

/// The run of one test program.
#[derive(Debug)]
pub struct Checks {
    filters: Vec<String>,
    scale: Scale,
    dice: Dice,
    began: Instant,
    passed: usize,
    failures: Vec<(String, String)>,
}

/// How each test program begins: it may be the one that plays a host; else it has its checks and
/// the place that they are played in.
///
/// # Errors
/// The exit code, when nothing can be played; why was said.
pub fn begin() -> Result<(Checks, Place), ExitCode> {
    run_if_host();
    let checks = Checks::begin();
    match Place::prepare() {
        Ok(place) => Ok((checks, place)),
        Err(problem) => {
            say(&format!("can't begin: {problem}"));
            Err(ExitCode::FAILURE)
        }
    }
}

impl Checks {
    /// Reads filters from the arguments and the scale from the environment. A name is run when it
    /// contains one of the filters; with a filter everything that it names is run.
    #[must_use]
    fn begin() -> Self {
        let filters: Vec<String> = std::env::args()
            .skip(1)
            .filter(|arg| !arg.starts_with('-'))
            .collect();
        let full = std::env::var("DROPGATE_WORLD").is_ok_and(|value| value == "full");
        let scale = if full || !filters.is_empty() {
            Scale::Full
        } else if std::env::var_os("DROPGATE_QUICK").is_some() {
            Scale::Quick
        } else {
            Scale::Share
        };
        let checks = Self {
            filters,
            scale,
            dice: Dice::from_environment(),
            began: Instant::now(),
            passed: 0,
            failures: Vec::new(),
        };
        if scale != Scale::Full {
            say(&format!(
                "a share is played: DROPGATE_WORLD_SEED={} repeats it, DROPGATE_WORLD=full plays all",
                checks.dice.seed()
            ));
        }
        checks
    }

    /// How much is played.
    #[must_use]
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// What `DROPGATE_WORLD_SEED` must be for the same choices.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.dice.seed()
    }

    /// Whether the filters name this; without filters everything is named.
    #[must_use]
    pub fn names(&self, name: &str) -> Chance {
        let named = self.filters.iter().any(|filter| name.contains(filter));
        if named || self.filters.is_empty() {
            Chance::Taken
        } else {
            Chance::Passed
        }
    }

    /// Whether this is played: always at full scale, otherwise about once in so many times.
    pub fn plays(&mut self, name: &str, share: u64, quick: u64) -> Chance {
        let drawn = match self.scale {
            Scale::Full => Chance::Taken,
            Scale::Share => self.dice.one_in(share),
            Scale::Quick => self.dice.one_in(quick),
        };
        match self.names(name) {
            Chance::Taken => drawn,
            Chance::Passed => Chance::Passed,
        }
    }

    /// The cells of a grid that are played, column by column: of `auto` all, of the other levels about
    /// one in `share`, and at quick scale one in `quick` of either.
    pub fn chosen<R: Copy>(
        &mut self,
        columns: &[Column],
        rows: &[R],
        name: impl Fn(&R) -> String,
        (share, quick): (u64, u64),
    ) -> Vec<(Column, R)> {
        let mut cells = Vec::new();
        for &column in columns {
            let share = if column.level().is_none() { 1 } else { share };
            for row in rows {
                let name = format!("{column}/{}", name(row));
                if self.plays(&name, share, quick) == Chance::Taken {
                    cells.push((column, *row));
                }
            }
        }
        cells
    }

    /// Runs a check, if the filters name it, and counts it.
    pub fn check(&mut self, name: &str, check: impl FnOnce() -> Checked) {
        if self.names(name) == Chance::Taken {
            let began = Instant::now();
            let result = check();
            self.count(name, result, Some(began.elapsed()));
        }
    }

    /// Runs several checks side by side and counts them in their order. One whose problem begins
    /// with [`LATE`] is run again alone.
    pub fn check_all<T: Sync>(
        &mut self,
        items: &[(String, T)],
        check: impl Fn(&str, &T) -> Checked + Sync,
    ) {
        let named: Vec<&(String, T)> = items
            .iter()
            .filter(|(name, _)| self.names(name) == Chance::Taken)
            .collect();
        let results = side_by_side(&named, |named| {
            let (name, item) = *named;
            let began = Instant::now();
            (check(name, item), began.elapsed())
        });
        for ((name, item), (mut result, mut took)) in named.into_iter().zip(results) {
            if let Err(late) = &result
                && late.starts_with(LATE)
            {
                say(&format!("{name} was {late}; run again alone"));
                let began = Instant::now();
                result = check(name, item);
                took = began.elapsed();
            }
            self.count(name, result, Some(took));
        }
    }

    /// Plays cells side by side. One that was only late is played again alone, since a busy
    /// machine says nothing about dropgate.
    pub fn play<T: Sync>(&mut self, items: &[T], play: impl Fn(&T) -> Cell + Sync) -> Vec<Cell> {
        let mut cells = side_by_side(items, &play);
        for (cell, item) in cells.iter_mut().zip(items) {
            if cell.state() == State::Late {
                say(&format!(
                    "{} was late ({:?}), played again alone",
                    cell.name, cell.took
                ));
                *cell = play(item);
            }
        }
        for cell in &cells {
            let result = match cell.state() {
                State::Right => Ok(()),
                State::Late => Err(format!("late: {:?}, allowed {:?}", cell.took, cell.within)),
                State::Wrong => Err(cell.problems.join("\n    ")),
            };
            self.tally(&cell.name, result);
        }
        cells
    }

    fn count(&mut self, name: &str, result: Checked, took: Option<Duration>) {
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        let took = took.map_or(String::new(), |took| {
            format!(" ({:.2} s)", took.as_secs_f64())
        });
        say(&format!("test {name} ... {verdict}{took}"));
        self.tally(name, result);
    }

    fn tally(&mut self, name: &str, result: Checked) {
        match result {
            Ok(()) => self.passed += 1,
            Err(problem) => self.failures.push((name.to_owned(), problem)),
        }
    }

    /// Prints the failures and the count.
    #[must_use]
    pub fn conclude(self) -> ExitCode {
        for (name, problem) in &self.failures {
            say(&format!("\n---- {name} ----\n    {problem}"));
        }
        let verdict = if self.failures.is_empty() {
            "ok"
        } else {
            "FAILED"
        };
        say(&format!(
            "\ntest result: {verdict}. {} passed; {} failed; 0 ignored; 0 measured; 0 filtered out; \
             finished in {:.2}s\n",
            self.passed,
            self.failures.len(),
            self.began.elapsed().as_secs_f64()
        ));
        if self.failures.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

/// Prints a line for whoever runs the tests.
pub fn say(line: &str) {
    let _reader_gone = writeln!(std::io::stdout().lock(), "{line}");
}
