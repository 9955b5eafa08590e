//! A `forbid` that is tried out: for a while it denies nothing, and every call that it would deny
//! is recorded so.

use std::time::{Duration, Instant, SystemTime};

use cedar_policy::{Effect, Policy};

/// The annotation that says until when.
const ANNOTATION: &str = "shadow_until";
/// The furthest ahead that a shadow may end.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// Until when a policy denies nothing. Two clocks have to agree on it, so that one which is set back
/// does not make it longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shadow {
    wall: SystemTime,
    monotonic: Instant,
}

impl Shadow {
    /// The shadow that a policy is in; none if it has no such annotation or its time is over, so
    /// that it denies like any other.
    ///
    /// # Errors
    /// The annotation can't be meant so; the text says why.
    pub(super) fn of(policy: &Policy) -> Result<Option<Self>, String> {
        let Some(written) = policy.annotation(ANNOTATION) else {
            return Ok(None);
        };
        match policy.effect() {
            Effect::Forbid => {}
            Effect::Permit => {
                return Err(format!(
                    "only a forbid can be in shadow; take the @{ANNOTATION} away"
                ));
            }
        }
        let wall = humantime::parse_rfc3339(written).map_err(|error| {
            format!("@{ANNOTATION} {written:?} is no time such as 2026-01-31T12:00:00Z: {error}")
        })?;
        let Ok(left) = wall.duration_since(SystemTime::now()) else {
            return Ok(None);
        };
        if left > LONGEST {
            return Err(format!(
                "@{ANNOTATION} {written:?} is more than 7 days ahead; choose an earlier time"
            ));
        }
        Ok(Some(Self {
            wall,
            monotonic: Instant::now() + left,
        }))
    }

    /// Whether the policy still denies nothing, when the wall says this.
    pub(super) fn lasts(&self, wall: SystemTime) -> Lasts {
        if wall < self.wall && Instant::now() < self.monotonic {
            Lasts::Still
        } else {
            Lasts::Over
        }
    }

    /// When it ends, as it is written.
    pub(super) fn until(&self) -> String {
        humantime::format_rfc3339_seconds(self.wall).to_string()
    }
}

/// Whether a shadow is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lasts {
    Still,
    Over,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_clock_ends_it() {
        let (wall, monotonic) = (SystemTime::now(), Instant::now());
        let hour = Duration::from_secs(3600);
        let shadow = |wall, monotonic| Shadow { wall, monotonic };
        let lasting = shadow(wall + hour, monotonic + hour);
        assert_eq!(lasting.lasts(wall), Lasts::Still);
        assert_eq!(lasting.lasts(wall + hour), Lasts::Over);
        // The clock was set back, and the time is over all the same.
        assert_eq!(shadow(wall + hour, monotonic).lasts(wall), Lasts::Over);
    }
}
