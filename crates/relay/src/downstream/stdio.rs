//! The host's side over standard input and output: bytes become calls here.
//! With `log`, one of the two modules that own this process's streams.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::sync::Arc;

use dropgate_gate::kind::Kind;
use dropgate_gate::refusal::Refusal;
use dropgate_wire::{
    CallMeta, Direction, Envelope, IdKey, Limits, Line, Rejected, Request, Shape, edit, reply,
    scan_buffered,
};
use rustix::io::Errno;
use serde::de::IgnoredAny;

use crate::call_id::CallId;
use crate::docket::Asked;
use crate::endpoint::{Endpoint, Use};
use crate::lane::{Intake, Outlet};
use crate::telemetry::Trace;
use crate::tool_rules::{Known, ToolRules};

/// A pipe that can be written to takes as many bytes without waiting.
const PIECE: usize = 4096;

/// What a line from the host is.
#[derive(Debug)]
pub(crate) enum FromHost {
    /// A request: it may be sent, or not.
    Call(Ask),
    /// The host no longer waits for this call. Passes.
    Cancels(CallId),
    /// A notification, or an answer to a request of the server. Passes.
    Message(Opening),
    /// A notification of a method that is none of a notification. Passes where the local user may do
    /// everything: a server may carry it out like a request.
    Unasked(Box<str>),
    /// Nothing but white space.
    Blank,
    /// Never reaches the server; the host is told why.
    Rejected(Rejected),
}

/// A request, with what the gate has to know of it.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) id: CallId,
    pub(crate) kind: Kind,
    pub(crate) asked: Asked,
    /// The tool's name or the method of a request that names none, and what holds for it.
    pub(crate) known: Rc<Known>,
    pub(crate) opening: Opening,
    /// From where on a list is asked for.
    pub(crate) cursor: Option<Box<str>>,
    /// Where the arguments stand in the line; of a method that is not known, all parameters.
    pub(crate) arguments: Range<usize>,
    /// What few calls of a tool have, and all requests would be moved about with.
    pub(crate) particulars: Option<Box<Particulars>>,
    pub(crate) progress_token: Option<IdKey>,
    pub(crate) idempotency_key: Result<Option<Box<str>>, &'static str>,
    pub(crate) trace_id: Option<Box<str>>,
    /// Its trace, where that is told to a collector.
    pub(crate) trace: Option<Box<Trace>>,
}

impl Ask {
    /// What a request asks for; the large value is made where it is needed, and not moved there.
    fn of(request: &Request<'_>, line: &[u8], tools: &ToolRules) -> FromHost {
        let (kind, asked) = match &*request.method {
            "tools/call" => (Kind::ToolCall, Asked::Tool),
            "resources/read" => (Kind::Fetch, Asked::Resource),
            "prompts/get" => (Kind::Fetch, Asked::Prompt),
            "tools/list" => (Kind::Protocol, Asked::ToolList),
            "initialize" | "server/discover" => (Kind::Protocol, Asked::Handshake),
            "subscriptions/listen" => {
                let kind = if wants_changes_of_lists_only(request) {
                    Kind::Protocol
                } else {
                    Kind::Other
                };
                let asked = if wants_tool_changes(request) {
                    Asked::ToolChanges
                } else {
                    Asked::Other
                };
                (kind, asked)
            }
            "ping"
            | "logging/setLevel"
            | "prompts/list"
            | "resources/list"
            | "resources/templates/list" => (Kind::Protocol, Asked::Other),
            _other => (Kind::Other, Asked::Other),
        };
        let opening = match &*request.method {
            "initialize" => Opening::Initialize(Box::new(CallId::of_request(&request.id))),
            _other => Opening::None,
        };
        let known = tools.known(request.tool.as_deref().unwrap_or(&request.method));
        let (meta, bad_key) = match CallMeta::read(request.meta) {
            Ok(meta) => (meta, None),
            Err(why) => (CallMeta::default(), Some(why)),
        };
        FromHost::Call(Self {
            id: CallId::of_request(&request.id),
            kind,
            asked,
            opening,
            known,
            cursor: match asked {
                Asked::ToolList => param(request, "cursor"),
                Asked::Tool
                | Asked::Resource
                | Asked::Prompt
                | Asked::Handshake
                | Asked::ToolChanges
                | Asked::Other => None,
            },
            arguments: match kind {
                Kind::ToolCall | Kind::Fetch => request.arguments,
                Kind::Other | Kind::Protocol => request.params,
            }
            .map_or(0..0, |arguments| place_in(line, arguments)),
            particulars: Particulars::of(request, kind, asked, line),
            progress_token: meta.progress_token.map(|token| token.key()),
            idempotency_key: match bad_key {
                Some(why) => Err(why),
                None => Ok(meta.idempotency_key.as_deref().map(Box::from)),
            },
            trace_id: meta.traceparent.as_deref().and_then(trace_id),
            trace: None,
        })
    }
}

/// What a request says beyond its name and its arguments.
#[derive(Debug)]
pub(crate) struct Particulars {
    /// The resource or the prompt that it asks for.
    pub(crate) target: Option<Arc<str>>,
    /// Where all parameters stand.
    pub(crate) params: Range<usize>,
    /// Where that stands which a later round of a call has beyond the first.
    pub(crate) round: [Option<Range<usize>>; 2],
}

impl Particulars {
    /// None of a tool's call in its first round.
    fn of(request: &Request<'_>, kind: Kind, asked: Asked, line: &[u8]) -> Option<Box<Self>> {
        let round = match (kind, request.round) {
            (Kind::ToolCall, [None, None]) => return None,
            (Kind::ToolCall | Kind::Fetch | Kind::Other | Kind::Protocol, round) => round,
        };
        Some(Box::new(Self {
            target: match asked {
                Asked::Resource => param(request, "uri").map(Arc::from),
                Asked::Prompt => param(request, "name").map(Arc::from),
                Asked::Tool
                | Asked::Handshake
                | Asked::ToolList
                | Asked::ToolChanges
                | Asked::Other => None,
            },
            params: request.params.map_or(0..0, |params| place_in(line, params)),
            round: round.map(|part| Some(place_in(line, part?))),
        }))
    }
}

/// A text among the parameters.
fn param(request: &Request<'_>, name: &str) -> Option<Box<str>> {
    let params = request.params?;
    let [at] = edit::members(params, [name])?;
    serde_json::from_slice::<String>(params.get(at?)?)
        .ok()
        .map(String::into_boxed_str)
}

/// Whether a subscription is to nothing but news that a list has changed, which tells no content.
fn wants_changes_of_lists_only(request: &Request<'_>) -> bool {
    const LISTS: [&str; 3] = [
        "toolsListChanged",
        "promptsListChanged",
        "resourcesListChanged",
    ];
    let params = request.params.unwrap_or_default();
    let Some([Some(at)]) = edit::members(params, ["notifications"]) else {
        return false;
    };
    let wanted = params.get(at).unwrap_or_default();
    serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(wanted)
        .is_ok_and(|wanted| wanted.keys().all(|one| LISTS.contains(&one.as_str())))
}

/// Whether a subscription is one to changes of the list of tools.
fn wants_tool_changes(request: &Request<'_>) -> bool {
    let mut part = request.params.unwrap_or_default();
    for name in ["notifications", "toolsListChanged"] {
        match edit::members(part, [name]) {
            Some([Some(at)]) => part = part.get(at).unwrap_or_default(),
            Some([None]) | None => return false,
        }
    }
    part == b"true"
}

/// Where in `line` the bytes stand that were borrowed from it.
fn place_in(line: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr().saturating_sub(line.as_ptr().addr());
    start..start + part.len()
}

/// The trace of a `traceparent` as the W3C writes it: 32 hexadecimal digits, not all zero.
fn trace_id(traceparent: &str) -> Option<Box<str>> {
    let id = traceparent.split('-').nth(1)?;
    let is_hex = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_hex && id.bytes().any(|byte| byte != b'0')).then(|| id.into())
}

/// Whether a message belongs to the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    Initialize(Box<CallId>),
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

    /// Writes a message where there is no event loop, as far as `wait` says that there is room.
    pub(crate) fn say_at_once(mut message: &[u8], wait: impl Fn(BorrowedFd<'_>) -> Option<()>) {
        let stdout = rustix::stdio::stdout();
        while !message.is_empty() && wait(stdout).is_some() {
            let piece = message.get(..PIECE).unwrap_or(message);
            match rustix::io::write(stdout, piece) {
                Ok(count) => message = message.get(count..).unwrap_or_default(),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(_) => return,
            }
        }
    }

    /// What a line is.
    pub(crate) fn judge(&self, line: &Line, limits: &Limits, tools: &ToolRules) -> FromHost {
        let scanned = scan_buffered(&self.intake.lines, line, limits, Direction::FromHost);
        match scanned {
            Ok(Envelope::Blank) => FromHost::Blank,
            Ok(Envelope::Request(ref request)) => {
                let bytes = match line {
                    Line::Whole(span, _) => self.intake.lines.bytes(span.clone()),
                    Line::TooLong { .. } => &[],
                };
                Ask::of(request, bytes, tools)
            }
            Ok(Envelope::Notification(notification)) => match &notification.request_id {
                Some(id) => FromHost::Cancels(CallId::to_look_up(id)),
                None if notification.method == "notifications/initialized" => {
                    FromHost::Message(Opening::Initialized)
                }
                None if notification.method.starts_with("notifications/") => {
                    FromHost::Message(Opening::None)
                }
                None => FromHost::Unasked(notification.method.as_ref().into()),
            },
            Ok(Envelope::Response(_)) => FromHost::Message(Opening::None),
            Err(rejected) => FromHost::Rejected(rejected),
        }
    }

    /// The answer to a call in the server's place.
    pub(crate) fn refusal(&self, id: &CallId, kind: Kind, refusal: &Refusal) -> Vec<u8> {
        let meta = refusal.meta();
        let text = refusal.text();
        match kind {
            Kind::ToolCall => reply::tool_refusal(&id.raw(), &text, &meta),
            Kind::Fetch | Kind::Other | Kind::Protocol => {
                reply::error(Some(&id.raw()), refusal.code().number(), &text, Some(&meta))
            }
        }
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
            .say(&reply::error(Some(&id.raw()), INVALID_REQUEST, why, None));
    }

    /// Tells the host what is wrong with a request's parameters.
    pub(crate) fn reject_params(&mut self, id: &CallId, why: &str) {
        const INVALID_PARAMS: i64 = -32602;
        self.outlet
            .say(&reply::error(Some(&id.raw()), INVALID_PARAMS, why, None));
    }
}
