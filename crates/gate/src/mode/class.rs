//! Whether a tool only reads, and who says so.

/// What a tool does to the world, as far as dropgate was told by someone it trusts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// It only reads: calling it twice, or for nothing, does no harm.
    Read,
    /// It may change something. Every tool is taken for this until its class is known.
    Write,
}

impl Class {
    /// The name used in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// Whether a server's annotations of its own tools are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Trust {
    /// They are hints of someone who may lie.
    #[default]
    Untrusted,
    /// The operator vouches for them.
    Trusted,
}

/// What is said of a tool's class, by those who may say something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Claims {
    /// The configuration.
    pub configured: Option<Class>,
    /// The definition that was accepted when the tool was pinned.
    pub pinned: Option<Class>,
    /// The server's own annotation (`readOnlyHint`) in its present list.
    pub annotated: Option<Class>,
}

impl Claims {
    /// The class of the tool: the configuration's word, else the pinned one, else the server's if
    /// it is trusted, else [`Class::Write`].
    #[must_use]
    pub fn class(&self, trust: Trust) -> Class {
        let annotated = match trust {
            Trust::Trusted => self.annotated,
            Trust::Untrusted => None,
        };
        self.configured
            .or(self.pinned)
            .or(annotated)
            .unwrap_or(Class::Write)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_to_the_operator_wins_and_silence_means_write() {
        let all = [None, Some(Class::Read), Some(Class::Write)];
        for configured in all {
            for pinned in all {
                for annotated in all {
                    let claims = Claims {
                        configured,
                        pinned,
                        annotated,
                    };
                    let silent = Class::Write;
                    let without = match (configured, pinned) {
                        (Some(class), _) | (None, Some(class)) => Some(class),
                        (None, None) => None,
                    };
                    assert_eq!(claims.class(Trust::Untrusted), without.unwrap_or(silent));
                    let with = without.or(annotated).unwrap_or(silent);
                    assert_eq!(claims.class(Trust::Trusted), with);
                }
            }
        }
    }
}
