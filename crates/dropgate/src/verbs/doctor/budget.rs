//! Whether the shutdown ends before the orchestrator loses its patience.

use std::time::Duration;

use dropgate_gate::shutdown::{Plan, Profile, Readiness, Trigger};
use serde::Serialize;

use crate::cli::DoctorArgs;
use crate::config::written;
use crate::verbs::run::plan::shutdown;

/// What the official SDKs for TypeScript and Python wait: 2 s from closing
/// stdin to SIGTERM and 2 s from there to SIGKILL.
const SDK_TERM_AFTER: Duration = Duration::from_secs(2);
const SDK_GRACE: Duration = Duration::from_secs(4);
/// `DefaultTimeoutStopSec` of systemd.
const SYSTEMD_GRACE: Duration = Duration::from_secs(90);
/// `terminationGracePeriodSeconds` of Kubernetes.
const KUBERNETES_GRACE: Duration = Duration::from_secs(30);

/// The arithmetic of one profile.
#[derive(Serialize)]
pub(super) struct Budget {
    profile: &'static str,
    /// From the first word of the end to SIGKILL, milliseconds; none at a
    /// terminal, where nobody kills.
    grace_ms: Option<u64>,
    pre_stop_ms: u64,
    /// What the shutdown takes at most, milliseconds.
    deadline_ms: u64,
    fits: bool,
}

impl Budget {
    pub(super) fn of(args: &DoctorArgs, file: &written::Shutdown) -> Self {
        let settings = shutdown(&args.shutdown, file);
        let zero = Duration::ZERO;
        let mut plan = Plan::begin(Trigger::Sigterm, &settings, Readiness::Initialised, zero);
        let (profile, usual) = match settings.profile {
            Profile::Host => {
                plan = Plan::begin(Trigger::Eof, &settings, Readiness::Initialised, zero);
                plan.tighten(Trigger::Sigterm, SDK_TERM_AFTER);
                ("host", Some(SDK_GRACE))
            }
            Profile::Shell => ("shell", None),
            Profile::Systemd => ("systemd", Some(SYSTEMD_GRACE)),
            Profile::Kubernetes => ("kubernetes", Some(KUBERNETES_GRACE)),
        };
        let deadline = plan.deadline();
        let grace = args.grace.or(usual);
        Self {
            profile,
            grace_ms: grace.map(millis),
            pre_stop_ms: millis(args.pre_stop),
            deadline_ms: millis(deadline),
            fits: grace.is_none_or(|grace| args.pre_stop + deadline < grace),
        }
    }

    pub(super) fn text(&self) -> String {
        let seconds = |ms: u64| format!("{:.1} s", Duration::from_millis(ms).as_secs_f64());
        let used = match self.pre_stop_ms {
            0 => seconds(self.deadline_ms),
            pre_stop => format!(
                "{} preStop + {}",
                seconds(pre_stop),
                seconds(self.deadline_ms)
            ),
        };
        match self.grace_ms {
            None => format!("budget       {}: {used}, and nobody kills\n", self.profile),
            Some(grace) => {
                let verdict = if self.fits {
                    "fits"
                } else {
                    "DOES NOT FIT: shorten --drain or preStop, or give more grace"
                };
                format!(
                    "budget       {}: {used} of {} grace: {verdict}\n",
                    self.profile,
                    seconds(grace)
                )
            }
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
