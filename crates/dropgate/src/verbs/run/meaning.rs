//! What a file of settings means for calls, with the flags that outweigh it.

use std::path::Path;
use std::time::Duration;

use dropgate_gate::breaker::{self, FailureTexts, Ratio};
use dropgate_gate::decision::Principal;
use dropgate_gate::doomed::OnShutdown;
use dropgate_gate::load::{self, Rate};
use dropgate_gate::mode::{Class, Listing, Trust};
use dropgate_journal::{Copying, Require};
use dropgate_policy::Policies;
use dropgate_relay::{
    CallSettings, OnUnknown, Order, Orders, ReadOnlySettings, Switch, TelemetrySettings, ToolRule,
    ToolRules,
};

use super::plan_error::PlanError;
use super::policies;
use super::secrets::Asked;
use super::telemetry;
use crate::cli::ToolOnShutdown;
use crate::config::written::{self, BreakerOrder, Config};
use crate::config::{Configured, ToolClass};

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
    pub(super) read_only: ReadOnlySettings,
    pub(super) breaker: breaker::Settings,
    pub(super) telemetry: Option<TelemetrySettings>,
    /// Where journals are copied to, one folder in it a server.
    pub(super) copy: Option<Copying>,
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
        copy: copying(config)?,
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

/// Where journals are copied to.
///
/// # Errors
/// That is where they are.
fn copying(config: &Configured) -> Result<Option<Copying>, PlanError> {
    const WITHIN: Duration = Duration::from_secs(1);
    let Some((written, dir)) = config.file.journal.copy.as_ref().zip(config.copies()) else {
        return Ok(None);
    };
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if config
        .journals()
        .is_some_and(|journals| real(&journals) == real(&dir))
    {
        return Err(PlanError::CopyOntoItself(dir));
    }
    Ok(Some(Copying {
        dir,
        require: match written.require {
            Some(written::Require::Any) => Require::Any,
            Some(written::Require::All) | None => Require::All,
        },
        within: written.timeout.map_or(WITHIN, |time| time.0),
    }))
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
