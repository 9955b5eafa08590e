//! How strongly a tree is held, and what the caller asks for.

use std::fmt;
use std::str::FromStr;

use crate::started::Skipped;

/// A way of owning a process tree, weakest first.
///
/// `docs/containment.md` says what each level changes for the server and which
/// events it survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// A subreaper that freezes and walks its descendants.
    Guard,
    /// A cgroup v2 of its own, besides the guard.
    Cgroup,
    /// A tracer whose end is the end of all that it traces.
    Ptrace,
    /// A PID namespace whose first process takes all others along.
    Pidns,
}

impl Level {
    /// All levels, weakest first.
    pub const ALL: [Self; 4] = [Self::Guard, Self::Cgroup, Self::Ptrace, Self::Pidns];

    /// The name in flags and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Guard => "guard",
            Self::Cgroup => "cgroup",
            Self::Ptrace => "ptrace",
            Self::Pidns => "pidns",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A level's name was not recognised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown containment {given:?}: use {expected}")]
pub struct UnknownLevel {
    given: String,
    expected: &'static str,
}

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        Self::ALL
            .into_iter()
            .find(|level| level.name() == text)
            .ok_or_else(|| UnknownLevel {
                given: text.to_owned(),
                expected: "guard, cgroup, ptrace or pidns",
            })
    }
}

/// Which level a tree should get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Containment {
    /// The strongest level that a server can not notice: `cgroup`, else `guard`.
    #[default]
    Auto,
    /// The strongest level that this machine allows.
    Strict,
    /// This level and no other.
    Exactly(Level),
}

impl Containment {
    /// The levels to try, in order, none of them weaker than `required`.
    ///
    /// `Auto` goes beyond what a server can not notice only when the caller
    /// requires more than can be had of that.
    #[must_use]
    pub fn candidates(self, required: Option<Level>) -> Vec<Level> {
        let least_noticed = [Level::Cgroup, Level::Pidns, Level::Ptrace];
        let strongest_first = [Level::Pidns, Level::Ptrace, Level::Cgroup, Level::Guard];
        let enough = |level: &Level| required.is_none_or(|floor| *level >= floor);
        let keep = |levels: &[Level]| levels.iter().copied().filter(enough).collect::<Vec<_>>();
        match self {
            Self::Auto if enough(&Level::Guard) => vec![Level::Cgroup, Level::Guard],
            Self::Auto => keep(&least_noticed),
            Self::Strict => keep(&strongest_first),
            Self::Exactly(level) => keep(&[level]),
        }
    }

    /// The level that was asked for, where more than it is required.
    pub(crate) fn too_weak(self, required: Option<Level>) -> Vec<Skipped> {
        match (self, required) {
            (Self::Exactly(level), Some(floor)) if level < floor => vec![Skipped {
                level,
                why: format!("weaker than {floor}, which is required"),
            }],
            (Self::Exactly(_), _) | (Self::Auto | Self::Strict, _) => Vec::new(),
        }
    }
}

impl fmt::Display for Containment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Strict => f.write_str("strict"),
            Self::Exactly(level) => level.fmt(f),
        }
    }
}

impl FromStr for Containment {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        match text {
            "auto" => Ok(Self::Auto),
            "strict" => Ok(Self::Strict),
            _ => Level::from_str(text)
                .map(Self::Exactly)
                .map_err(|error| UnknownLevel {
                    expected: "auto, strict, guard, cgroup, ptrace or pidns",
                    ..error
                }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_respect_the_requirement() {
        use Level::{Cgroup, Guard, Pidns, Ptrace};
        let rows: [(Containment, Option<Level>, &[Level]); 8] = [
            (Containment::Auto, None, &[Cgroup, Guard]),
            (Containment::Auto, Some(Guard), &[Cgroup, Guard]),
            (Containment::Auto, Some(Cgroup), &[Cgroup, Pidns, Ptrace]),
            (Containment::Auto, Some(Ptrace), &[Pidns, Ptrace]),
            (Containment::Strict, None, &[Pidns, Ptrace, Cgroup, Guard]),
            (Containment::Strict, Some(Pidns), &[Pidns]),
            (Containment::Exactly(Guard), None, &[Guard]),
            (Containment::Exactly(Guard), Some(Cgroup), &[]),
        ];
        for (asked, required, expected) in rows {
            assert_eq!(
                asked.candidates(required),
                expected,
                "{asked} requiring {required:?}"
            );
        }
    }

    #[test]
    fn names_read_back() {
        for level in Level::ALL {
            assert_eq!(level.name().parse(), Ok(level));
        }
        assert!("docker".parse::<Containment>().is_err());
    }
}
