//! What a line says, as far as dropgate has to know.

use std::borrow::Cow;
use std::ops::Range;

use crate::id::Id;
use crate::keys::Room;
use crate::limits::{Direction, Limits};
use crate::line::{Line, LineBuffer};
use crate::members::{Members, Success, Word};
use crate::reject::Reason::{self, NotJsonRpc};
use crate::reject::{Rejected, shortened};
use crate::salvage;
use crate::scanner::{Fault, Scanner};
use crate::text;

/// A message that may be passed on, borrowed from its line.
#[derive(Clone, Debug)]
pub enum Envelope<'a> {
    /// Nothing but white space.
    Blank,
    /// A call that wants an answer.
    Request(Request<'a>),
    /// A message without an id.
    Notification(Notification<'a>),
    /// The answer to a request.
    Response(Response<'a>),
}

/// A call that wants an answer.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Chosen by the sender.
    pub id: Id<'a>,
    /// Unescaped.
    pub method: Cow<'a, str>,
    /// `params.name`, unescaped, when the method is `tools/call`; such a request is refused without it.
    pub tool: Option<Cow<'a, str>>,
    /// The bytes of the object `params`.
    pub params: Option<&'a [u8]>,
    /// The bytes of `params.arguments`, whatever they are.
    pub arguments: Option<&'a [u8]>,
    /// The bytes of `params.requestState` and of `params.inputResponses`, whatever they are: what a
    /// later round of a call says beyond the first.
    pub round: [Option<&'a [u8]>; 2],
    /// The bytes of `params._meta`, whatever they are; [`CallMeta`](crate::CallMeta) reads them.
    pub meta: Option<&'a [u8]>,
}

/// A message without an id.
#[derive(Clone, Debug)]
pub struct Notification<'a> {
    /// Unescaped.
    pub method: Cow<'a, str>,
    /// `params.requestId` of `notifications/cancelled`, if it is a string or a number.
    pub request_id: Option<Id<'a>>,
    /// `params.progressToken` of `notifications/progress`, if it is a string or a number.
    pub progress_token: Option<Id<'a>>,
    /// The bytes of the object `params`.
    pub params: Option<&'a [u8]>,
}

/// The answer to a request.
#[derive(Clone, Debug)]
pub struct Response<'a> {
    /// Nothing when the error's id is null or absent.
    pub id: Option<Id<'a>>,
    /// How the request ended.
    pub kind: ResponseKind,
    /// `error.code`, if the request ended with an error whose code is a whole number.
    pub code: Option<i64>,
    /// The bytes of `result._meta`, whatever they are.
    pub meta: Option<&'a [u8]>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseKind {
    /// With a result.
    Result,
    /// With a result whose `isError` is there, in any spelling, and is not literally `false`.
    ToolError,
    /// With a result whose `resultType` is `input_required`: the request goes on in another one.
    InputRequired,
    /// With an error.
    Error,
}

/// Reads one line strictly, in one pass, and lends out its envelope.
///
/// # Errors
/// A line that is not exactly one acceptable JSON-RPC 2.0 message is [`Rejected`]. A fault in the grammar outweighs
/// what was noticed before it, so -32700 is said if and only if the line is not JSON (or too deep to tell).
pub fn scan<'a>(
    line: &'a [u8],
    limits: &Limits,
    direction: Direction,
) -> Result<Envelope<'a>, Rejected> {
    let room = Room::default();
    read(line, 0..0, limits, direction, &room)
        .map_err(|reason| salvage::rejected(line, direction, reason))
}

/// As [`scan`], for a line that is still in its buffer: what the buffer learned of a long line while it arrived is not
/// looked at again. A line that is not [`Line::Whole`] is [`Rejected`].
///
/// # Errors
/// As [`scan`].
pub fn scan_buffered<'a>(
    lines: &'a LineBuffer,
    line: &Line,
    limits: &Limits,
    direction: Direction,
) -> Result<Envelope<'a>, Rejected> {
    match line {
        Line::Whole(span, _) => {
            let bytes = lines.bytes(span.clone());
            read(
                bytes,
                lines.plain_part(span),
                limits,
                direction,
                lines.room_for_keys(),
            )
            .map_err(|reason| salvage::rejected(bytes, direction, reason))
        }
        Line::TooLong { prefix, .. } => Err(salvage::too_long(lines.bytes(prefix.clone()), limits)),
    }
}

fn read<'a>(
    line: &'a [u8],
    plain: Range<usize>,
    limits: &Limits,
    direction: Direction,
    room: &Room,
) -> Result<Envelope<'a>, Reason> {
    if line.len() > limits.line_bytes() {
        return Err(Reason::TooLong {
            max: limits.line_bytes(),
        });
    }
    let mut scanner = Scanner::new(line, limits, direction)
        .knowing(plain)
        .reusing(room.take());
    scanner.space();
    let mut members = Members::default();
    let found = match scanner.peek() {
        None => return Ok(Envelope::Blank),
        Some(b'{') => members.read(&mut scanner).map(|()| Found::Object),
        Some(b'[') => scanner.raw_value().map(|_batch| Found::Batch),
        Some(_) => scanner.raw_value().map(|_scalar| Found::Scalar),
    };
    let found = found.and_then(|found| scanner.end().map(|()| found));
    let found = found.map_err(|fault| match fault {
        Fault::Invalid(at) => Reason::InvalidJson { at },
        Fault::NotUtf8(at) => Reason::NotUtf8 { at },
        Fault::TooDeep => Reason::TooDeep {
            max: limits.max_depth,
        },
    })?;
    let duplicate = scanner.duplicate();
    room.give(scanner.into_keys());
    match (found, duplicate) {
        (Found::Batch, _) => Err(Reason::Batch),
        (Found::Object | Found::Scalar, Some(at)) => Err(Reason::DuplicateKey {
            key: shortened(text::inside(line, at)),
            at,
        }),
        (Found::Object, None) => classify(&members),
        (Found::Scalar, None) => Err(NotJsonRpc("send an object")),
    }
}

/// What a line holds.
#[derive(Clone, Copy)]
enum Found {
    Object,
    Batch,
    Scalar,
}

fn classify<'a>(members: &Members<'a>) -> Result<Envelope<'a>, Reason> {
    if members.jsonrpc != Some(b"\"2.0\"") {
        return Err(NotJsonRpc("the member jsonrpc must be \"2.0\""));
    }
    if let Some(advice) = members.look_alike {
        return Err(NotJsonRpc(advice));
    }
    match (&members.method, members.result, members.error) {
        (Some(method), None, None) => call(members, method),
        (None, Some(_), None) => result(members),
        (None, None, Some(error)) => failure(members, error),
        (Some(_), _, _) => Err(NotJsonRpc(
            "a message with method must have neither result nor error",
        )),
        (None, Some(_), Some(_)) => Err(NotJsonRpc(
            "a response must have either result or error, not both",
        )),
        (None, None, None) => Err(NotJsonRpc(
            "a message needs one of method, result and error",
        )),
    }
}

fn call<'a>(members: &Members<'a>, method: &Word<'a>) -> Result<Envelope<'a>, Reason> {
    let method = method
        .meaning()
        .ok_or(NotJsonRpc("method must be a string of whole characters"))?;
    let params = match members.params {
        Some([b'{', ..]) | None => members.params,
        Some(_) => return Err(NotJsonRpc("params must be an object")),
    };
    let tool = if method == "tools/call" {
        Some(called_tool(members)?)
    } else {
        None
    };
    match (members.id, tool) {
        (Some(id), tool) => {
            let id = Id::from_value(id).ok_or(NotJsonRpc(
                "the id of a request must be a string or a number of at most 4096 bytes",
            ))?;
            Ok(Envelope::Request(Request {
                id,
                method,
                tool,
                params,
                arguments: members.arguments,
                round: members.round,
                meta: members.meta,
            }))
        }
        (None, Some(_)) => Err(NotJsonRpc("tools/call needs an id")),
        (None, None) => {
            let is_cancel = method == "notifications/cancelled";
            let request_id = members
                .request_id
                .filter(|_| is_cancel)
                .and_then(Id::from_value);
            let is_progress = method == "notifications/progress";
            let progress_token = members
                .progress_token
                .filter(|_| is_progress)
                .and_then(Id::from_value);
            Ok(Envelope::Notification(Notification {
                method,
                request_id,
                progress_token,
                params,
            }))
        }
    }
}

fn called_tool<'a>(members: &Members<'a>) -> Result<Cow<'a, str>, Reason> {
    if let Some(advice) = members.params_look_alike {
        return Err(NotJsonRpc(advice));
    }
    let name = members.name.as_ref().and_then(Word::meaning);
    name.ok_or(NotJsonRpc(
        "params.name of tools/call must be a string of whole characters",
    ))
}

fn result<'a>(members: &Members<'a>) -> Result<Envelope<'a>, Reason> {
    let id = members.id.and_then(Id::from_value);
    let id = id.ok_or(NotJsonRpc(
        "the id of a result must be a string or a number of at most 4096 bytes",
    ))?;
    let asks = members.result_type.as_ref().and_then(Word::meaning);
    let kind = match (members.success, asks.as_deref()) {
        (Success::Denied, _) => ResponseKind::ToolError,
        (Success::NotDenied, Some("input_required")) => ResponseKind::InputRequired,
        (Success::NotDenied, Some(_) | None) => ResponseKind::Result,
    };
    Ok(Envelope::Response(Response {
        id: Some(id),
        kind,
        code: None,
        meta: members.result_meta,
    }))
}

fn failure<'a>(members: &Members<'a>, error: &[u8]) -> Result<Envelope<'a>, Reason> {
    if error.first() != Some(&b'{') {
        return Err(NotJsonRpc("error must be an object"));
    }
    let id = match members.id {
        None | Some(b"null") => None,
        Some(raw) => Some(Id::from_value(raw).ok_or(NotJsonRpc(
            "the id of an error must be null, a string or a number of at most 4096 bytes",
        ))?),
    };
    Ok(Envelope::Response(Response {
        id,
        kind: ResponseKind::Error,
        code: members
            .code
            .and_then(|raw| std::str::from_utf8(raw).ok()?.parse().ok()),
        meta: None,
    }))
}
