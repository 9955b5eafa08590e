//! Why a call may not pass, for the journal and the operator.
//!
//! The host is told none of it: [`Refusal::denied`](crate::refusal::Refusal::denied) has the same
//! words for every reason.

use std::fmt;

/// The most policy ids that are kept with a decision.
pub const MAX_POLICIES: usize = 16;

/// The longest policy id that is kept, in bytes; longer ones are cut.
pub const MAX_POLICY_ID: usize = 128;

/// The longest detail that is kept, in bytes; longer ones are cut.
pub const MAX_DETAIL: usize = 512;

/// Why a call is denied. The names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Nothing is configured that could permit.
    NoPolicy,
    /// A policy forbids the call.
    ForbiddenByPolicy,
    /// No policy permits the call.
    NotPermitted,
    /// A policy could not be evaluated on this call.
    EvaluationError,
    /// The arguments do not fit the schema that the server gave for the tool.
    ArgumentsUnfit,
    /// The arguments are larger than what is evaluated.
    ArgumentsTooLarge,
    /// No set of policies is in force.
    PoliciesNotLoaded,
    /// The set in force could not be replaced for too long.
    PoliciesStale,
    /// The decision point said no.
    RefusedByDecisionPoint,
    /// The decision point could not be reached, or the exchange broke off.
    DecisionPointUnreachable,
    /// The decision point did not answer in time.
    DecisionPointTimedOut,
    /// The decision point answered something that is not a decision.
    DecisionPointOdd,
    /// The decision point failed too often and is not asked for a while.
    DecisionPointResting,
    /// Too many questions to the decision point are open.
    DecisionPointBusy,
    /// The server has not listed this tool.
    UnknownTool,
    /// The tool's definition is not the one that was accepted.
    ToolChanged,
    /// Something of dropgate's own failed.
    Internal,
}

impl Reason {
    /// Every reason, in the order of the enum.
    pub const ALL: [Self; 17] = [
        Self::NoPolicy,
        Self::ForbiddenByPolicy,
        Self::NotPermitted,
        Self::EvaluationError,
        Self::ArgumentsUnfit,
        Self::ArgumentsTooLarge,
        Self::PoliciesNotLoaded,
        Self::PoliciesStale,
        Self::RefusedByDecisionPoint,
        Self::DecisionPointUnreachable,
        Self::DecisionPointTimedOut,
        Self::DecisionPointOdd,
        Self::DecisionPointResting,
        Self::DecisionPointBusy,
        Self::UnknownTool,
        Self::ToolChanged,
        Self::Internal,
    ];

    /// The name used in the journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoPolicy => "no_policy",
            Self::ForbiddenByPolicy => "forbidden_by_policy",
            Self::NotPermitted => "not_permitted",
            Self::EvaluationError => "evaluation_error",
            Self::ArgumentsUnfit => "arguments_unfit",
            Self::ArgumentsTooLarge => "arguments_too_large",
            Self::PoliciesNotLoaded => "policies_not_loaded",
            Self::PoliciesStale => "policies_stale",
            Self::RefusedByDecisionPoint => "refused_by_decision_point",
            Self::DecisionPointUnreachable => "decision_point_unreachable",
            Self::DecisionPointTimedOut => "decision_point_timed_out",
            Self::DecisionPointOdd => "decision_point_odd",
            Self::DecisionPointResting => "decision_point_resting",
            Self::DecisionPointBusy => "decision_point_busy",
            Self::UnknownTool => "unknown_tool",
            Self::ToolChanged => "tool_changed",
            Self::Internal => "internal",
        }
    }
}

/// A refusal by policy, with what the journal keeps of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a denied call is owed its answer"]
pub struct Denial {
    reason: Reason,
    policies: PolicyIds,
    detail: Option<Box<str>>,
}

impl Denial {
    /// A denial for that reason.
    pub fn new(reason: Reason) -> Self {
        Self {
            reason,
            policies: PolicyIds::none(),
            detail: None,
        }
    }

    /// The same denial, with the policies that it comes from.
    pub fn by(self, policies: PolicyIds) -> Self {
        Self { policies, ..self }
    }

    /// The same denial, with a fact for the operator; at most [`MAX_DETAIL`] bytes are kept.
    pub fn because(self, detail: impl fmt::Display) -> Self {
        Self {
            detail: Some(cut(&detail.to_string(), MAX_DETAIL).into()),
            ..self
        }
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The policies that it comes from, for the journal.
    #[must_use]
    pub fn policies(&self) -> &PolicyIds {
        &self.policies
    }

    /// A fact for the journal and the operator. It may quote policies, so it never goes to the host.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }
}

/// The ids of policies that made a decision: at most [`MAX_POLICIES`], none longer than
/// [`MAX_POLICY_ID`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyIds(Vec<Box<str>>);

impl PolicyIds {
    /// No policy.
    #[must_use]
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// The first of these, cut where they are too long.
    pub fn of<I>(ids: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        Self(
            ids.into_iter()
                .take(MAX_POLICIES)
                .map(|id| cut(id.as_ref(), MAX_POLICY_ID).into())
                .collect(),
        )
    }

    /// The ids in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The first bytes of a text, up to `most`, ending between characters.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}
