//! Whether each level works here: tried, not guessed.

use dropgate_process::{Containment, Level, SpawnError, Spec};
use serde::Serialize;

use super::advice;
use crate::verbs::hidden::NOTHING;

/// What came of trying one level.
#[derive(Serialize)]
pub(super) struct LevelState {
    pub(super) level: &'static str,
    pub(super) available: bool,
    pub(super) lacks: Option<String>,
    pub(super) how_to_get_it: Vec<String>,
}

/// Tries all levels, strongest first.
pub(super) fn try_all() -> Vec<LevelState> {
    Level::ALL.into_iter().rev().map(attempt).collect()
}

fn attempt(level: Level) -> LevelState {
    let lacks = Spec::new("/proc/self/exe")
        .args([NOTHING])
        .containment(Containment::Exactly(level))
        .spawn()
        .err()
        .map(|error| reason(&error));
    LevelState {
        level: level.name(),
        available: lacks.is_none(),
        how_to_get_it: if lacks.is_some() {
            advice::on(level)
        } else {
            Vec::new()
        },
        lacks,
    }
}

fn reason(error: &SpawnError) -> String {
    match error {
        SpawnError::Uncontained { skipped } => skipped
            .iter()
            .map(|one| one.why.clone())
            .collect::<Vec<_>>()
            .join("; "),
        SpawnError::Program { .. }
        | SpawnError::GuardEnded
        | SpawnError::GuardSilent
        | SpawnError::System(_) => error.to_string(),
    }
}

/// The level that a choice would give here.
pub(super) fn chosen(levels: &[LevelState], containment: Containment) -> Option<&'static str> {
    let works = |level: &Level| {
        levels
            .iter()
            .any(|one| one.level == level.name() && one.available)
    };
    containment
        .candidates(None)
        .into_iter()
        .find(works)
        .map(Level::name)
}
