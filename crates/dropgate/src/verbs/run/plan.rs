//! What a run is to do: the file's settings and the flags, as meant, once. Flags outweigh the file.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use dropgate_gate::sanitize::{self, Sanitizer};
use dropgate_gate::shutdown::{Profile, Settings as ShutdownSettings, Source};
use dropgate_journal as journal;
use dropgate_relay::{Explain, JournalTools, OnFailure, ResultSearch, Settings};
use dropgate_secrets::Secrets;
use dropgate_wire::Limits;

use super::meaning::Judges;
use super::name::{command_digest, server_name};
use super::pins;
use super::plan_error::PlanError;
use super::telemetry;
use crate::cli::{self, RunArgs, ShutdownArgs};
use crate::config::Configured;
use crate::config::written;
use crate::folders;

/// The relay's settings.
///
/// # Errors
/// When they make no sense together, or the journal has no place.
pub(crate) fn settings(
    args: &RunArgs,
    config: &Configured,
    judges: Judges,
    secrets: Rc<Secrets>,
) -> Result<Settings, PlanError> {
    let name = name_of(args);
    // Before the pins, which lie beside it, so that it is what a message is about.
    let mut meant = judges.meant;
    let journal = journal_settings(args, config, &name, meant.copy.take())?;
    let config = &config.file;
    Ok(Settings {
        journal,
        server_name: Arc::from(name.as_str()),
        command_digest: command_digest(&args.command).into(),
        shutdown: shutdown(&args.shutdown, &config.shutdown),
        limits: Limits {
            max_bytes: args.max_message,
            ..Limits::default()
        },
        calls: meant.calls,
        tools: meant.tools,
        read_only: meant.read_only,
        breaker: meant.breaker,
        orders: meant.orders,
        policies: judges.policies,
        explain: if args.explain {
            Explain::On
        } else {
            Explain::Off
        },
        pinned: pins::pinned(config.tools.all.pin, &name)?,
        principal: Arc::from(judges.caller.name()),
        caller: judges.caller,
        reload: None,
        sanitizer: Arc::new(sanitizer(&config.sanitize, &secrets)),
        result_search: match config.sanitize.results {
            Some(written::ResultsWritten::Report) => ResultSearch::Report,
            Some(written::ResultsWritten::Off) | None => ResultSearch::Off,
        },
        log: telemetry::log(&config.log),
        telemetry: meant.telemetry,
        on_failure: match config.journal.on_failure {
            Some(written::OnFailure::DenyWrites) => OnFailure::DenyWrites,
            Some(written::OnFailure::DenyAll) | None => OnFailure::DenyAll,
        },
        journal_tools: match config.journal.tools {
            Some(true) => JournalTools::Offered,
            Some(false) | None => JournalTools::Off,
        },
        hibernate_after: args.hibernate,
        secrets,
    })
}

/// What the server of these flags is called.
pub(super) fn name_of(args: &RunArgs) -> String {
    args.name
        .clone()
        .unwrap_or_else(|| server_name(&args.command))
}

/// The deadlines that flags and file mean.
pub(crate) fn shutdown(args: &ShutdownArgs, file: &written::Shutdown) -> ShutdownSettings {
    const DRAIN: Duration = Duration::from_secs(10);
    const EOF_DEADLINE: Duration = Duration::from_secs(3);
    let eof_deadline = args.eof_deadline.or(file.eof_deadline.map(|time| time.0));
    ShutdownSettings {
        drain: args
            .drain
            .or(file.drain.map(|time| time.0))
            .unwrap_or(DRAIN),
        eof_deadline: eof_deadline.unwrap_or(EOF_DEADLINE),
        eof_deadline_source: match eof_deadline {
            Some(_) => Source::Explicit,
            None => Source::Default,
        },
        profile: match (args.profile, file.profile) {
            (Some(cli::Profile::Host), _) | (None, Some(written::Profile::Host) | None) => {
                Profile::Host
            }
            (Some(cli::Profile::Shell), _) | (None, Some(written::Profile::Shell)) => {
                Profile::Shell
            }
            (Some(cli::Profile::Systemd), _) | (None, Some(written::Profile::Systemd)) => {
                Profile::Systemd
            }
            (Some(cli::Profile::Kubernetes), _) | (None, Some(written::Profile::Kubernetes)) => {
                Profile::Kubernetes
            }
        },
    }
}

fn sanitizer(file: &written::Sanitize, secrets: &Secrets) -> Sanitizer {
    let profile = match file.profile {
        Some(written::SanitizeProfile::Strict) => sanitize::Profile::Strict,
        Some(written::SanitizeProfile::Standard) | None => sanitize::Profile::Standard,
    };
    let settings = sanitize::Settings {
        profile,
        ..sanitize::Settings::default()
    };
    Sanitizer::knowing(settings, |add| secrets.each(add))
}

fn journal_settings(
    args: &RunArgs,
    config: &Configured,
    name: &str,
    copy: Option<journal::Copying>,
) -> Result<Option<journal::Settings>, PlanError> {
    let written = &config.file.journal;
    let off = args.journal.is_some() || written.danger_off == Some(true);
    if off {
        return Ok(None);
    }
    let folder = config.journals().ok_or(PlanError::NoPlaceForJournal)?;
    if let Some(no_folder) = folders::no_folder(&folder) {
        return Err(PlanError::JournalInFile { folder, no_folder });
    }
    let mut settings = journal::Settings::new(folder.join(name));
    if args.accept_damage {
        settings.damage = journal::Damage::Accept;
    }
    settings.copy = copy.map(|copy| journal::Copying {
        dir: copy.dir.join(name),
        ..copy
    });
    settings.clear = journal::Clear::new(written.clear.clone());
    if let Some(keep) = written.keep {
        settings.keep = keep.0;
    }
    if let Some(size) = written.max_size {
        settings.max_bytes = size.0;
    }
    Ok(Some(settings))
}
