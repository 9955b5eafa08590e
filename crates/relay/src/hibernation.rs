//! A server that nobody uses is stopped, and started again by the next message.
//!
//! The host notices nothing: the handshake that it had with the first server is
//! repeated with the next one, and the answer to that stays here. What a server
//! keeps in memory between calls is lost, so this is off unless asked for.

use std::io;
use std::time::Duration;

use dropgate_gate::shutdown::Trigger;
use dropgate_process::memory::give_back_code;
use dropgate_process::{Force, Grace, Spec};
use dropgate_wire::Line;

use crate::call_id::CallId;
use crate::downstream::stdio::Opening;
use crate::lane::Regard;
use crate::owned_tree::OwnedTree;
use crate::relay::Relay;
use crate::upstream::stdio::Upstream;

/// The longest handshake that is kept to be repeated. A longer one means that
/// the server stays awake.
const MAX_HANDSHAKE: usize = 64 << 10;
/// A server that is put to sleep is idle, so it has nothing to finish.
const GRACE: Grace = Grace {
    term_after: Duration::from_millis(300),
    kill_after: Duration::from_millis(900),
};

/// What is known for starting the server again.
pub(crate) struct Hibernation {
    /// How long nothing must have passed; never asleep without it.
    after: Option<Duration>,
    again: Box<dyn Fn() -> io::Result<Spec>>,
    handshake: Handshake,
    last_activity: Duration,
    /// The repeated `initialize` whose answer stays here.
    awaited: Option<CallId>,
}

/// The host's opening messages, line ends included.
#[derive(Debug, Default)]
enum Handshake {
    #[default]
    NotYet,
    Begun {
        id: CallId,
        initialize: Vec<u8>,
    },
    Done {
        id: CallId,
        initialize: Vec<u8>,
        initialized: Vec<u8>,
    },
    TooLong,
}

impl Hibernation {
    pub(crate) fn new(after: Option<Duration>, again: Box<dyn Fn() -> io::Result<Spec>>) -> Self {
        Self {
            after,
            again,
            handshake: Handshake::NotYet,
            last_activity: Duration::ZERO,
            awaited: None,
        }
    }

    pub(crate) fn active(&mut self, now: Duration) {
        self.last_activity = now;
    }

    /// Whether messages for the server must wait for the repeated handshake.
    pub(crate) fn holds_messages(&self) -> bool {
        self.awaited.is_some()
    }
}

impl Relay {
    /// Keeps the host's opening messages, if they may be needed again.
    pub(crate) fn remember(&mut self, opening: &Opening, line: &Line) {
        self.write_probe.note_opening(opening);
        if self.hibernation.after.is_none() {
            return;
        }
        let Line::Whole(span, end) = line else { return };
        let bytes = self.downstream.intake.lines.bytes(span.start..*end);
        let known = std::mem::take(&mut self.hibernation.handshake);
        self.hibernation.handshake = match (opening, known) {
            (Opening::Initialize(_) | Opening::Initialized, _) if bytes.len() > MAX_HANDSHAKE => {
                Handshake::TooLong
            }
            (Opening::Initialize(id), _) => Handshake::Begun {
                id: id.as_ref().clone(),
                initialize: bytes.to_vec(),
            },
            (Opening::Initialized, Handshake::Begun { id, initialize }) => Handshake::Done {
                id,
                initialize,
                initialized: bytes.to_vec(),
            },
            (Opening::Initialized | Opening::None, known) => known,
        };
    }

    /// When the server may be put to sleep, if nothing happens until then.
    pub(crate) fn sleepy_at(&self) -> Option<Duration> {
        let rested = matches!(self.hibernation.handshake, Handshake::Done { .. })
            && self.calls.is_empty()
            && !self.has_unsent()
            && !self.downstream_has_backlog()
            && !self.tree.is_asleep()
            && self.hibernation.awaited.is_none();
        let after = self.hibernation.after.filter(|_| rested)?;
        Some(self.hibernation.last_activity + after)
    }

    /// Stops the server and stays.
    pub(crate) fn fall_asleep(&mut self) {
        if self.sleepy_at().is_none_or(|at| at > self.now()) {
            return;
        }
        self.upstream.outlet.close();
        let stopped = self.tree.put_to_sleep(GRACE);
        self.pump_from_server(Regard::Nothing);
        self.log.drain();
        self.stdout_closed = None;
        give_back_code();
        if stopped.survivors.is_empty() {
            self.log.line("hibernating: the idle server was stopped");
        } else {
            self.end.stayed_awake(stopped.survivors);
            self.log
                .warn("hibernating failed: processes of the server resist SIGKILL");
            self.begin(Trigger::ServerExited);
        }
    }

    /// Starts the server again if it sleeps; the handshake comes first.
    pub(crate) fn wake_up(&mut self) {
        if !self.tree.is_asleep() {
            return;
        }
        // A start takes a while, in which the record can be made.
        self.recorder.rouse();
        if let Err(why) = self.try_to_wake_up() {
            self.log.line(&format!(
                "the hibernating server can not be started again: {why}"
            ));
            // It was seen to be empty when the server fell asleep.
            self.end.emptied(Force::None);
            self.begin(Trigger::ServerExited);
            self.end_with_tree();
        }
    }

    fn try_to_wake_up(&mut self) -> Result<(), String> {
        let spec = (self.hibernation.again)().map_err(|error| error.to_string())?;
        let spawned = spec.spawn().map_err(|error| error.to_string())?;
        let streams = spawned.streams.ok_or("no pipes to the server")?;
        let (mut upstream, stderr) =
            Upstream::open(streams, self.settings.limits).map_err(|error| error.to_string())?;
        self.tree = OwnedTree::new(spawned.tree).map_err(|error| error.to_string())?;
        upstream
            .outlet
            .release_up_to(self.upstream.outlet.released());
        self.upstream = upstream;
        self.log.attach(stderr);
        if let Handshake::Done { id, initialize, .. } = &self.hibernation.handshake {
            self.upstream.outlet.say(initialize);
            self.hibernation.awaited = Some(id.clone());
        }
        self.log.line("awake: the server was started again");
        Ok(())
    }

    /// Whether this answers the repeated handshake, and so is not the host's.
    pub(crate) fn is_repeated_handshake(&mut self, id: &CallId) -> bool {
        if self.hibernation.awaited.as_ref() != Some(id) {
            return false;
        }
        self.hibernation.awaited = None;
        if let Handshake::Done { initialized, .. } = &self.hibernation.handshake {
            self.upstream.outlet.say(initialized);
        }
        true
    }
}
