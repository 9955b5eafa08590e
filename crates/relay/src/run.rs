//! One server, owned and relayed, from its start to the report.

use std::ffi::OsString;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use dropgate_gate::sanitize::Sanitizer;
use dropgate_gate::shutdown::Profile;
use dropgate_journal::{Journal, Sight};
use dropgate_process::{SpawnError, Spawned, Spec, Tree};
use dropgate_secrets::LeaseEnd;
use tokio::runtime::Runtime;

use crate::assembly::{Record, Streams};
use crate::bell::Bell;
use crate::cleaning::stopwatch;
use crate::conclusion::conclude;
use crate::downstream::stdio::Downstream;
use crate::endpoint::{Endpoint, Use};
use crate::first_request::{Refused, refuse};
use crate::hibernation::Hibernation;
use crate::leases;
use crate::log::Log;
use crate::notify_socket::NotifySocket;
use crate::owned_tree::OwnedTree;
use crate::recorder::Recorder;
use crate::relay::Relay;
use crate::report::Report;
use crate::settings::Settings;
use crate::signals::Signals;
use crate::telemetry::Telemetry;
use crate::upstream::stdio::Upstream;

/// How many files a run has open beside those of the journal and the server, and some more.
const DESCRIPTORS: usize = 24;

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
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// The journal can't be kept, so no call could be made.
    #[error(
        "can not keep the journal: {0}; set journal.dir in dropgate.toml to a folder that can be \
         written, or keep none with --journal off"
    )]
    Journal(#[from] dropgate_journal::OpenError),
    /// There is no room for what a run has open.
    #[error(
        "can not open {DESCRIPTORS} files more, which a run needs: {0}; allow more with `ulimit -n`"
    )]
    Descriptors(io::Error),
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
    let limits = settings.limits;
    let begun = runtime().and_then(|runtime| {
        let inside = runtime.enter();
        let relay = assembled(Box::new(spec), settings)?;
        drop(inside);
        Ok((runtime, relay))
    });
    match begun {
        Ok((runtime, relay)) => runtime.block_on(relayed(relay, keep)),
        Err(error) => {
            let text = format!("dropgate did not start the server: {error}");
            refuse(limits, &text, Refused::TheFirst);
            Err(error)
        }
    }
}

/// The event loop's, which ends the process where it can't have what it needs, so that is looked at
/// before.
fn runtime() -> Result<Runtime, RunError> {
    let held: io::Result<Vec<_>> = (0..DESCRIPTORS)
        .map(|_| Ok(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?))
        .collect();
    drop(held.map_err(RunError::Descriptors)?);
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}

/// How the server is started, as often as it has to be.
type Start = Box<dyn Fn() -> io::Result<Spec>>;

/// All that a relay needs, the server among it. Whatever fails here, the host has been read nothing
/// of.
fn assembled(start: Start, mut settings: Settings) -> Result<Relay, RunError> {
    let signals = Signals::listen()?;
    let mut log = Log::new(
        Endpoint::inherited(rustix::stdio::stderr(), Use::Write).ok(),
        Arc::clone(&settings.sanitizer),
        settings.log,
    );
    let notify = notify_socket(settings.shutdown.profile, &mut log);
    let downstream = Downstream::open(settings.limits)?;
    let bell = Bell::default();
    let Begun {
        recorder,
        tree,
        upstream,
        start,
        started,
        telemetry,
    } = begin(start, &settings, &bell, &mut log)?;
    let orders = std::mem::take(&mut settings.orders);
    let mut relay = Relay::new(
        Hibernation::new(settings.hibernate_after, start),
        settings,
        Streams {
            downstream,
            upstream,
            log,
        },
        signals,
        tree,
        notify,
        Record {
            recorder,
            bell,
            telemetry,
            started,
        },
    );
    relay.record_start();
    relay.obey(orders, relay.now());
    Ok(relay)
}

async fn relayed(
    mut relay: Relay,
    keep: impl FnOnce(&str) -> Result<(), String>,
) -> Result<Ended, RunError> {
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
}

/// What there is once the server runs.
struct Begun {
    recorder: Recorder,
    tree: OwnedTree,
    upstream: Upstream,
    /// Starts the server again, with what a closer needs.
    start: Start,
    /// From when on the relay counts the time.
    started: Instant,
    telemetry: Option<Box<Telemetry>>,
}

/// Opens the journal, has leases kept, starts the server, and does all else that can fail before
/// the loop begins.
fn begin(start: Start, settings: &Settings, bell: &Bell, log: &mut Log) -> Result<Begun, RunError> {
    // Asked before this run takes a chain of its own.
    let older = leases::left(settings);
    let mut closer: Vec<OsString> = Vec::new();
    let mut recorder = match &settings.journal {
        None => Recorder::Off,
        Some(kept) => {
            let kept = without_secrets(kept.clone(), &settings.sanitizer);
            let journal = Journal::open(kept.clone(), Box::new(bell.ringer()))?;
            for chain in journal.keyless() {
                log.line(&format!(
                    "journal: the key that signs {chain} is lost or was changed; the chain is left as it \
                     is and another one begun, look at it with `dropgate journal verify`"
                ));
            }
            for chain in journal.accepted() {
                log.line(&format!(
                    "journal: {chain} was changed by others than dropgate; by --accept-damage it is left \
                     as it is, which is recorded"
                ));
            }
            closer.extend([kept.dir.clone().into_os_string(), journal.chain().into()]);
            Recorder::On(Box::new(journal))
        }
    };
    leases::record(&settings.secrets, &mut recorder);
    for shadow in settings.policies.shadows() {
        log.line(&format!("weakened by {shadow}"));
        crate::reload::note(&mut recorder, "policies", &format!("weakened by {shadow}"));
    }
    settings.secrets.keep(older, bell.ringer())?;
    let start: Start = Box::new(move || Ok(start()?.closer(closer.iter().cloned())));
    let Spawned { tree, streams } = start()?.spawn()?;
    let streams = streams.ok_or_else(|| io::Error::other("no pipes to the server"))?;
    let (upstream, stderr) = Upstream::open(streams, settings.limits)?;
    log.attach(stderr);
    log.line(&started_line(&tree));
    let started = Instant::now();
    let telemetry = match &settings.telemetry {
        None => None,
        Some(wanted) => {
            let ring = bell.ringer();
            let wanted = wanted.clone();
            let (name, heads) = (&settings.server_name, recorder.heads());
            let telemetry = Telemetry::begin(wanted, name, started, heads, ring)?;
            Some(Box::new(telemetry))
        }
    };
    Ok(Begun {
        recorder,
        tree: OwnedTree::new(tree)?,
        upstream,
        start,
        started,
        telemetry,
    })
}

/// What stands in the records as it is passes the same filter as what leaves toward the host.
fn without_secrets(
    mut kept: dropgate_journal::Settings,
    sanitizer: &Arc<Sanitizer>,
) -> dropgate_journal::Settings {
    if !kept.clear.is_empty() {
        let sanitizer = Arc::clone(sanitizer);
        kept.clear = kept.clear.unless(move |member| {
            if sanitizer.finds_credential(member, &stopwatch()) {
                Sight::Secret
            } else {
                Sight::Harmless
            }
        });
    }
    kept
}

/// A manager that can't be told goes by the times of its unit file, so the run goes on.
fn notify_socket(profile: Profile, log: &mut Log) -> NotifySocket {
    NotifySocket::of_the_unit(profile).unwrap_or_else(|error| {
        log.warn(&format!("NOTIFY_SOCKET can't be used: {error}"));
        NotifySocket::None
    })
}

fn started_line(tree: &Tree) -> String {
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
