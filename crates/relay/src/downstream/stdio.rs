//! The host's side over standard input and output: bytes become calls here.
//! With `log`, one of the two modules that own this process's streams.

use std::io;
use std::time::Duration;

use dropgate_gate::call::{Call, Finished, Kind, Received};
use dropgate_gate::refusal::Refusal;
use dropgate_wire::{Direction, Envelope, Limits, Line, Rejected, Shape, reply, scan_buffered};

use crate::call_id::CallId;
use crate::endpoint::{Endpoint, Use};
use crate::lane::{Intake, Outlet};

/// What a line from the host is.
#[derive(Debug)]
pub(crate) enum FromHost {
    /// A request: it may be sent, or not.
    Call(CallId, Call<Received>, Opening),
    /// The host no longer waits for this call. Passes.
    Cancels(CallId),
    /// A notification, or an answer to a request of the server. Passes.
    Message(Opening),
    /// Nothing but white space.
    Blank,
    /// Never reaches the server; the host is told why.
    Rejected(Rejected),
}

/// Whether a message belongs to the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    Initialize(CallId),
    Initialized,
    None,
}

/// The two streams that connect to the host.
#[derive(Debug)]
pub(crate) struct Downstream {
    pub(crate) intake: Intake,
    pub(crate) outlet: Outlet,
}

impl Downstream {
    pub(crate) fn open(limits: Limits) -> io::Result<Self> {
        Ok(Self {
            intake: Intake::new(
                Endpoint::inherited(rustix::stdio::stdin(), Use::Read)?,
                limits,
            ),
            outlet: Outlet::new(Endpoint::inherited(rustix::stdio::stdout(), Use::Write)?),
        })
    }

    /// What a line is, received at `now`.
    pub(crate) fn judge(&self, line: &Line, limits: &Limits, now: Duration) -> FromHost {
        let scanned = scan_buffered(&self.intake.lines, line, limits, Direction::FromHost);
        match scanned {
            Ok(Envelope::Blank) => FromHost::Blank,
            Ok(Envelope::Request(request)) => {
                let kind = match &*request.method {
                    "tools/call" => Kind::ToolCall,
                    _ => Kind::Other,
                };
                let tool = request.tool.as_deref().map(Box::from);
                let call = Call::received(kind, tool, now);
                let id = CallId::of_request(&request.id);
                let opening = match &*request.method {
                    "initialize" => Opening::Initialize(id.clone()),
                    _ => Opening::None,
                };
                FromHost::Call(id, call, opening)
            }
            Ok(Envelope::Notification(notification)) => match &notification.request_id {
                Some(id) => FromHost::Cancels(CallId::to_look_up(id)),
                None if notification.method == "notifications/initialized" => {
                    FromHost::Message(Opening::Initialized)
                }
                None => FromHost::Message(Opening::None),
            },
            Ok(Envelope::Response(_)) => FromHost::Message(Opening::None),
            Err(rejected) => FromHost::Rejected(rejected),
        }
    }

    /// Answers a call in the server's place.
    pub(crate) fn refuse(&mut self, id: &CallId, finished: &Finished, refusal: &Refusal) {
        let meta = refusal.meta();
        let message = match finished.kind {
            Kind::ToolCall => reply::tool_refusal(id.raw(), &refusal.text(), &meta),
            Kind::Other => reply::error(
                Some(id.raw()),
                refusal.code().number(),
                &refusal.text(),
                Some(&meta),
            ),
        };
        self.outlet.say(&message);
    }

    /// Tells the host why its line went nowhere.
    pub(crate) fn reject(&mut self, rejected: &Rejected) {
        // An answer is owed no answer, and its id is none of the host's calls.
        let id = match rejected.looks_like {
            Shape::Request | Shape::Unknown => rejected.id.as_deref(),
            Shape::Response => None,
        };
        let code = rejected.reason.code();
        self.outlet
            .say(&reply::error(id, code, &rejected.reason.to_string(), None));
    }

    /// Tells the host that an id is taken.
    pub(crate) fn reject_duplicate(&mut self, id: &CallId, why: &str) {
        const INVALID_REQUEST: i64 = -32600;
        self.outlet
            .say(&reply::error(Some(id.raw()), INVALID_REQUEST, why, None));
    }
}
