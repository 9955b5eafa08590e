//! What a call that ended counts as.

use aho_corasick::AhoCorasick;

/// What a result does to a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It worked.
    Success,
    /// It failed in a way that says something about the upstream.
    Failure,
    /// It says nothing about the upstream.
    Ignored,
}

/// How fast a call was, measured by its timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Pace {
    Brisk,
    Slow,
}

/// How a call ended, with what the breakers need to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ended<'a> {
    /// A result.
    Completed,
    /// A result with `isError`, and its text.
    ToolError(&'a str),
    /// A JSON-RPC error, its code and its message.
    RpcError(i64, &'a str),
    /// No answer by the deadline.
    TimedOut,
    /// The upstream ended before it answered.
    UpstreamExited,
    /// The call could not be delivered, or the answer could not be read.
    TransportFailed,
    /// The host cancelled the call.
    CancelledByHost,
    /// dropgate ended the call for a reason of its own: a denial, a shutdown.
    NotTried,
}

/// JSON-RPC's "internal error".
const INTERNAL_ERROR: i64 = -32603;

impl Ended<'_> {
    /// What this counts as for the tool's own breaker.
    ///
    /// Tool errors and bad arguments are ignored, or a model that is talked into sending bad
    /// arguments could open a breaker for everyone. `texts` are the exceptions to that.
    #[must_use]
    pub fn for_tool(&self, texts: &FailureTexts) -> Verdict {
        match *self {
            Ended::Completed => Verdict::Success,
            Ended::TimedOut | Ended::UpstreamExited | Ended::TransportFailed => Verdict::Failure,
            Ended::RpcError(INTERNAL_ERROR, _) => Verdict::Failure,
            Ended::RpcError(_, text) | Ended::ToolError(text) => texts.verdict(text),
            Ended::CancelledByHost | Ended::NotTried => Verdict::Ignored,
        }
    }

    /// What this counts as for the breaker of the upstream as a whole.
    ///
    /// That one is about a process that crashes or can't be reached, so any answer is a success
    /// and a timeout says nothing: one tool that hangs must not cut off the others.
    #[must_use]
    pub fn for_upstream(&self) -> Verdict {
        match *self {
            Ended::Completed | Ended::ToolError(_) | Ended::RpcError(..) => Verdict::Success,
            Ended::UpstreamExited | Ended::TransportFailed => Verdict::Failure,
            Ended::TimedOut | Ended::CancelledByHost | Ended::NotTried => Verdict::Ignored,
        }
    }
}

/// Error texts that count as failures of a tool although errors of their kind don't: for a server
/// that reports its lost database as a tool error.
#[derive(Debug, Clone, Default)]
pub struct FailureTexts {
    search: Option<AhoCorasick>,
    texts: Vec<Box<str>>,
}

impl PartialEq for FailureTexts {
    fn eq(&self, other: &Self) -> bool {
        self.texts == other.texts
    }
}

impl Eq for FailureTexts {}

/// The most texts of one tool.
const MAX_TEXTS: usize = 64;
/// The shortest and longest text, in bytes.
const MIN_TEXT: usize = 3;
const MAX_TEXT: usize = 256;
/// How much of an error is searched, in bytes.
const SEARCHED: usize = 16 * 1024;

impl FailureTexts {
    /// An error that contains one of these texts, in any ASCII case, is a failure.
    ///
    /// # Errors
    /// If there are more than 64, or one has fewer than 3 or more than 256 bytes.
    pub fn new<T: AsRef<str>>(texts: &[T]) -> Result<Self, TextsError> {
        if texts.len() > MAX_TEXTS {
            return Err(TextsError::Many(texts.len()));
        }
        for (index, text) in texts.iter().map(AsRef::as_ref).enumerate() {
            if !(MIN_TEXT..=MAX_TEXT).contains(&text.len()) {
                return Err(TextsError::Length {
                    number: index + 1,
                    length: text.len(),
                });
            }
        }
        if texts.is_empty() {
            return Ok(Self::default());
        }
        let search = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(texts.iter().map(AsRef::as_ref))
            .map_err(|_| TextsError::Many(texts.len()))?;
        Ok(Self {
            search: Some(search),
            texts: texts.iter().map(|text| text.as_ref().into()).collect(),
        })
    }

    /// Whether there are none, so that nobody needs to read what an error says.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// What an error with this text counts as. Only its first 16 KiB are searched.
    fn verdict(&self, text: &str) -> Verdict {
        let Some(search) = &self.search else {
            return Verdict::Ignored;
        };
        let bytes = text.as_bytes();
        if search.is_match(&bytes[..bytes.len().min(SEARCHED)]) {
            Verdict::Failure
        } else {
            Verdict::Ignored
        }
    }
}

/// Failure texts that can't be searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextsError {
    /// There are too many.
    #[error("failure texts: {0} are given; {MAX_TEXTS} is the most for one tool")]
    Many(usize),
    /// One is too short or too long.
    #[error(
        "failure texts: number {number} has {length} bytes; write {MIN_TEXT} to {MAX_TEXT}, enough to mean one failure"
    )]
    Length {
        /// Which one, from 1.
        number: usize,
        /// Its length in bytes.
        length: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Failure, Ignored, Success};

    #[test]
    fn what_counts() {
        let texts = FailureTexts::new(&["connection refused"]).unwrap();
        let rows = [
            (Ended::Completed, Success, Success),
            (Ended::ToolError("no such row"), Ignored, Success),
            (
                Ended::ToolError("db: Connection Refused (5432)"),
                Failure,
                Success,
            ),
            (Ended::RpcError(-32602, "name is missing"), Ignored, Success),
            (Ended::RpcError(-32601, "no such method"), Ignored, Success),
            (Ended::RpcError(-32603, "anything"), Failure, Success),
            (Ended::RpcError(-32000, "busy"), Ignored, Success),
            (
                Ended::RpcError(-32000, "connection refused"),
                Failure,
                Success,
            ),
            (Ended::TimedOut, Failure, Ignored),
            (Ended::UpstreamExited, Failure, Failure),
            (Ended::TransportFailed, Failure, Failure),
            (Ended::CancelledByHost, Ignored, Ignored),
            (Ended::NotTried, Ignored, Ignored),
        ];
        for (ended, tool, upstream) in rows {
            assert_eq!(ended.for_tool(&texts), tool, "{ended:?}");
            assert_eq!(ended.for_upstream(), upstream, "{ended:?}");
        }
        let tool_error = Ended::ToolError("connection refused");
        assert_eq!(tool_error.for_tool(&FailureTexts::default()), Ignored);
    }

    #[test]
    fn texts_have_limits() {
        let many = vec!["abc"; MAX_TEXTS];
        assert!(FailureTexts::new(&many).is_ok());
        let error = FailureTexts::new(&vec!["abc"; MAX_TEXTS + 1]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "failure texts: 65 are given; 64 is the most for one tool"
        );
        let error = FailureTexts::new(&["abc", "ab"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "failure texts: number 2 has 2 bytes; write 3 to 256, enough to mean one failure"
        );
        let long = "x".repeat(MAX_TEXT);
        assert!(FailureTexts::new(&[long.as_str()]).is_ok());
        assert!(FailureTexts::new(&[format!("{long}x")]).is_err());
    }

    #[test]
    fn only_the_beginning_of_a_long_error_is_searched() {
        let texts = FailureTexts::new(&["needle"]).unwrap();
        let at = |offset: usize| format!("{}needle", "é".repeat(offset / 2));
        let inside = at(SEARCHED - 6);
        assert_eq!(Ended::ToolError(&inside).for_tool(&texts), Failure);
        let outside = at(SEARCHED - 4);
        assert_eq!(Ended::ToolError(&outside).for_tool(&texts), Ignored);
    }
}
