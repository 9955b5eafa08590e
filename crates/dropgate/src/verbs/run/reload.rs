//! Which parts of the configuration hold from a SIGHUP on, where that does not end the run.

use std::collections::BTreeMap;

use dropgate_gate::shutdown::Profile;
use dropgate_relay::{Reload, Renewed};

use super::meaning;
use super::plan_error::PlanError;
use super::policies;
use crate::bounded::Pipes;
use crate::cli::RunArgs;
use crate::config::written::{Authorize, Authzen, Breaker, Config, ReadOnly};
use crate::config::{self, Configured, weakenings};

/// Reads the configuration again; none where a SIGHUP ends the run. A host and a terminal send it
/// when they go; under an orchestrator, which ends a program by SIGTERM, it asks to reload.
pub(super) fn planned(args: &RunArgs, config: &Configured, profile: Profile) -> Option<Reload> {
    match profile {
        Profile::Host | Profile::Shell => return None,
        Profile::Systemd | Profile::Kubernetes => {}
    }
    let (path, on_shutdown) = (args.config.clone(), args.on_shutdown.clone());
    let began = config.file.clone();
    Some(Box::new(move || {
        // The loop stands still meanwhile.
        let config = config::configuration_with(Pipes::Refused, path.as_deref())
            .map_err(|error| error.to_string())?;
        if who_decides(&config.file) != who_decides(&began) {
            return Err(
                "authorize: who decides can't change while the server runs; \
                        start dropgate again"
                    .to_owned(),
            );
        }
        let renewed = || -> Result<Renewed, PlanError> {
            let meant = meaning::meant(&on_shutdown, &config)?;
            Ok(Renewed {
                tools: meant.tools,
                timeout: meant.calls.timeout,
                max_timeout: meant.calls.max_timeout,
                orders: meant.orders,
                policies: policies::cedar(&config)?,
                remarks: remarks(&began, &config.file),
            })
        };
        renewed().map_err(|error| error.to_string())
    }))
}

/// Everything about `[authorize]` but the policies themselves.
fn who_decides(file: &Config) -> Option<(bool, Option<&str>, Option<&Authzen>)> {
    file.authorize.as_ref().map(|it: &Authorize| {
        (
            it.cedar.is_empty(),
            it.principal.as_deref(),
            it.authzen.as_ref(),
        )
    })
}

/// The weakening keys, and what only the next start takes.
fn remarks(began: &Config, now: &Config) -> Vec<String> {
    let mut remarks: Vec<String> = weakenings(now)
        .into_iter()
        .map(|key| format!("weakened by {key}"))
        .collect();
    let load = |file: &Config| (file.calls.max_in_flight, file.calls.max_per_second);
    let later: Vec<&str> = [
        ("[shutdown]", began.shutdown != now.shutdown),
        (
            "[calls] max_in_flight, max_per_second",
            load(began) != load(now),
        ),
        ("[tools]", began.tools.all != now.tools.all),
        ("[breaker]", breaker(began) != breaker(now)),
        ("[read_only]", read_only(began) != read_only(now)),
        ("[journal]", began.journal != now.journal),
        ("[sanitize]", began.sanitize != now.sanitize),
        ("[log]", began.log != now.log),
        ("[telemetry]", began.telemetry != now.telemetry),
        ("[secrets]", began.secrets != now.secrets),
        ("[vault]", began.vault != now.vault),
    ]
    .into_iter()
    .filter(|(_, differs)| *differs)
    .map(|(name, _)| name)
    .collect();
    if !later.is_empty() {
        remarks.push(format!(
            "configuration: what changed in {} holds from the next start on",
            later.join(", ")
        ));
    }
    remarks
}

/// All but an operator's orders.
fn breaker(file: &Config) -> Breaker {
    Breaker {
        server: None,
        tools: BTreeMap::new(),
        closed_for: None,
        ..file.breaker.clone()
    }
}

/// All but an operator's switch.
fn read_only(file: &Config) -> ReadOnly {
    ReadOnly {
        switch: None,
        ..file.read_only.clone().unwrap_or_default()
    }
}
