//! What dropgate said on standard error.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// The log of one row, read after its end.
pub(crate) struct Record {
    text: String,
}

impl Record {
    pub(crate) fn read(log: &Path) -> Self {
        let bytes = fs::read(log).unwrap_or_default();
        Self {
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// The level that the line at the start names.
    pub(crate) fn level(&self) -> Option<&str> {
        let line = self.said("dropgate: containment ")?;
        line.split([';', ' ']).next()
    }

    /// What it said about stronger levels that it could not have.
    pub(crate) fn stepped_down_from(&self, level: &str) -> bool {
        self.said("dropgate: containment ")
            .is_some_and(|line| line.contains(&format!("; not {level}: ")))
    }

    /// The final report, which must be the last line of dropgate's.
    pub(crate) fn report(&self) -> Result<Value, String> {
        let last = self
            .text
            .lines()
            .rev()
            .find(|line| line.starts_with("dropgate: "));
        let json = last.and_then(|line| line.strip_prefix("dropgate: report "));
        let json = json.ok_or_else(|| format!("no report at the end; {}", self.tail()))?;
        serde_json::from_str(json).map_err(|error| format!("report {json}: {error}"))
    }

    /// Its last part, for the text of a failure.
    pub(crate) fn tail(&self) -> String {
        let mut from = self.text.len().saturating_sub(1500);
        while !self.text.is_char_boundary(from) {
            from += 1;
        }
        format!("stderr ended with:\n{}", &self.text[from..])
    }

    fn said(&self, start: &str) -> Option<&str> {
        self.text.lines().find_map(|line| line.strip_prefix(start))
    }
}
