//! A governed call before it is recorded.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use dropgate_gate::kind::Kind;
use dropgate_policy::Subject;
use dropgate_wire::LineBuffer;
use serde_json::value::RawValue;

use crate::call_id::CallId;
use crate::docket::Asked;
use crate::downstream::stdio::Particulars;
use crate::own_tools::OwnTool;
use crate::tool_rules::Known;

/// Members of `params` that say nothing of what is asked for.
const OF_THE_EXCHANGE: [&str; 3] = ["_meta", "requestState", "inputResponses"];

/// A governed call on its way through the gate, with what its record needs.
pub(crate) struct Candidate {
    pub(crate) id: CallId,
    pub(crate) message: Message,
    pub(crate) kind: Kind,
    /// Where its arguments stand in the message; of a method that is not known, all parameters.
    pub(crate) arguments: Range<usize>,
    /// What few calls of a tool have.
    pub(crate) particulars: Option<Box<Particulars>>,
    /// The tool's name or the method, and what holds for it.
    pub(crate) known: Rc<Known>,
    pub(crate) asked: Asked,
    pub(crate) key: Option<Box<str>>,
    pub(crate) trace_id: Option<Box<str>>,
    /// The tool of our own that it calls.
    pub(crate) own: Option<OwnTool>,
}

/// Where a call's message is.
pub(crate) enum Message {
    /// In the buffer.
    Buffered(Range<usize>),
    /// Here, since it waits longer than the buffer may.
    Kept(Box<[u8]>),
}

impl Candidate {
    /// How many bytes it keeps.
    pub(crate) fn weight(&self) -> usize {
        match &self.message {
            Message::Buffered(_) => 0,
            Message::Kept(bytes) => bytes.len(),
        }
    }

    /// Its arguments, as they came; empty if there are none.
    pub(crate) fn arguments<'a>(&'a self, lines: &'a LineBuffer) -> &'a [u8] {
        let message = self.message(lines);
        message.get(self.arguments.clone()).unwrap_or_default()
    }

    /// What the record holds it against: a tool's arguments, or else all parameters that belong to
    /// the request and not to the exchange.
    pub(crate) fn said<'a>(&'a self, lines: &'a LineBuffer) -> Cow<'a, [u8]> {
        let particulars = match (self.kind, &self.particulars) {
            (Kind::ToolCall, _) | (Kind::Fetch | Kind::Other | Kind::Protocol, None) => {
                return Cow::Borrowed(self.arguments(lines));
            }
            (Kind::Fetch | Kind::Other | Kind::Protocol, Some(particulars)) => particulars,
        };
        let params = self.message(lines).get(particulars.params.clone());
        let params = params.unwrap_or_default();
        let Ok(mut members) = serde_json::from_slice::<BTreeMap<String, &RawValue>>(params) else {
            return Cow::Borrowed(params);
        };
        members.retain(|name, _| !OF_THE_EXCHANGE.contains(&name.as_str()));
        serde_json::to_vec(&members).map_or(Cow::Borrowed(params), Cow::Owned)
    }

    /// What makes it a later round of a call, as one JSON list; none in the first.
    pub(crate) fn round(&self, lines: &LineBuffer) -> Option<Box<[u8]>> {
        let round = &self.particulars.as_ref()?.round;
        if let [None, None] = round {
            return None;
        }
        let message = self.message(lines);
        let [state, responses] = round.each_ref().map(|at| {
            let part = at.clone().and_then(|at| message.get(at));
            part.unwrap_or(b"null")
        });
        Some([b"[", state, b",", responses, b"]"].concat().into())
    }

    fn message<'a>(&'a self, lines: &'a LineBuffer) -> &'a [u8] {
        match &self.message {
            Message::Buffered(line) => lines.bytes(line.clone()),
            Message::Kept(bytes) => bytes,
        }
    }

    /// The tool, or the resource or prompt that it asks for; empty if it names none.
    pub(crate) fn target(&self) -> &str {
        match self.asked {
            Asked::Tool => &self.known.name,
            Asked::Resource
            | Asked::Prompt
            | Asked::Handshake
            | Asked::ToolList
            | Asked::ToolChanges
            | Asked::Other => {
                let target = self
                    .particulars
                    .as_ref()
                    .and_then(|it| it.target.as_deref());
                target.unwrap_or_default()
            }
        }
    }

    pub(crate) fn subject(&self) -> Subject<'_> {
        match self.asked {
            Asked::Resource => Subject::Resource(self.target()),
            Asked::Prompt => Subject::Prompt(self.target()),
            Asked::Tool => Subject::Tool(self.target()),
            Asked::Handshake | Asked::ToolList | Asked::ToolChanges | Asked::Other => {
                Subject::Method(&self.known.name)
            }
        }
    }
}
