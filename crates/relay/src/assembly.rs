//! A relay is put together from its parts.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use dropgate_gate::breaker::{Breakers, Probing};
use dropgate_gate::checks::Checks;
use dropgate_gate::deadlines::Deadlines;
use dropgate_gate::in_flight::InFlight;
use dropgate_gate::latency::Latencies;
use dropgate_gate::load::{self, Load};
use dropgate_gate::mode::{self, Mode, ProbeSettings};
use tokio::time::sleep;

use crate::bell::Bell;
use crate::chronicle::{Away, Dropped};
use crate::deciding::UnderDecision;
use crate::deliveries::Deliveries;
use crate::docket::Docket;
use crate::downstream::stdio::Downstream;
use crate::held_answers::HeldAnswers;
use crate::hibernation::Hibernation;
use crate::journal_words::Decisions;
use crate::listed_tools::ListedTools;
use crate::log::Log;
use crate::look_ups::LookUps;
use crate::notify_socket::NotifySocket;
use crate::own_tools::OwnTools;
use crate::owned_tree::OwnedTree;
use crate::pump::TRIM_AFTER;
use crate::recorder::Recorder;
use crate::relay::{Owner, Relay};
use crate::settings::{ReadOnlySettings, Settings};
use crate::shutdown::Shutdown;
use crate::signals::Signals;
use crate::surplus::SurplusAnswers;
use crate::telemetry::Telemetry;
use crate::tree_end::TreeEnd;
use crate::upstream::stdio::Upstream;
use crate::waiting_room::WaitingRoom;
use crate::write_probe::WriteProbe;

/// All that is read and written.
pub(crate) struct Streams {
    pub(crate) downstream: Downstream,
    pub(crate) upstream: Upstream,
    pub(crate) log: Log,
}

/// Where calls are recorded, and who tells the loop that the record got on.
pub(crate) struct Record {
    pub(crate) recorder: Recorder,
    pub(crate) bell: Bell,
    pub(crate) telemetry: Option<Box<Telemetry>>,
    /// From when on it counts the time.
    pub(crate) started: Instant,
}

impl Relay {
    pub(crate) fn new(
        hibernation: Hibernation,
        mut settings: Settings,
        streams: Streams,
        signals: Signals,
        tree: OwnedTree,
        notify: NotifySocket,
        record: Record,
    ) -> Self {
        let pinned = settings.pinned.take();
        let trust = settings.read_only.trust;
        let Streams {
            downstream,
            upstream,
            log,
        } = streams;
        let Record {
            recorder,
            bell,
            telemetry,
            started,
        } = record;
        Self {
            started,
            shutdown: Shutdown::new(settings.shutdown, notify),
            downstream,
            upstream,
            log,
            signals,
            tree,
            hibernation,
            timer: Box::pin(sleep(Duration::ZERO)),
            checks: checks(&settings),
            docket: Docket::default(),
            deadlines: Deadlines::new(),
            deciding: UnderDecision::default(),
            pinned,
            listed: ListedTools::new(trust),
            write_probe: WriteProbe::new(settings.read_only.probe_tool.clone(), seed()),
            waiting: WaitingRoom::default(),
            look_ups: LookUps::default(),
            own_tools: OwnTools::offered(&recorder, settings.journal_tools),
            deliveries: Deliveries::default(),
            sanitizer: Arc::clone(&settings.sanitizer),
            settings,
            recorder,
            decisions: Decisions::default(),
            telemetry,
            bell,
            held_answers: HeldAnswers::default(),
            record_trouble: None,
            dropped: Dropped::NotSaid,
            copy_away: Away::NotSaid,
            told_credentials: BTreeSet::new(),
            unrecorded: 0,
            record_heeded: Duration::ZERO,
            calls: InFlight::new(),
            latencies: Latencies::new(),
            surplus: SurplusAnswers::default(),
            answered_once: false,
            last_call: None,
            stdout_closed: None,
            // What the start needed goes first.
            trim_at: Some(TRIM_AFTER),
            look_at: None,
            stray_lines: 0,
            end: TreeEnd::ahead(),
            owner: Owner::Guard,
        }
    }
}

/// What may refuse a call.
fn checks(settings: &Settings) -> Checks {
    let probing = match &settings.read_only.probe_tool {
        Some(_) => Probing::Probe,
        None => Probing::Callers,
    };
    let breakers = Breakers::new(&settings.breaker, probing, seed(), Duration::ZERO);
    let load = load::Limits {
        max_in_flight: settings.calls.max_in_flight,
        rate: settings.calls.rate,
    };
    Checks::new(mode(&settings.read_only), breakers, Load::new(&load, &[]))
}

/// Everything is possible at the start; times count from here.
fn mode(settings: &ReadOnlySettings) -> Mode {
    let probe = settings.probe_tool.as_ref().map(|_| {
        let usual = ProbeSettings::default();
        let every = settings.every.unwrap_or(usual.every);
        ProbeSettings {
            every,
            timeout: usual.timeout.min(every),
            ..usual
        }
    });
    let settings = mode::Settings {
        probe,
        listing: settings.listing,
        origin: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default(),
    };
    Mode::new(&settings, seed(), Duration::ZERO)
}

/// Spreads the times at which breakers try again.
fn seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(std::process::id())
}
