//! One server, owned and relayed, from its start to the report.

use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use dropgate_gate::breaker::{Breakers, Probing};
use dropgate_gate::checks::Checks;
use dropgate_gate::exit::{Ending, JournalEnd, ServerEnd, Status, TreeEnd, exit_code};
use dropgate_gate::load::{self, Load};
use dropgate_gate::mode::{self, Mode, ProbeSettings};
use dropgate_gate::shutdown::{Profile, Trigger};
use dropgate_journal::Journal;
use dropgate_process::{Exit, Force, SpawnError, Spec};
use dropgate_secrets::LeaseEnd;
use dropgate_wire::{Limits, reply};

use crate::assembly::{Gate, Streams};
use crate::bell::Bell;
use crate::downstream::stdio::{Ask, Downstream, FromHost};
use crate::endpoint::{Endpoint, Moved, Use};
use crate::hibernation::Hibernation;
use crate::lane::{Outflow, Regard};
use crate::leases;
use crate::log::Log;
use crate::notify_socket::NotifySocket;
use crate::owned_tree::OwnedTree;
use crate::recorder::Recorder;
use crate::relay::{Relay, Signalled};
use crate::report::Report;
use crate::settings::{ReadOnlySettings, Settings};
use crate::signals::Signals;
use crate::telemetry::Telemetry;
use crate::tool_rules::ToolRules;
use crate::upstream::stdio::Upstream;
use crate::write_probe::WriteProbe;

/// How long a host may take to send its first request before a failed start is
/// told by the exit code alone.
const FIRST_REQUEST_WITHIN: Duration = Duration::from_millis(500);
/// The same where only requests count that are there already: so long it may take to see them.
const WHAT_IS_THERE_WITHIN: Duration = Duration::from_millis(50);

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// The report, which was also the last line on stderr.
    pub report: Report,
    /// The exit code that it calls for.
    pub exit_code: u8,
    /// What keeping the report led to.
    pub kept: Result<(), String>,
}

/// Why nothing was relayed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The server was not started.
    #[error("{}{}", .0, way_out(.0))]
    Spawn(#[from] SpawnError),
    /// The journal can't be kept, so no call could be made.
    #[error(
        "can not keep the journal: {0}; set journal.dir in dropgate.toml to a folder that can be \
         written, or keep none with --journal off"
    )]
    Journal(#[from] dropgate_journal::OpenError),
    /// A stream or the event loop could not be set up.
    #[error("can not set up the relay: {0}")]
    System(#[from] io::Error),
}

/// Finishes the journal of a relay that died: what [`Spec::closer`] is given are this function's
/// arguments, a folder and the name of a chain. `ended` is what became of its leases.
///
/// # Errors
/// When the journal can't be finished; the next start of the server tries again.
pub fn close(
    folder: &std::path::Path,
    chain: &str,
    ended: &[LeaseEnd],
) -> Result<(), dropgate_journal::OpenError> {
    let settings = dropgate_journal::Settings::new(folder);
    let notes: Vec<_> = ended.iter().filter_map(leases::revoked).collect();
    dropgate_journal::finish_abandoned(&settings, chain, &notes).map(drop)
}

/// Which request is told that there is no server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The host's first, if it comes soon.
    TheFirst,
    /// One that the host has sent already.
    IfThere,
}

/// Answers a request of the host's with a reason, where there is nothing to start. Comes to an end
/// soon, whether or not there is one. Somebody at a terminal is not waited for.
pub fn refuse(limits: Limits, text: &str, which: Refused) {
    use std::io::IsTerminal as _;
    let within = match which {
        Refused::TheFirst if !io::stdin().is_terminal() => FIRST_REQUEST_WITHIN,
        Refused::TheFirst | Refused::IfThere => WHAT_IS_THERE_WITHIN,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    if let Ok(runtime) = runtime {
        runtime.block_on(async {
            if let Ok(downstream) = Downstream::open(limits) {
                tell_first_request(downstream, limits, text, within).await;
            }
        });
    }
}

/// Starts the server that `spec` describes and relays between it and this process's standard streams
/// until either side ends, then shuts down and reports on stderr. Just before that `keep` is given
/// the report in JSON; an error of its own goes to stderr as well.
///
/// # Errors
/// When nothing was started. The host's first request is answered then, if it
/// comes soon, so that the host shows the reason.
pub fn run(
    spec: impl Fn() -> io::Result<Spec> + 'static,
    settings: Settings,
    keep: impl FnOnce(&str) -> Result<(), String>,
) -> Result<Ended, RunError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let signals = Signals::listen()?;
        let mut log = Log::new(
            Endpoint::inherited(rustix::stdio::stderr(), Use::Write).ok(),
            Rc::clone(&settings.sanitizer),
            settings.log,
        );
        let notify = notify_socket(settings.shutdown.profile, &mut log);
        let downstream = Downstream::open(settings.limits)?;
        let bell = Bell::default();
        let older = leases::left(&settings);
        let mut recorder = match &settings.journal {
            None => Recorder::Off,
            Some(journal) => match Journal::open(journal.clone(), Box::new(bell.ringer())) {
                Ok(journal) => {
                    for chain in journal.keyless() {
                        log.line(&format!(
                            "journal: the key that signs {chain} is lost or was changed; the chain is left as it \
                             is and another one begun, look at it with `dropgate journal verify`"
                        ));
                    }
                    Recorder::On(Box::new(journal))
                }
                Err(error) => {
                    let error = RunError::from(error);
                    let text = format!("dropgate did not start the server: {error}");
                    tell_first_request(downstream, settings.limits, &text, FIRST_REQUEST_WITHIN)
                        .await;
                    return Err(error);
                }
            },
        };
        let closer = match (&recorder, &settings.journal) {
            (Recorder::On(journal), Some(kept)) => {
                vec![kept.dir.clone().into_os_string(), journal.chain().into()]
            }
            (Recorder::Off, _) | (Recorder::On(_), None) => Vec::new(),
        };
        leases::record(&settings.secrets, &mut recorder);
        settings.secrets.keep(older, bell.ringer())?;
        let spec = move || Ok(spec()?.closer(closer.iter().cloned()));
        let spawned = match spec()?.spawn() {
            Ok(spawned) => spawned,
            Err(error) => {
                let error = RunError::from(error);
                let text = format!("dropgate did not start the server: {error}");
                tell_first_request(downstream, settings.limits, &text, FIRST_REQUEST_WITHIN).await;
                return Err(error);
            }
        };
        let streams = spawned
            .streams
            .ok_or_else(|| io::Error::other("no pipes to the server"))?;
        let (upstream, stderr) = Upstream::open(streams, settings.limits)?;
        log.attach(stderr);
        log.line(&started_line(&spawned.tree));
        let hibernation = Hibernation::new(settings.hibernate_after, Box::new(spec));
        let tree = OwnedTree::new(spawned.tree)?;
        let probing = match &settings.read_only.probe_tool {
            Some(_) => Probing::Probe,
            None => Probing::Callers,
        };
        let breakers = Breakers::new(&settings.breaker, probing, seed(), Duration::ZERO);
        let mode = mode(&settings.read_only);
        let write_probe = WriteProbe::new(settings.read_only.probe_tool.clone(), seed());
        let load = load::Limits {
            max_in_flight: settings.calls.max_in_flight,
            rate: settings.calls.rate,
        };
        let started = Instant::now();
        let telemetry = match &settings.telemetry {
            None => None,
            Some(wanted) => Some(Box::new(Telemetry::begin(
                wanted.clone(),
                &settings.server_name,
                started,
                bell.ringer(),
            )?)),
        };
        let gate = Gate {
            checks: Checks::new(mode, breakers, Load::new(&load, &[])),
            recorder,
            sanitizer: Rc::clone(&settings.sanitizer),
            bell,
            write_probe,
            telemetry,
            started,
        };
        let mut relay = Relay::new(
            settings,
            Streams {
                downstream,
                upstream,
                log,
            },
            signals,
            tree,
            hibernation,
            notify,
            gate,
        );
        relay.record_start();
        relay.shutdown.announce_ready();
        relay.run().await;
        let mut ended = conclude(&mut relay);
        let json = serde_json::to_string(&ended.report).map_err(io::Error::other)?;
        ended.kept = keep(&json);
        if let Err(problem) = &ended.kept {
            relay.log.line(problem);
        }
        relay.log.report(&json);
        relay.finish_log().await;
        relay.tree.release();
        Ok(ended)
    })
}

fn way_out(error: &SpawnError) -> &'static str {
    match error {
        SpawnError::Uncontained { .. } => "; `dropgate doctor` says what each level needs",
        SpawnError::Program { .. }
        | SpawnError::GuardEnded
        | SpawnError::GuardSilent
        | SpawnError::System(_) => "",
    }
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

/// A manager that can't be told goes by the times of its unit file, so the run goes on.
fn notify_socket(profile: Profile, log: &mut Log) -> NotifySocket {
    NotifySocket::of_the_unit(profile).unwrap_or_else(|error| {
        log.warn(&format!("NOTIFY_SOCKET can't be used: {error}"));
        NotifySocket::None
    })
}

/// Spreads the times at which breakers try again.
fn seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(std::process::id())
}

fn started_line(tree: &dropgate_process::Tree) -> String {
    let mut line = format!("containment {}", tree.level());
    for skipped in tree.skipped() {
        line.push_str(&format!("; not {skipped}"));
    }
    if let Some(problem) = tree.ledger_problem() {
        line.push_str(&format!(
            "; no ledger, so no sweep after a double kill: {problem}"
        ));
    }
    line
}

fn conclude(relay: &mut Relay) -> Ended {
    let leases = relay.end_secrets();
    let telemetry = relay.finish_telemetry();
    let now = relay.now();
    let (level, leader, strays) = (relay.tree.level(), relay.leader, relay.stray_lines);
    let survivors = relay.survivors.clone();
    let journal = relay.seal_journal();
    relay.log.end_strays();
    let dropped = relay.log.dropped_lines();
    if dropped > 0 {
        relay
            .log
            .warn(&format!("{dropped} lines of this log did not fit"));
    }
    let (signalled, force) = (relay.signalled, relay.force);
    let notes = match relay.shutdown.notes() {
        Some(notes) => notes.clone(),
        // The loop ends only by a shutdown; without one there is nothing to say.
        None => crate::report::Notes::begin(Trigger::ServerExited, now),
    };
    let mut report = notes.report(level, leader, &survivors, strays, now);
    report.journal = journal;
    report.leases = leases;
    report.telemetry = telemetry;
    let ending = Ending {
        server: server_end(leader, notes.trigger, signalled),
        cancelled: usize::try_from(report.in_flight.cancelled).unwrap_or(usize::MAX),
        unknown: usize::try_from(report.in_flight.unknown).unwrap_or(usize::MAX),
        journal: match &report.journal {
            None => JournalEnd::NotKept,
            Some(journal) if journal.sealed => JournalEnd::Sealed,
            Some(_) => JournalEnd::NotSealed,
        },
        tree: if force == Force::Killed || report.leaked {
            TreeEnd::Killed
        } else {
            TreeEnd::Left
        },
    };
    Ended {
        exit_code: exit_code(&ending),
        report,
        kept: Ok(()),
    }
}

fn server_end(leader: Option<Exit>, trigger: Trigger, signalled: Signalled) -> ServerEnd {
    let small = |number: i32| u8::try_from(number).unwrap_or(u8::MAX);
    let status = leader.map(|exit| match exit {
        Exit::Code(code) => Status::Code(small(code)),
        Exit::Signal(signal) => Status::Signal(small(signal)),
    });
    match (status, signalled) {
        (Some(status), Signalled::Never) if trigger == Trigger::ServerExited => {
            ServerEnd::ByItself(status)
        }
        (Some(status), Signalled::Never) => ServerEnd::AfterStdinClosed(status),
        (Some(_), Signalled::BeforeItsEnd) | (None, _) => ServerEnd::AfterSignal,
    }
}

/// Answers the request that a host sends first, so that it shows why there is
/// no server instead of a closed pipe.
async fn tell_first_request(
    mut downstream: Downstream,
    limits: Limits,
    text: &str,
    within: Duration,
) {
    const INTERNAL_ERROR: i64 = -32603;
    let tools = ToolRules::default();
    let until = tokio::time::Instant::now() + within;
    loop {
        let readable = std::future::poll_fn(|cx| downstream.intake.poll_readable(cx));
        if tokio::time::timeout_at(until, readable).await.is_err() {
            return;
        }
        let moved = downstream.intake.read(Regard::Readiness);
        while let Some(line) = downstream.intake.next_line() {
            let judged = downstream.judge(&line, &limits, &tools);
            if let FromHost::Call(Ask { id, .. }) = judged {
                downstream
                    .outlet
                    .say(&reply::error(Some(id.raw()), INTERNAL_ERROR, text, None));
                while downstream.outlet.flush_own() == Outflow::Waiting {
                    let writable = std::future::poll_fn(|cx| downstream.outlet.poll_writable(cx));
                    if tokio::time::timeout_at(until, writable).await.is_err() {
                        return;
                    }
                }
                return;
            }
        }
        if moved == Moved::Closed {
            return;
        }
    }
}
