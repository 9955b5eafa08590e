//! The journal that a guarded run of the demonstration keeps, and what it says afterwards.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use dropgate_journal::{CallRef, FolderError, Known, Sealing, look_up, records, verify};
use serde_json::Value;

use crate::verbs::journal::show::member;
use crate::verbs::journal::verify as verdict;

/// The run's name, and so its journal's.
const NAME: &str = "demo";

/// A configuration and the journal that it leads to, in a folder that is removed with the run.
pub(super) struct Record {
    config: PathBuf,
    journal: PathBuf,
}

impl Record {
    /// Writes the configuration.
    pub(super) fn in_folder(folder: &Path) -> Result<Self, String> {
        let config = folder.join("dropgate.toml");
        let place = folder.join("journal");
        let text = format!(
            "[journal]\ndir = {}\n",
            Value::from(place.to_string_lossy())
        );
        fs::write(&config, text).map_err(|error| format!("{}: {error}", config.display()))?;
        Ok(Self {
            config,
            journal: place.join(NAME),
        })
    }

    /// The flags of `dropgate run` that make it keep this journal.
    pub(super) fn flags(&self) -> [OsString; 2] {
        let mut config = OsString::from("--config=");
        config.push(&self.config);
        [config, format!("--name={NAME}").into()]
    }

    /// The verdict of `journal verify`, and what `journal outcome` says of the call.
    pub(super) fn account(&self) -> Result<String, String> {
        let failed = |error: FolderError| format!("the journal: {error}");
        let verified = verify(&self.journal, &Known::default()).map_err(failed)?;
        let verdict = verified
            .chains
            .iter()
            .map(|chain| verdict::word(chain.verdict.code()))
            .collect::<Vec<_>>()
            .join(", ");
        let sealed = verified
            .chains
            .iter()
            .all(|chain| chain.ending == Sealing::Sealed);
        let seal = if sealed { "sealed" } else { "not sealed" };
        let call = self.call().ok_or("the journal knows of no call")?;
        let outcome = look_up(&self.journal, call)
            .map_err(failed)?
            .map_or("not found", |account| account.word());
        Ok(format!(
            "{verdict}, {seal}; what became of the call: {outcome}"
        ))
    }

    /// The one call that was recorded.
    fn call(&self) -> Option<CallRef> {
        records(&self.journal)
            .ok()?
            .filter_map(Result::ok)
            .filter_map(|record| serde_json::from_str::<Value>(&record.line).ok())
            .find(|record| member(record, "kind") == "intent")
            .and_then(|record| member(&record, "call").parse().ok())
    }
}
