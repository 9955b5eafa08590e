//! What the confidence of a finding stands on.

use super::Confidence;

/// How sure a rule is of a finding, with the reason. It has no default: nothing can be reported without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Every step was seen in source or stands in a reviewed row of the vocabulary.
    Proved(Followed),
    /// The flow was read, but something on it had to be trusted.
    Likely(Trusted),
    /// Something stood in the way; never counts.
    Unknown(Blocked),
}

/// What was followed whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// The statements of one function.
    Statements,
    /// A value on its whole way.
    Value,
    /// A call with what it is given and what it is made on.
    Call,
    /// What a signal or event runs.
    Hook,
    /// What closes something at a stop.
    Stop,
    /// The way to where it is served.
    Start,
    /// A run of the server.
    Run,
    /// The pattern of a rule of the user's.
    Pattern,
}

/// What had to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trusted {
    /// A name, for what it says.
    Name,
    /// That a call runs this code, or that what it gives reaches the caller.
    Reach,
    /// That a library does as its kind does.
    Library,
    /// That code which was not read does not do it.
    Unread,
    /// Which of several it is.
    Choice,
    /// What the author means by it.
    Purpose,
}

/// What stood in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocked {
    /// The code of a dependency.
    Import,
    /// A name of a signal that is made while the process runs.
    Signal,
    /// More ways than are followed.
    Crowd,
    /// Options that come from where they can't be read.
    Options,
}

impl Ground {
    /// How sure it is.
    pub fn confidence(self) -> Confidence {
        match self {
            Self::Proved(_) => Confidence::Proved,
            Self::Likely(_) => Confidence::Likely,
            Self::Unknown(_) => Confidence::Unknown,
        }
    }

    /// Its reason, for the user.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Proved(followed) => followed.reason(),
            Self::Likely(trusted) => trusted.reason(),
            Self::Unknown(blocked) => blocked.reason(),
        }
    }

    /// This one, if it is proved only as long as nothing has to be trusted.
    #[must_use]
    pub fn unless(self, trusted: Option<Trusted>) -> Self {
        match (self, trusted) {
            (Self::Proved(_), Some(trusted)) => Self::Likely(trusted),
            (Self::Proved(_) | Self::Likely(_) | Self::Unknown(_), _) => self,
        }
    }
}

impl Followed {
    fn reason(self) -> &'static str {
        match self {
            Self::Statements => "all of it stands in code that was read together",
            Self::Value => "the value was followed on its whole way",
            Self::Call => "the call, what it is given and what it is made on were read",
            Self::Hook => "what runs on the signal or event was read to its end",
            Self::Stop => "all that closes something at a stop was read",
            Self::Start => "the way from the start to where it is served was read",
            Self::Run => "a run of the server showed it",
            Self::Pattern => "the text is what the rule asks for",
        }
    }
}

impl Trusted {
    fn reason(self) -> &'static str {
        match self {
            Self::Name => "a name had to be trusted to say what it is",
            Self::Reach => {
                "the way from a call to here, or from here to its caller, was not followed whole"
            }
            Self::Library => "a library is taken to do as its kind does",
            Self::Unread => "code that was not read is taken not to do it",
            Self::Choice => "which of several it is was told from where they stand",
            Self::Purpose => "what it is for was told from the code around it",
        }
    }
}

impl Blocked {
    fn reason(self) -> &'static str {
        match self {
            Self::Import => "the code of a dependency was not there to be read",
            Self::Signal => "the signal is not known by its name",
            Self::Options => "options come from where they can't be read",
            Self::Crowd => "there are more ways than are followed",
        }
    }
}
