//! What is asked: may this principal do this, with these arguments, now?

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dropgate_gate::decision::Principal;
use dropgate_gate::mode::Class;

/// One question. It borrows what the caller has read already.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// What is to be used.
    pub subject: Subject<'a>,
    /// Whether it writes, as configured.
    pub class: Class,
    /// Whether dropgate refuses writes at the moment.
    pub mode: Mode,
    /// The bytes of `params.arguments`, if there are any; of [`Subject::Method`] all of `params`.
    pub arguments: Option<&'a [u8]>,
    /// When.
    pub now: Moment,
}

/// What a request uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// `tools/call` of the tool of that name.
    Tool(&'a str),
    /// `resources/read` of that URI.
    Resource(&'a str),
    /// `prompts/get` of the prompt of that name.
    Prompt(&'a str),
    /// A request of any other method.
    Method(&'a str),
}

impl<'a> Subject<'a> {
    /// The tool's name, the URI, the prompt's name, or the other method.
    #[must_use]
    pub fn name(self) -> &'a str {
        match self {
            Self::Tool(name) | Self::Resource(name) | Self::Prompt(name) | Self::Method(name) => {
                name
            }
        }
    }

    /// The word for what is done: the method, but for [`Self::Method`], of which any is `methods/call`.
    #[must_use]
    pub fn method(self) -> &'static str {
        match self {
            Self::Tool(_) => "tools/call",
            Self::Resource(_) => "resources/read",
            Self::Prompt(_) => "prompts/get",
            Self::Method(_) => "methods/call",
        }
    }
}

/// Whether writes are let through at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They are.
    ReadWrite,
    /// They are not: the write path is down.
    ReadOnly,
}

/// An instant on two clocks.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Since the caller's origin; never jumps. Ages and deadlines go by it.
    pub monotonic: Duration,
    /// What the wall says; may jump. Only policies that look at the time see it.
    pub wall: SystemTime,
}

impl Moment {
    /// Whole seconds since 1970; negative before.
    pub(crate) fn unix_seconds(&self) -> i64 {
        match self.wall.duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |s| -s),
        }
    }
}
