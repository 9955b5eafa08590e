//! Reads what `cargo test` prints while passing it on, and counts.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Mode;
use crate::failure::Failure;

/// Lines about skipped tests that are kept for the summary.
const SKIPPED_KEPT: usize = 500;

/// What a whole run of `cargo test` came to.
#[derive(Default, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
    binaries: u64,
    skipped: Vec<String>,
    pub(super) ended: Ended,
}

/// How `cargo test` itself ended.
#[derive(Default, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    #[default]
    Passed,
    Failed(String),
}

/// Readers at work on one count.
pub(super) struct Reading {
    tally: Arc<Mutex<Tally>>,
    ended: Receiver<()>,
    readers: usize,
}

/// Starts to pass on and count what comes from the two pipes.
pub(super) fn read(
    stdout: Option<impl Read + Send + 'static>,
    stderr: Option<impl Read + Send + 'static>,
) -> Reading {
    let tally = Arc::default();
    let (end, ended) = channel();
    let mut readers = 0;
    for pipe in [stdout.map(boxed), stderr.map(boxed)].into_iter().flatten() {
        let (tally, end) = (Arc::clone(&tally), end.clone());
        std::thread::spawn(move || {
            drain(pipe, &tally);
            // Nobody waits any more when the deadline has passed.
            let _ = end.send(());
        });
        readers += 1;
    }
    Reading {
        tally,
        ended,
        readers,
    }
}

impl Reading {
    /// Waits until both pipes have ended; call it when `cargo test` itself has ended.
    ///
    /// # Errors
    /// A process that the tests left behind still holds a pipe after `limit`.
    pub(super) fn finish(self, limit: Duration) -> Result<Tally, Failure> {
        for _ in 0..self.readers {
            if self.ended.recv_timeout(limit).is_err() {
                return Err(Failure::failed(
                    "cargo test has ended, but a process that a test left behind still holds its output",
                ));
            }
        }
        let mut tally = self
            .tally
            .lock()
            .map_err(|_| Failure::failed("a reader of cargo test's output stopped"))?;
        Ok(std::mem::take(&mut *tally))
    }
}

impl Tally {
    fn line(&mut self, line: &str) {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.binaries += 1;
            self.passed += before(counts, " passed");
            self.failed += before(counts, " failed");
            self.ignored += before(counts, " ignored");
        } else if line.starts_with("skipped: ") && self.skipped.len() < SKIPPED_KEPT {
            self.skipped.push(line.to_owned());
        }
    }

    /// The closing summary; its last line is the one to read by machine.
    pub(super) fn print(&self, took: Duration) {
        for line in &self.skipped {
            eprintln!("   {line}");
        }
        let word = match &self.ended {
            Ended::Passed if self.failed == 0 => "ok".to_owned(),
            Ended::Passed => "failed".to_owned(),
            Ended::Failed(why) => format!("failed ({why})"),
        };
        eprintln!(
            "xtask test: {word}: {} passed, {} failed, {} ignored, {} skipped in {} binaries; {} s",
            self.passed,
            self.failed,
            self.ignored,
            self.skipped.len(),
            self.binaries,
            took.as_secs()
        );
    }

    /// Failed when cargo says so, when nothing ran, or when something was skipped that should have run.
    pub(super) fn verdict(&self, mode: &Mode) -> Result<(), Failure> {
        if let Ended::Failed(why) = &self.ended {
            return Err(Failure::failed(format!("cargo test: {why}")));
        }
        if self.passed == 0 {
            return Err(Failure::failed("no test ran"));
        }
        if !self.skipped.is_empty() && !mode.allows_skips() {
            return Err(Failure::failed(
                "tests were skipped, listed above; only --offline and --quick allow that",
            ));
        }
        Ok(())
    }
}

fn boxed(pipe: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(pipe)
}

fn drain(pipe: impl Read, tally: &Mutex<Tally>) {
    let mut lines = BufReader::new(pipe);
    let mut line = Vec::new();
    while lines
        .read_until(b'\n', &mut line)
        .is_ok_and(|length| length > 0)
    {
        let text = String::from_utf8_lossy(&line);
        eprint!("{text}");
        if let Ok(mut tally) = tally.lock() {
            tally.line(text.trim_end());
        }
        line.clear();
    }
}

/// The number that stands before a word, as in `12 passed`.
fn before(text: &str, word: &str) -> u64 {
    let number = text
        .split(word)
        .next()
        .and_then(|head| head.rsplit(' ').next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::{Network, Scope};

    const OUTPUT: &str = "running 3 tests\ntest a ... ok\nskipped: b: run cargo xtask test\n\
        test result: FAILED. 2 passed; 1 failed; 4 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
        test result: ok. 7 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n";

    const LIMIT: Duration = Duration::from_secs(10);

    fn strict() -> Mode {
        Mode {
            network: Network::Allowed,
            scope: Scope::Full,
        }
    }

    #[test]
    fn counts_are_added_over_binaries_and_pipes() {
        let mut tally = read(Some(OUTPUT.as_bytes()), Some("skipped: c\n".as_bytes()))
            .finish(LIMIT)
            .unwrap();
        assert_eq!(
            (tally.passed, tally.failed, tally.ignored, tally.binaries),
            (9, 1, 4, 2)
        );
        tally.skipped.sort();
        assert_eq!(
            tally.skipped,
            ["skipped: b: run cargo xtask test", "skipped: c"]
        );
    }

    #[test]
    fn a_survivor_that_holds_the_output_is_a_failure() {
        let (held, kept_open) = std::io::pipe().unwrap();
        let failure = read(Some(held), None::<&[u8]>)
            .finish(Duration::from_millis(20))
            .unwrap_err();
        assert!(failure.to_string().contains("left behind"), "{failure}");
        drop(kept_open);
    }

    #[test]
    fn a_skip_that_nobody_asked_for_fails_the_run() {
        let tally = Tally {
            passed: 1,
            skipped: vec!["skipped: b".to_owned()],
            ..Tally::default()
        };
        assert!(tally.verdict(&strict()).is_err());
        assert!(
            tally
                .verdict(&Mode {
                    network: Network::Offline,
                    scope: Scope::Full
                })
                .is_ok()
        );
    }

    #[test]
    fn a_run_without_tests_or_with_a_failing_cargo_is_a_failure() {
        assert!(Tally::default().verdict(&strict()).is_err());
        let killed = Tally {
            passed: 1,
            ended: Ended::Failed("exit status: 101".to_owned()),
            ..Tally::default()
        };
        assert!(killed.verdict(&strict()).is_err());
        assert!(
            Tally {
                passed: 1,
                ..Tally::default()
            }
            .verdict(&strict())
            .is_ok()
        );
    }
}
