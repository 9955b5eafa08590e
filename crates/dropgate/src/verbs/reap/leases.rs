//! Leases that killed runs left, ended at the Vault that the configuration names.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dropgate_journal::{self as journal, Journal, LeaseLeft, Note, Tier, Topic, leases_left};
use dropgate_secrets::{LeaseEnd, end_all};
use serde::Serialize;

use crate::cli::ReapArgs;
use crate::config;
use crate::verbs::journal::place::journals_in;
use crate::verbs::run::secrets;

/// How long the Vault may take for the login, and for the leases of one journal.
const WITHIN: Duration = Duration::from_secs(10);
/// How long one journal may take to be sealed.
const SEAL_WITHIN: Duration = Duration::from_secs(2);

/// What became of them.
#[derive(Clone, Copy, Default, Serialize)]
pub(super) struct Leases {
    pub(super) revoked: usize,
    pub(super) pending: usize,
}

/// Ends what can be ended, and says why the rest could not be.
pub(super) fn end(args: &ReapArgs) -> (Leases, Option<String>) {
    let mut leases = Leases::default();
    match try_to_end(args, &mut leases) {
        Ok(()) => (leases, None),
        Err(why) => (leases, Some(why)),
    }
}

fn try_to_end(args: &ReapArgs, leases: &mut Leases) -> Result<(), String> {
    let config =
        config::configuration(args.config.as_deref()).map_err(|error| error.to_string())?;
    let Some(written) = &config.file.vault else {
        return Ok(());
    };
    let mut left: Vec<(PathBuf, Vec<LeaseLeft>)> = Vec::new();
    let parent = config.journals();
    for folder in parent.as_deref().map(journals_in).unwrap_or_default() {
        let mut found = leases_left(&folder).map_err(|error| error.to_string())?;
        found.retain(|one| one.granted_by == written.address);
        leases.pending += found.len();
        left.push((folder, found));
    }
    if leases.pending == 0 || args.dry_run {
        return Ok(());
    }
    let hidden = secrets::hide(&config.file).map_err(|error| error.to_string())?;
    let said = |error: dropgate_secrets::VaultError| error.to_string();
    let (vault, login) = secrets::vault_of(written, &config.folder).map_err(said)?;
    for (folder, found) in left.iter().filter(|(_, found)| !found.is_empty()) {
        let until = Instant::now() + WITHIN;
        let session = vault.log_in(&login, &hidden, until).map_err(said)?;
        let ids: Vec<String> = found.iter().map(|one| one.id.clone()).collect();
        let ended = end_all(&vault, &session, &ids, until);
        let revoked: Vec<String> = ended
            .into_iter()
            .filter_map(|end| match end {
                LeaseEnd::Revoked(id) => Some(id),
                LeaseEnd::Pending(_) => None,
            })
            .collect();
        leases.revoked += revoked.len();
        leases.pending -= revoked.len();
        record(folder, revoked).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Adds to the journal that the leases have ended. One that is not recorded is only ended again.
fn record(folder: &Path, revoked: Vec<String>) -> Result<(), journal::OpenError> {
    let mut journal = Journal::open(journal::Settings::new(folder), Box::new(|| {}))?;
    for id in revoked {
        let note = Note {
            topic: Topic::LeaseRevoked,
            call: None,
            subject: id.into(),
            text: "reaped".into(),
        };
        let _shows_in_the_next_look = journal.note(note, Tier::Sync);
    }
    journal.seal(SEAL_WITHIN);
    Ok(())
}
