//! A governed call before it is recorded.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use dropgate_policy::Subject;
use dropgate_wire::LineBuffer;

use crate::call_id::CallId;
use crate::docket::Asked;
use crate::own_tools::OwnTool;
use crate::tool_rules::Known;

/// A governed call on its way through the gate, with what its record needs.
pub(crate) struct Candidate {
    pub(crate) id: CallId,
    pub(crate) message: Message,
    /// Where its arguments stand in the message.
    pub(crate) arguments: Range<usize>,
    /// Where that stands which a later round of a call has beyond the first.
    pub(crate) round: [Option<Range<usize>>; 2],
    /// The tool's name or the method, and what holds for it.
    pub(crate) known: Rc<Known>,
    /// The resource or prompt that it asks for.
    pub(crate) target: Option<Arc<str>>,
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

    /// What makes it a later round of a call, as one JSON list; none in the first.
    pub(crate) fn round(&self, lines: &LineBuffer) -> Option<Box<[u8]>> {
        if self.round == [None, None] {
            return None;
        }
        let message = self.message(lines);
        let [state, responses] = self.round.each_ref().map(|at| {
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
            | Asked::Other => self.target.as_deref().unwrap_or_default(),
        }
    }

    pub(crate) fn subject(&self) -> Subject<'_> {
        match self.asked {
            Asked::Resource => Subject::Resource(self.target()),
            Asked::Prompt => Subject::Prompt(self.target()),
            Asked::Tool
            | Asked::Handshake
            | Asked::ToolList
            | Asked::ToolChanges
            | Asked::Other => Subject::Tool(self.target()),
        }
    }
}
