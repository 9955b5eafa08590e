//! What came, what is missing, and how that is told.

use std::time::Duration;

use serde_json::{Value, json};

use super::source::{Level, Reason};

/// The key under `_meta` by which an answer names what is missing from it.
pub const PARTIAL_META: &str = "dev.dropgate/partial";

/// An answer, perhaps without some of its sources.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Gathered<T> {
    pub(super) values: Vec<(&'static str, T)>,
    pub(super) missing: Vec<Missing>,
}

/// A source that gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Missing {
    /// Its name.
    pub source: &'static str,
    /// How much it matters.
    pub level: Level,
    /// Why it gave nothing.
    pub reason: Reason,
    /// When to ask again, if the source knows.
    pub retry_after: Option<Duration>,
}

impl<T> Gathered<T> {
    /// What this source gave.
    #[must_use]
    pub fn get(&self, source: &str) -> Option<&T> {
        self.values
            .iter()
            .find_map(|(name, value)| (*name == source).then_some(value))
    }

    /// Takes out what this source gave.
    pub fn take(&mut self, source: &str) -> Option<T> {
        let place = self.values.iter().position(|(name, _)| *name == source)?;
        Some(self.values.remove(place).1)
    }

    /// All that came, in the order in which the sources were added.
    #[must_use]
    pub fn values(&self) -> &[(&'static str, T)] {
        &self.values
    }

    /// All that is missing, for metrics.
    #[must_use]
    pub fn missing(&self) -> &[Missing] {
        &self.missing
    }

    /// What the caller has to be told is missing.
    pub fn warnings(&self) -> impl Iterator<Item = &Missing> {
        warnings(&self.missing)
    }

    /// The value of `_meta["dev.dropgate/partial"]`, if there is something to tell. It does not
    /// belong into `structuredContent`, whose shape the tool has promised.
    #[must_use]
    pub fn partial_meta(&self) -> Option<Value> {
        partial_meta(&self.missing)
    }

    /// One line for the model, if there is something to tell.
    #[must_use]
    pub fn warning_text(&self) -> Option<String> {
        let told: Vec<String> = self.warnings().map(Missing::text).collect();
        (!told.is_empty()).then(|| format!("This answer is not complete: {}.", told.join("; ")))
    }
}

/// A required source gave nothing, so there is no answer: a result with `isError`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct RequiredMissing {
    pub(super) missing: Vec<Missing>,
}

impl RequiredMissing {
    /// All that was missing when the answer was given up. Sources that were still asked then are
    /// not among them.
    #[must_use]
    pub fn missing(&self) -> &[Missing] {
        &self.missing
    }

    /// The value of `_meta["dev.dropgate/partial"]`.
    #[must_use]
    pub fn partial_meta(&self) -> Option<Value> {
        partial_meta(&self.missing)
    }

    /// One line for the model.
    #[must_use]
    pub fn text(&self) -> String {
        let required = |it: &&Missing| it.level == Level::Required;
        let told: Vec<String> = self
            .missing
            .iter()
            .filter(required)
            .map(Missing::text)
            .collect();
        format!("There is no answer: {}.", told.join("; "))
    }
}

impl Missing {
    fn text(&self) -> String {
        let source = self.source;
        match self.reason {
            Reason::TimedOut => format!("{source} did not answer in time"),
            Reason::Failed => format!("{source} failed"),
            Reason::Unauthorized => format!("{source} refused the credentials"),
            Reason::Unavailable => format!("{source} is not available at present"),
            Reason::Overloaded => format!("{source} has too many callers at present"),
        }
    }

    fn meta(&self) -> Value {
        let mut meta = json!({
            "source": self.source, "level": self.level.name(), "reason": self.reason.name()
        });
        if let (Value::Object(members), Some(after)) = (&mut meta, self.retry_after) {
            let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            members.insert("retry_after_ms".to_owned(), millis.into());
        }
        meta
    }
}

fn warnings(missing: &[Missing]) -> impl Iterator<Item = &Missing> {
    missing.iter().filter(|it| match (it.level, it.reason) {
        (Level::Required | Level::Important, _) | (Level::Optional, Reason::Unauthorized) => true,
        (
            Level::Optional,
            Reason::TimedOut | Reason::Failed | Reason::Unavailable | Reason::Overloaded,
        ) => false,
    })
}

fn partial_meta(missing: &[Missing]) -> Option<Value> {
    let told: Vec<Value> = warnings(missing).map(Missing::meta).collect();
    (!told.is_empty()).then_some(Value::Array(told))
}
