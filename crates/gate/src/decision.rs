//! Whether a call may pass: every configured source has to say yes, and nothing else is a yes.
//!
//! A [`Permit`] is only made by [`decide`], from answers whose constructors are the strict reading
//! of what a source said. An error, a silence, an odd shape or a missing answer gives a [`Denial`];
//! there is no `bool` on the way and no default.

mod answers;
mod denial;
mod principal;

pub use answers::{
    Answers, MAX_REPLY, PointAnswer, PointFailure, PointKind, PolicyAnswer, PolicyFailure,
    PolicyVerdict, Standing,
};
pub use denial::{Denial, MAX_DETAIL, MAX_POLICIES, MAX_POLICY_ID, PolicyIds, Reason};
pub use principal::{MAX_PRINCIPAL, Principal, Unnamed};

use std::fmt;

use answers::Agreement;

/// Whose agreement a call needs.
///
/// There is no empty set of sources: where nothing is configured, one of the first two stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Authority {
    /// The built-in policy `local-owner`: whoever started dropgate may call everything.
    LocalOwner,
    /// Nobody can permit: every call is denied.
    Nobody,
    /// The policies that dropgate evaluates itself.
    Policies,
    /// A remote decision point.
    DecisionPoint,
    /// The policies first; the decision point too, if they permit.
    PoliciesAndDecisionPoint,
}

impl Authority {
    /// The name used in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LocalOwner => "local-owner",
            Self::Nobody => "deny-everything",
            Self::Policies => "cedar",
            Self::DecisionPoint => "authzen",
            Self::PoliciesAndDecisionPoint => "cedar+authzen",
        }
    }
}

/// Whether the call may pass.
#[derive(Debug)]
#[must_use = "a decision that nobody reads protects nothing"]
pub enum Decision {
    /// It may; the permit has to be spent to send it.
    Allow(Permit),
    /// It may not.
    Deny(Denial),
}

/// In words for the operator; a denial may quote policies, so they never go to the host.
impl fmt::Display for Decision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (policies, detail) = match self {
            Self::Allow(permit) => {
                write!(out, "allowed by {}", permit.authority().name())?;
                (permit.policies(), None)
            }
            Self::Deny(denial) => {
                write!(out, "denied, {}", denial.reason().name())?;
                (denial.policies(), denial.detail())
            }
        };
        for (number, policy) in policies.iter().enumerate() {
            out.write_str(if number == 0 { ": " } else { ", " })?;
            write!(out, "{}", policy.escape_debug())?;
        }
        match detail {
            Some(detail) => write!(out, "; {}", detail.escape_debug()),
            None => Ok(()),
        }
    }
}

/// The right to send one call. It can't be forged, copied or used twice.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a permit is there to be spent by the call that it was given for"]
pub struct Permit {
    authority: Authority,
    policies: PolicyIds,
}

impl Permit {
    /// On whose word the call passes.
    #[must_use]
    pub fn authority(&self) -> Authority {
        self.authority
    }

    /// The policies that permitted, for the journal; none when no policy was asked.
    #[must_use]
    pub fn policies(&self) -> &PolicyIds {
        &self.policies
    }
}

/// Decides from what the sources answered.
///
/// The principal proves that there is one; the sources were asked about it. An answer of a source
/// that `required` does not name changes nothing: it can neither permit nor deny.
pub fn decide(required: Authority, _principal: &Principal, answers: Answers) -> Decision {
    let permit = |policies| {
        Decision::Allow(Permit {
            authority: required,
            policies,
        })
    };
    match required {
        Authority::LocalOwner => permit(PolicyIds::none()),
        Authority::Nobody => Decision::Deny(Denial::new(Reason::NoPolicy)),
        Authority::Policies => match Agreement::of_policies(answers.policies) {
            Agreement::Given(policies) => permit(policies),
            Agreement::Withheld(denial) => Decision::Deny(denial),
        },
        Authority::DecisionPoint => match Agreement::of_point(answers.decision_point) {
            Agreement::Given(policies) => permit(policies),
            Agreement::Withheld(denial) => Decision::Deny(denial),
        },
        Authority::PoliciesAndDecisionPoint => {
            match (
                Agreement::of_policies(answers.policies),
                Agreement::of_point(answers.decision_point),
            ) {
                (Agreement::Given(policies), Agreement::Given(_)) => permit(policies),
                (Agreement::Withheld(denial), _)
                | (Agreement::Given(_), Agreement::Withheld(denial)) => Decision::Deny(denial),
            }
        }
    }
}

#[cfg(test)]
mod tests;
