//! A relay is put together from its parts.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use dropgate_gate::checks::Checks;
use dropgate_gate::deadlines::Deadlines;
use dropgate_gate::in_flight::InFlight;
use dropgate_gate::latency::Latencies;
use dropgate_gate::sanitize::Sanitizer;
use dropgate_process::Force;
use tokio::time::sleep;

use crate::bell::Bell;
use crate::chronicle::Dropped;
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
use crate::relay::{Owner, Relay, Signalled, Zero};
use crate::settings::Settings;
use crate::shutdown::Shutdown;
use crate::signals::Signals;
use crate::telemetry::Telemetry;
use crate::upstream::stdio::Upstream;
use crate::waiting_room::WaitingRoom;
use crate::write_probe::WriteProbe;

/// All that is read and written.
pub(crate) struct Streams {
    pub(crate) downstream: Downstream,
    pub(crate) upstream: Upstream,
    pub(crate) log: Log,
}

/// What stands between the two sides.
pub(crate) struct Gate {
    pub(crate) checks: Checks,
    pub(crate) recorder: Recorder,
    pub(crate) sanitizer: Rc<Sanitizer>,
    pub(crate) bell: Bell,
    pub(crate) write_probe: WriteProbe,
    pub(crate) telemetry: Option<Box<Telemetry>>,
    /// From when on it counts the time.
    pub(crate) started: Instant,
}

impl Relay {
    pub(crate) fn new(
        mut settings: Settings,
        streams: Streams,
        signals: Signals,
        tree: OwnedTree,
        hibernation: Hibernation,
        notify: NotifySocket,
        gate: Gate,
    ) -> Self {
        let pinned = settings.pinned.take();
        let trust = settings.read_only.trust;
        let Streams {
            downstream,
            upstream,
            log,
        } = streams;
        let Gate {
            checks,
            recorder,
            sanitizer,
            bell,
            write_probe,
            telemetry,
            started,
        } = gate;
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
            checks,
            docket: Docket::default(),
            deadlines: Deadlines::new(),
            deciding: UnderDecision::default(),
            pinned,
            listed: ListedTools::new(trust),
            write_probe,
            waiting: WaitingRoom::default(),
            look_ups: LookUps::default(),
            own_tools: OwnTools::offered(&recorder, settings.journal_tools),
            deliveries: Deliveries::default(),
            settings,
            recorder,
            decisions: Decisions::default(),
            sanitizer,
            telemetry,
            bell,
            held_answers: HeldAnswers::default(),
            record_trouble: None,
            dropped: Dropped::NotSaid,
            unrecorded: 0,
            record_heeded: Duration::ZERO,
            calls: InFlight::new(),
            latencies: Latencies::new(),
            answered_here: VecDeque::new(),
            answered_once: false,
            last_call: None,
            stdout_closed: None,
            // What the start needed goes first.
            trim_at: Some(TRIM_AFTER),
            look_at: None,
            stray_lines: 0,
            leader: None,
            signalled: Signalled::Never,
            force: Force::None,
            survivors: Vec::new(),
            zero: Zero::NotSeen,
            owner: Owner::Guard,
        }
    }
}
