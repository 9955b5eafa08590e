//! Keeping this process's memory from whoever runs as the same user.

use std::io;
use std::sync::OnceLock;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

/// The soft limit of core dumps before [`harden`], which servers get back.
static CORE_BEFORE: OnceLock<Option<u64>> = OnceLock::new();

/// No core dump of this process, and no other process of this user may attach to it or read its
/// memory and environment. What it starts as a tree has the limit that was there before.
///
/// # Errors
/// The kernel's refusal; then nothing is certain.
pub fn harden() -> io::Result<()> {
    let limit = getrlimit(Resource::Core);
    CORE_BEFORE.get_or_init(|| limit.current);
    let none = Rlimit {
        current: Some(0),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Core, none)?;
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// A write beyond the limit of file sizes (`ulimit -f`) fails from here on, and does not end this
/// process. What it starts as a tree has the default action.
pub fn outlive_size_limit() {
    crate::sys::signals::ignore_size_limit();
}

/// The limit that a server is to have, if this process lowered its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CoreLimit {
    AsItIs,
    Was(Option<u64>),
}

impl CoreLimit {
    pub(crate) fn of_servers() -> Self {
        CORE_BEFORE
            .get()
            .map_or(Self::AsItIs, |before| Self::Was(*before))
    }

    pub(crate) fn encode(self) -> String {
        match self {
            Self::AsItIs => "-".to_owned(),
            Self::Was(None) => "unlimited".to_owned(),
            Self::Was(Some(bytes)) => bytes.to_string(),
        }
    }

    pub(crate) fn decode(text: &str) -> Option<Self> {
        Some(match text {
            "-" => Self::AsItIs,
            "unlimited" => Self::Was(None),
            bytes => Self::Was(Some(bytes.parse().ok()?)),
        })
    }

    /// Gives the calling process that limit.
    pub(crate) fn restore(self) {
        if let Self::Was(current) = self {
            let maximum = getrlimit(Resource::Core).maximum;
            // Raising the soft limit up to the hard one is always allowed.
            let _allowed = setrlimit(Resource::Core, Rlimit { current, maximum });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_survives_its_text() {
        for limit in [
            CoreLimit::AsItIs,
            CoreLimit::Was(None),
            CoreLimit::Was(Some(0)),
            CoreLimit::Was(Some(u64::MAX)),
        ] {
            assert_eq!(CoreLimit::decode(&limit.encode()), Some(limit));
        }
        assert_eq!(CoreLimit::decode("much"), None);
    }
}
