//! Text that may leave: the only way to have one is through this module's folder.

use std::borrow::Cow;
use std::fmt;

/// Text that may be shown to a host, a model or a user.
///
/// It is made by [`Sanitizer::text`](super::Sanitizer::text) from whatever a server or an error said, or by
/// [`PublicText::of`] from fixed words. There is no other way, so a function that takes a `PublicText` can't be handed
/// the text of an error by mistake.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PublicText(Cow<'static, str>);

impl PublicText {
    /// The fixed words for a class of failure.
    #[must_use]
    pub fn of(class: Class) -> Self {
        Self(Cow::Borrowed(class.words()))
    }

    pub(super) fn cleaned(text: String) -> Self {
        Self(Cow::Owned(text))
    }

    /// The same text, naming the reference under which the original is kept.
    #[must_use]
    pub fn with_reference(self, reference: Option<&str>) -> Self {
        match reference {
            Some(reference) => Self(Cow::Owned(format!("{} (ref {reference})", self.0))),
            None => self,
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PublicText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What went wrong inside of a server, as far as a caller may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Something that the server needs did not answer at its address.
    Unreachable,
    /// Something that the server needs took too long.
    TimedOut,
    /// The server may not do what was asked, or its credentials were refused.
    AccessDenied,
    /// What was asked for does not exist.
    NotFound,
    /// Something that the server needs accepts no more for a while.
    RateLimited,
    /// No room on a disk, or in memory.
    OutOfSpace,
    /// The server could not read the request.
    Unreadable,
    /// The user has to do something first.
    UserAction,
    /// The request was cancelled.
    Cancelled,
    /// Anything else.
    Internal,
    /// A result that can't be shown.
    ResultWithheld,
    /// An error text that can't be shown.
    ErrorWithheld,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 12] = [
        Self::Unreachable,
        Self::TimedOut,
        Self::AccessDenied,
        Self::NotFound,
        Self::RateLimited,
        Self::OutOfSpace,
        Self::Unreadable,
        Self::UserAction,
        Self::Cancelled,
        Self::Internal,
        Self::ResultWithheld,
        Self::ErrorWithheld,
    ];

    fn words(self) -> &'static str {
        match self {
            Self::Unreachable => "A service that the server needs could not be reached.",
            Self::TimedOut => "A service that the server needs did not answer in time.",
            Self::AccessDenied => "The server was refused access to something that it needs.",
            Self::NotFound => "What was asked for was not found.",
            Self::RateLimited => {
                "A service that the server needs accepts no more requests for a while."
            }
            Self::OutOfSpace => "The server has run out of space.",
            Self::Unreadable => "The server could not read the request.",
            Self::UserAction => "The user has to complete a step before this can go on.",
            Self::Cancelled => "The request was cancelled.",
            Self::Internal => "The server failed while it worked on the request.",
            Self::ResultWithheld => {
                "The call ended, and its result is withheld because it could not be checked for secrets."
            }
            Self::ErrorWithheld => {
                "The call failed, and the error text is withheld because it could not be cleaned."
            }
        }
    }

    /// The class of a JSON-RPC error, by its code and by words of its message, which itself never leaves.
    #[must_use]
    pub fn of_error(code: Option<i64>, message: &str) -> Self {
        match code {
            Some(-32700) => return Self::Unreadable,
            Some(-32002) => return Self::NotFound,
            Some(-32042) => return Self::UserAction,
            Some(-32800) => return Self::Cancelled,
            Some(_) | None => {}
        }
        let mut end = message.len().min(4096);
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        let lower = message[..end].to_ascii_lowercase();
        let found = SAYING
            .iter()
            .find(|(_, words)| words.iter().any(|word| lower.contains(word)));
        found.map_or(Self::Internal, |(class, _)| *class)
    }
}

/// Words in the message of an error that say what class it is of; the first row that has one counts.
const SAYING: &[(Class, &[&str])] = &[
    (
        Class::TimedOut,
        &[
            "etimedout",
            "timed out",
            "timeout",
            "deadline exceeded",
            "timeouterror",
        ],
    ),
    (
        Class::Unreachable,
        &[
            "econnrefused",
            "econnreset",
            "enotfound",
            "ehostunreach",
            "eai_again",
            "connection refused",
            "connection reset",
            "fetch failed",
            "no such host",
            "name or service not known",
            "unreachable",
            "could not connect",
            "can't connect",
            "socket hang up",
            "connection error",
            "service unavailable",
        ],
    ),
    (
        Class::AccessDenied,
        &[
            "eacces",
            "eperm",
            "permission denied",
            "access denied",
            "unauthorized",
            "forbidden",
            "not authorized",
            "authentication failed",
            "invalid credentials",
            "accessdenied",
        ],
    ),
    (
        Class::RateLimited,
        &[
            "rate limit",
            "too many requests",
            "throttl",
            "quota exceeded",
        ],
    ),
    (
        Class::OutOfSpace,
        &[
            "enospc",
            "no space left",
            "out of memory",
            "disk full",
            "enomem",
        ],
    ),
    (
        Class::NotFound,
        &[
            "enoent",
            "not found",
            "no such file",
            "does not exist",
            "nosuchkey",
        ],
    ),
    (
        Class::Cancelled,
        &[
            "request cancelled",
            "request was cancelled",
            "aborterror",
            "was aborted",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_short_sentence() {
        for class in Class::ALL {
            let text = PublicText::of(class);
            assert!(
                text.as_str().ends_with('.') && text.as_str().len() < 120,
                "{text}"
            );
        }
        let text = PublicText::of(Class::Internal).with_reference(Some("L-1"));
        assert!(text.to_string().ends_with(". (ref L-1)"));
    }

    #[test]
    fn errors_get_the_class_of_what_they_say() {
        for (code, message, class) in [
            (None, "connect ECONNREFUSED 10.0.0.1:1", Class::Unreachable),
            (
                Some(-32603),
                "Request timed out after 30 s",
                Class::TimedOut,
            ),
            (
                Some(0),
                "EACCES: permission denied, open",
                Class::AccessDenied,
            ),
            (Some(-32002), "anything", Class::NotFound),
            (Some(-32700), "connection refused", Class::Unreadable),
            (Some(1), "quota exceeded", Class::RateLimited),
            (Some(1), "ENOSPC", Class::OutOfSpace),
            (Some(1), "boom", Class::Internal),
        ] {
            assert_eq!(Class::of_error(code, message), class, "{message}");
        }
        let long = "水".repeat(3000);
        assert_eq!(Class::of_error(None, &long), Class::Internal);
    }
}
