//! What a run is to do: the file's settings and the flags, as meant, once. Flags outweigh the file.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use dropgate_gate::breaker::{self, FailureTexts, Ratio};
use dropgate_gate::decision::Principal;
use dropgate_gate::doomed::OnShutdown;
use dropgate_gate::load::{self, Rate};
use dropgate_gate::mode::{Class, Listing, Trust};
use dropgate_gate::sanitize::{self, Sanitizer};
use dropgate_gate::shutdown::{Profile, Settings as ShutdownSettings, Source};
use dropgate_journal as journal;
use dropgate_policy::Policies;
use dropgate_relay::{
    CallSettings, Explain, JournalTools, OnFailure, OnUnknown, Order, Orders, ReadOnlySettings,
    Settings, Switch, TelemetrySettings, ToolRule, ToolRules,
};
use dropgate_secrets::Secrets;
use dropgate_wire::Limits;

use super::name::{command_digest, server_name};
use super::pins;
use super::policies::{self, PolicyError};
use super::secrets::{Asked, SecretsError};
use super::telemetry::{self, TelemetryError};
use crate::bounded::Pipes;
use crate::cli::{self, RunArgs, ShutdownArgs, ToolOnShutdown};
use crate::config::written::{self, BreakerOrder, Config};
use crate::config::{self, ToolClass};
use crate::folders;
use crate::verbs::journal::place::default_folder;
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
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    #[error("the pins of tools: {0}; pin = \"off\" in [tools] does without")]
    Pins(#[from] StoreError),
}

/// Reads the configuration that a flag names, or the user's own if there is one.
///
/// # Errors
/// When the file is not right.
pub(crate) fn configuration(named: Option<&Path>) -> Result<Configured, PlanError> {
    configuration_with(Pipes::Awaited, named)
}

/// The same, where pipes may not be waited for.
///
/// # Errors
/// As of [`configuration`], and for a pipe that is refused.
pub(super) fn configuration_with(
    pipes: Pipes,
    named: Option<&Path>,
) -> Result<Configured, PlanError> {
    let own = || folders::configuration().map(|folder| folder.join("dropgate.toml"));
    let path = named
        .map(Path::to_owned)
        .or_else(|| own().filter(|path| path.exists()));
    let file = path.as_deref().map(|path| config::load(path, pipes));
    let file = file.transpose()?;
    Ok(Configured {
        file: file.unwrap_or_default(),
        folder: path
            .as_deref()
            .and_then(Path::parent)
            .unwrap_or(Path::new(""))
            .to_owned(),
        pipes,
    })
}

/// A configuration as it was written, and the folder that its relative paths start from.
#[derive(Debug, Default)]
pub(crate) struct Configured {
    pub(crate) file: Config,
    pub(crate) folder: PathBuf,
    /// What becomes of files that are named there and are pipes.
    pub(crate) pipes: Pipes,
}

impl Configured {
    /// The folder of the journals of all servers, whatever the working folder of whoever asks later:
    /// the file's own, or the usual one.
    pub(crate) fn journals(&self) -> Option<PathBuf> {
        let named = self.file.journal.dir.as_deref();
        named
            .map(|dir| self.folder.join(dir))
            .map(|dir| std::path::absolute(&dir).unwrap_or(dir))
            .or_else(default_folder)
    }
}

/// What decides about calls, and holds for them.
pub(crate) struct Judges {
    pub(crate) policies: Policies,
    pub(crate) caller: Principal,
    pub(crate) meant: Meant,
}

/// All that a file means but for its policies. A start, a reload and `check` make it the same way,
/// so that none of them takes what another refuses.
pub(crate) struct Meant {
    pub(crate) tools: ToolRules,
    pub(super) calls: CallSettings,
    pub(super) orders: Orders,
    pub(super) secrets: Asked,
    read_only: ReadOnlySettings,
    breaker: breaker::Settings,
    telemetry: Option<TelemetrySettings>,
}

/// What a configuration means for the calls of this server.
///
/// # Errors
/// When something in it makes no sense, or a policy can't be read or is not right.
pub(crate) fn judges(
    on_shutdown: &[ToolOnShutdown],
    config: &Configured,
    server: &str,
) -> Result<Judges, PlanError> {
    let (policies, caller) = policies::policies(config, server)?;
    Ok(Judges {
        policies,
        caller,
        meant: meant(on_shutdown, config)?,
    })
}

/// What a file means, its policies left out. Nothing is started, sent or written.
///
/// # Errors
/// When something in it makes no sense, or a file of certificates that it names can't be read.
pub(super) fn meant(
    on_shutdown: &[ToolOnShutdown],
    config: &Configured,
) -> Result<Meant, PlanError> {
    let Configured {
        file,
        folder,
        pipes,
    } = config;
    let (tools, read_only) = tools(on_shutdown, file)?;
    Ok(Meant {
        tools,
        calls: calls(&file.calls)?,
        orders: orders(file),
        secrets: Asked::of(file, folder, *pipes)?,
        read_only,
        breaker: breaker(&file.breaker)?,
        telemetry: telemetry::settings(file.telemetry.as_ref(), folder, *pipes)?,
    })
}

/// What is set for tools, and when only those that read may be called.
///
/// # Errors
/// The tool that proves the write path is one that writes, or texts can't be searched for.
fn tools(
    on_shutdown: &[ToolOnShutdown],
    file: &Config,
) -> Result<(ToolRules, ReadOnlySettings), PlanError> {
    let tools = ToolRules::new(rules(on_shutdown, file)?);
    let read_only = read_only(file);
    match read_only.probe_tool.as_deref() {
        Some(probe) if tools.class_of(probe) == Some(Class::Write) => {
            Err(PlanError::ProbeWrites(probe.to_owned()))
        }
        Some(_) | None => Ok((tools, read_only)),
    }
}

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
    let journal = journal_settings(args, config, &name)?;
    let config = &config.file;
    let meant = judges.meant;
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
        sanitizer: Rc::new(sanitizer(&config.sanitize, &secrets)),
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

/// The bounds of calls.
///
/// # Errors
/// A rate that can't be kept.
fn calls(file: &written::Calls) -> Result<CallSettings, load::Invalid> {
    let default = CallSettings::default();
    let timeout = file.timeout.map_or(default.timeout, |time| time.0);
    Ok(CallSettings {
        timeout,
        max_timeout: file
            .max_timeout
            .map_or(default.max_timeout, |time| time.0)
            .max(timeout),
        max_in_flight: file.max_in_flight.map_or(default.max_in_flight, u32::from),
        rate: file.max_per_second.map(Rate::per_second).transpose()?,
    })
}

fn rules(on_shutdown: &[ToolOnShutdown], config: &Config) -> Result<Vec<ToolRule>, PlanError> {
    let from_flags = on_shutdown.iter().map(|one| ToolRule {
        on_shutdown: Some(one.setting),
        ..ToolRule::new(&one.pattern)
    });
    let from_file = config.tools.patterns.iter().map(|tool| {
        let settings = &tool.settings;
        let texts = settings.failure_texts.as_deref();
        Ok(ToolRule {
            failure_texts: texts.map(FailureTexts::new).transpose()?,
            class: settings.class.map(|class| match class {
                ToolClass::Read => Class::Read,
                ToolClass::Write => Class::Write,
            }),
            timeout: settings.timeout.map(|time| time.0),
            on_shutdown: settings.on_shutdown.map(|what| match what {
                written::OnShutdown::Finish => OnShutdown::Finish,
                written::OnShutdown::Cancel => OnShutdown::Cancel,
            }),
            key_argument: settings.idempotency_key_argument.clone(),
            on_unknown: settings.on_unknown.as_ref().map(|what| match what {
                written::OnUnknown::Refuse => OnUnknown::Refuse,
                written::OnUnknown::Retry => OnUnknown::Retry,
                written::OnUnknown::Reconcile(tool) => OnUnknown::Reconcile(tool.clone()),
            }),
            ..ToolRule::new(&tool.pattern)
        })
    });
    // Whoever names a probe says that it reads.
    let probe = config.read_only.as_ref();
    let probe = probe.and_then(|it| it.probe_tool.as_deref());
    let probe = probe.map(|tool| ToolRule {
        class: Some(Class::Read),
        ..ToolRule::new(tool)
    });
    let all = from_flags.map(Ok).chain(from_file).chain(probe.map(Ok));
    all.collect()
}

fn read_only(config: &Config) -> ReadOnlySettings {
    let file = config.read_only.as_ref();
    ReadOnlySettings {
        probe_tool: file.and_then(|it| it.probe_tool.as_deref().map(Box::from)),
        every: file.and_then(|it| it.every).map(|every| every.0),
        listing: match file.and_then(|it| it.mode) {
            Some(written::Listing::Hide) => Listing::Hide,
            Some(written::Listing::Refuse) | None => Listing::Refuse,
        },
        trust: match config.tools.all.danger_trust_annotations {
            Some(true) => Trust::Trusted,
            Some(false) | None => Trust::Untrusted,
        },
    }
}

/// What the operator wants, whatever the facts are.
fn orders(config: &Config) -> Orders {
    const CLOSED_FOR: Duration = Duration::from_secs(600);
    let file = &config.breaker;
    let order = |written: BreakerOrder| match written {
        BreakerOrder::Auto => Order::Auto,
        BreakerOrder::Open => Order::Open,
        BreakerOrder::Closed => Order::Closed(file.closed_for.map_or(CLOSED_FOR, |time| time.0)),
        BreakerOrder::Off => Order::Off,
    };
    let tools = file.tools.iter();
    Orders {
        read_only: match config.read_only.as_ref().and_then(|it| it.switch) {
            Some(written::Switch::On) => Switch::On,
            Some(written::Switch::Auto) | None => Switch::Auto,
        },
        server: file.server.map(order).unwrap_or_default(),
        tools: tools
            .map(|(name, written)| (name.as_str().into(), order(*written)))
            .collect(),
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

fn breaker(file: &written::Breaker) -> Result<breaker::Settings, breaker::Invalid> {
    let default = breaker::Settings::default();
    breaker::Settings {
        failures: file.failures.unwrap_or(default.failures),
        failure_ratio: match file.failure_ratio {
            Some(ratio) => Ratio::new("failure_ratio", ratio)?,
            None => default.failure_ratio,
        },
        window: file.window.map_or(default.window, |time| time.0),
        open_for: file.open_for.map_or(default.open_for, |time| time.0),
        ..default
    }
    .checked()
}

fn journal_settings(
    args: &RunArgs,
    config: &Configured,
    name: &str,
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
    if let Some(keep) = written.keep {
        settings.keep = keep.0;
    }
    if let Some(size) = written.max_size {
        settings.max_bytes = size.0;
    }
    Ok(Some(settings))
}
