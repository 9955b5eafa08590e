//! Rows of one test: each prints its figure, and all run before one fails the test.

use std::io::Write as _;

/// What came of the rows so far.
pub(crate) struct Verdicts {
    test: &'static str,
    rows: usize,
    failures: Vec<String>,
}

impl Verdicts {
    pub(crate) fn of(test: &'static str) -> Self {
        Self {
            test,
            rows: 0,
            failures: Vec::new(),
        }
    }

    /// Takes the end of a row: its figures, or what went wrong.
    pub(crate) fn row(&mut self, row: &str, end: Result<String, String>) {
        self.rows += 1;
        match end {
            Ok(figures) => say(&format!("{} {row}: {figures}", self.test)),
            Err(why) => {
                say(&format!("{} {row}: FAILED: {why}", self.test));
                self.failures.push(format!("{row}: {why}"));
            }
        }
    }

    /// Fails the test when a row failed, or when there was none.
    pub(crate) fn close(self) {
        assert!(self.rows > 0, "no row ran");
        assert!(
            self.failures.is_empty(),
            "{} of {} rows failed:\n{}",
            self.failures.len(),
            self.rows,
            self.failures.join("\n")
        );
    }
}

/// A line that the test harness does not hold back.
pub(crate) fn say(line: &str) {
    let _nobody_reads = writeln!(std::io::stderr(), "{line}");
}
