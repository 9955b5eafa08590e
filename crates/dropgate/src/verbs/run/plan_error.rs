//! Why a run can't begin as it is configured.

use std::path::PathBuf;

use dropgate_gate::{breaker, load};

use super::policies::PolicyError;
use super::secrets::SecretsError;
use super::telemetry::TelemetryError;
use crate::config;
use crate::verbs::trust::store::StoreError;

/// Why a run can't begin as it is configured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    #[error(transparent)]
    Config(#[from] config::ConfigError),
    #[error(transparent)]
    Breaker(#[from] breaker::Invalid),
    #[error("failure_texts: {0}")]
    FailureTexts(#[from] breaker::TextsError),
    #[error(
        "read_only.probe_tool: {0} is configured as a tool that writes, and a probe must change \
         nothing; name one that reads"
    )]
    ProbeWrites(String),
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error("calls.max_per_second: {0}")]
    Rate(#[from] load::Invalid),
    #[error(
        "there is no place for the journal: set journal.dir in dropgate.toml, XDG_STATE_HOME or \
         HOME (of these two a relative path counts for nothing), or keep none with --journal off"
    )]
    NoPlaceForJournal,
    #[error(
        "the journal can't be kept in {folder}: {no_folder} is no folder; set journal.dir in \
         dropgate.toml or XDG_STATE_HOME to one, or keep none with --journal off"
    )]
    JournalInFile { folder: PathBuf, no_folder: PathBuf },
    #[error(
        "journal.copy.dir: {0} is where the journals are themselves; name a folder on another disk"
    )]
    CopyOntoItself(PathBuf),
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    #[error("the pins of tools: {0}; pin = \"off\" in [tools] does without")]
    Pins(#[from] StoreError),
}
