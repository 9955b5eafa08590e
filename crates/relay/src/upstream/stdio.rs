//! The server's side over its standard streams.

use std::borrow::Cow;
use std::io;

use dropgate_gate::outcome::Outcome;
use dropgate_gate::sanitize::claims_outcome;
use dropgate_process::StandardStreams;
use dropgate_wire::{
    Direction, Envelope, Id, IdKey, Limits, Line, Response, ResponseKind, Shape, reply,
    scan_buffered,
};
use serde::Deserialize;

use crate::call_id::CallId;
use crate::endpoint::Endpoint;
use crate::lane::{Intake, Outlet};
use crate::strays;

/// Why a call is cancelled by us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    Shutdown,
    TimedOut,
}

/// What a line from the server is.
#[derive(Debug)]
pub(crate) enum FromServer {
    /// An answer, and what it says.
    Answer(CallId, Said),
    /// A sign of progress of a call with this token. Passes.
    Progress(IdKey),
    /// A message for the host's log. Passes once it is cleaned.
    Log,
    /// A request, a notification, or an answer without an id. Passes.
    Message,
    /// Nothing but white space.
    Blank,
    /// No message that may be passed on. If it was meant as the answer to a
    /// call, the call must not wait for another.
    Stray(Option<CallId>),
}

/// What an answer says became of a call, and the code of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) outcome: Outcome,
    pub(crate) code: Option<i64>,
    pub(crate) claims: Claims,
    pub(crate) round: Round,
}

impl Said {
    fn by(response: &Response<'_>) -> Self {
        Self {
            outcome: match response.kind {
                ResponseKind::Result | ResponseKind::InputRequired => Outcome::Completed,
                ResponseKind::ToolError => Outcome::ToolError,
                ResponseKind::Error => Outcome::RpcError,
            },
            code: response.code,
            round: match response.kind {
                ResponseKind::InputRequired => Round::Asks,
                ResponseKind::Result | ResponseKind::ToolError | ResponseKind::Error => Round::Last,
            },
            claims: if claims_outcome(response) {
                Claims::Made
            } else {
                Claims::None
            },
        }
    }
}

/// Whether a call is over with its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    Last,
    /// The server asks for something, and goes on when it is called again with that.
    Asks,
}

/// Whether an answer says in the server's words what only dropgate can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claims {
    None,
    Made,
}

/// The pipes that connect to the server.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) intake: Intake,
    pub(crate) outlet: Outlet,
}

impl Upstream {
    /// The connection, and the server's stderr for the log.
    pub(crate) fn open(streams: StandardStreams, limits: Limits) -> io::Result<(Self, Endpoint)> {
        let upstream = Self {
            intake: Intake::new(Endpoint::own(streams.stdout)?, limits),
            outlet: Outlet::new(Endpoint::own(streams.stdin)?),
        };
        Ok((upstream, Endpoint::own(streams.stderr)?))
    }

    pub(crate) fn judge(&self, line: &Line, limits: &Limits) -> FromServer {
        let scanned = scan_buffered(&self.intake.lines, line, limits, Direction::FromServer);
        match scanned {
            Ok(Envelope::Blank) => FromServer::Blank,
            Ok(Envelope::Request(_)) => FromServer::Message,
            Ok(Envelope::Notification(notification)) => match notification.progress_token {
                Some(token) => FromServer::Progress(token.key()),
                None if notification.method == "notifications/message" => FromServer::Log,
                None => FromServer::Message,
            },
            Ok(Envelope::Response(ref response)) => match &response.id {
                Some(id) => {
                    let said = Said::by(response);
                    FromServer::Answer(CallId::to_look_up(id), said)
                }
                // It answers a message that the server could not read, and dropgate sends none.
                None => FromServer::Stray(None),
            },
            Err(rejected) => FromServer::Stray(match rejected.looks_like {
                Shape::Response => rejected
                    .id
                    .as_deref()
                    .and_then(Id::parse)
                    .map(|id| CallId::to_look_up(&id)),
                Shape::Request | Shape::Unknown => None,
            }),
        }
    }

    /// A stray line's beginning, for the log.
    pub(crate) fn beginning(&self, line: &Line) -> &[u8] {
        let span = match line {
            Line::Whole(span, _) => span.clone(),
            Line::TooLong { prefix, .. } => prefix.clone(),
        };
        let bytes = self.intake.lines.bytes(span);
        bytes.get(..strays::LOOKED_AT).unwrap_or(bytes)
    }

    /// What an error or a tool error says.
    pub(crate) fn error_text(&self, line: &Line) -> String {
        let Line::Whole(span, _) = line else {
            return String::new();
        };
        let bytes = self.intake.lines.bytes(span.clone());
        let said = serde_json::from_slice::<Failure<'_>>(bytes).unwrap_or_default();
        let message = said.error.and_then(|error| error.message);
        let texts = said.result.into_iter().flat_map(|result| result.content);
        let texts = texts.filter_map(|part| part.text);
        message
            .into_iter()
            .chain(texts)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Tells the server that nobody waits for a call any more.
    pub(crate) fn cancel(&mut self, id: &CallId, why: Why) {
        let reason = match why {
            Why::Shutdown => "the connection is being shut down",
            Why::TimedOut => "the time for the call is up",
        };
        self.outlet.say(&reply::cancelled(&id.raw(), reason));
    }
}

/// The parts of an answer that say what went wrong.
#[derive(Default, Deserialize)]
struct Failure<'a> {
    #[serde(borrow)]
    error: Option<ErrorObject<'a>>,
    #[serde(borrow)]
    result: Option<ToolResult<'a>>,
}

#[derive(Deserialize)]
struct ErrorObject<'a> {
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct ToolResult<'a> {
    #[serde(borrow, default)]
    content: Vec<Part<'a>>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
}
