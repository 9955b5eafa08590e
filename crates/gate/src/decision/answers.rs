//! What the sources of decisions answered, read strictly.

use serde_json::Value;

use super::denial::{Denial, PolicyIds, Reason};
use crate::strict_json;

/// The longest reply of a decision point that is read, in bytes.
pub const MAX_REPLY: usize = 64 * 1024;

/// What was answered; a source that was not asked, or that is not configured, has no answer.
#[derive(Debug)]
pub struct Answers {
    /// The policies' answer.
    pub policies: Option<PolicyAnswer>,
    /// The decision point's answer.
    pub decision_point: Option<PointAnswer>,
}

impl Answers {
    /// Nobody was asked.
    #[must_use]
    pub fn none() -> Self {
        Self {
            policies: None,
            decision_point: None,
        }
    }
}

/// What an evaluation of policies came to, before its errors are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyVerdict {
    /// At least one policy permits and none forbids.
    Permitted,
    /// At least one policy forbids.
    Forbidden,
    /// No policy permits and none forbids.
    Silent,
}

/// Why the policies gave no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyFailure {
    /// No set is in force.
    NotLoaded,
    /// The set in force is too old.
    Stale,
    /// The server has not listed the tool, so its arguments have no types.
    UnknownTool,
    /// The arguments do not fit the tool's schema.
    ArgumentsUnfit,
    /// The arguments are larger than what is evaluated.
    ArgumentsTooLarge,
    /// The evaluator failed in itself.
    Internal,
}

/// What the policies said.
#[derive(Debug)]
pub struct PolicyAnswer(Agreement);

impl PolicyAnswer {
    /// An evaluation that ran to its end.
    ///
    /// It is an agreement only if the verdict is [`PolicyVerdict::Permitted`], no policy failed
    /// (`errors` is 0) and the policies that permitted are named. An evaluator that skips a failing
    /// policy would otherwise let a call pass whose `forbid` failed.
    pub fn evaluated(verdict: PolicyVerdict, errors: usize, determining: PolicyIds) -> Self {
        let withheld = |reason| Agreement::Withheld(Denial::new(reason).by(determining.clone()));
        Self(match (verdict, errors) {
            (PolicyVerdict::Permitted, 0) if !determining.is_empty() => {
                Agreement::Given(determining)
            }
            (PolicyVerdict::Permitted, 0) => withheld(Reason::Internal),
            (PolicyVerdict::Forbidden, _) => withheld(Reason::ForbiddenByPolicy),
            (PolicyVerdict::Silent, 0) => withheld(Reason::NotPermitted),
            (PolicyVerdict::Permitted | PolicyVerdict::Silent, _) => {
                withheld(Reason::EvaluationError)
            }
        })
    }

    /// There was no evaluation.
    #[must_use]
    pub fn failed(failure: PolicyFailure) -> Self {
        Self(Agreement::Withheld(Denial::new(match failure {
            PolicyFailure::NotLoaded => Reason::PoliciesNotLoaded,
            PolicyFailure::Stale => Reason::PoliciesStale,
            PolicyFailure::UnknownTool => Reason::UnknownTool,
            PolicyFailure::ArgumentsUnfit => Reason::ArgumentsUnfit,
            PolicyFailure::ArgumentsTooLarge => Reason::ArgumentsTooLarge,
            PolicyFailure::Internal => Reason::Internal,
        })))
    }

    /// The same answer; if it withholds agreement, with a fact for the operator.
    #[must_use]
    pub fn because(self, detail: impl std::fmt::Display) -> Self {
        Self(self.0.because(detail))
    }

    /// Whether there is any use in asking further sources.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.0.standing()
    }
}

/// Whether an answer leaves the decision open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// This source agrees; others may still object.
    Open,
    /// This source withholds its agreement: the decision is a denial.
    Denied,
}

/// Why a decision point gave no decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointFailure {
    /// No connection, a broken one, or no trust in its certificate.
    Unreachable,
    /// Not everything was there in time.
    TimedOut,
    /// More than [`MAX_REPLY`] bytes came.
    TooLong,
    /// It failed too often and is not asked for a while.
    Resting,
    /// Too many questions are open.
    Busy,
    /// The arguments are larger than what is sent; part of them is never sent.
    ArgumentsTooLarge,
    /// The question could not be written.
    Internal,
}

/// Whether a decision point works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointKind {
    /// It said yes or no.
    Decision,
    /// It said nothing, or nothing that is a decision.
    Failure,
}

/// What the decision point said.
#[derive(Debug)]
pub struct PointAnswer(Agreement);

impl PointAnswer {
    /// Reads a reply: HTTP status and whole body.
    ///
    /// It is an agreement only with status 200 and a body of at most [`MAX_REPLY`] bytes that is
    /// one JSON object in which no key stands twice, `decision` is the literal `true`, and
    /// `context`, if there is one, is an object. What the context says is not obeyed.
    #[must_use]
    pub fn from_reply(status: u16, body: &[u8]) -> Self {
        Self(match read_reply(status, body) {
            Ok(Said::Yes) => Agreement::Given(PolicyIds::none()),
            Ok(Said::No) => Agreement::Withheld(Denial::new(Reason::RefusedByDecisionPoint)),
            Err(odd) => {
                Agreement::Withheld(Denial::new(Reason::DecisionPointOdd).because(odd.text()))
            }
        })
    }

    /// Whether this is a decision at all, yes or no.
    #[must_use]
    pub fn kind(&self) -> PointKind {
        match &self.0 {
            Agreement::Given(_) => PointKind::Decision,
            Agreement::Withheld(denial) if denial.reason() == Reason::RefusedByDecisionPoint => {
                PointKind::Decision
            }
            Agreement::Withheld(_) => PointKind::Failure,
        }
    }

    /// There was no reply to read.
    #[must_use]
    pub fn failed(failure: PointFailure) -> Self {
        let denial = match failure {
            PointFailure::Unreachable => Denial::new(Reason::DecisionPointUnreachable),
            PointFailure::TimedOut => Denial::new(Reason::DecisionPointTimedOut),
            PointFailure::TooLong => {
                Denial::new(Reason::DecisionPointOdd).because(Odd::TooLong.text())
            }
            PointFailure::Resting => Denial::new(Reason::DecisionPointResting),
            PointFailure::Busy => Denial::new(Reason::DecisionPointBusy),
            PointFailure::ArgumentsTooLarge => Denial::new(Reason::ArgumentsTooLarge),
            PointFailure::Internal => Denial::new(Reason::Internal),
        };
        Self(Agreement::Withheld(denial))
    }

    /// The same answer; if it withholds agreement, with a fact for the operator.
    #[must_use]
    pub fn because(self, detail: impl std::fmt::Display) -> Self {
        Self(self.0.because(detail))
    }
}

/// What a source's answer comes to. Only this module makes one that is given.
#[derive(Debug)]
pub(super) enum Agreement {
    Given(PolicyIds),
    Withheld(Denial),
}

impl Agreement {
    pub(super) fn of_policies(answer: Option<PolicyAnswer>) -> Self {
        answer.map_or_else(Self::unasked, |answer| answer.0)
    }

    pub(super) fn of_point(answer: Option<PointAnswer>) -> Self {
        answer.map_or_else(Self::unasked, |answer| answer.0)
    }

    fn unasked() -> Self {
        Self::Withheld(Denial::new(Reason::Internal).because("a configured source was not asked"))
    }

    fn because(self, detail: impl std::fmt::Display) -> Self {
        match self {
            Self::Given(policies) => Self::Given(policies),
            Self::Withheld(denial) => Self::Withheld(denial.because(detail)),
        }
    }

    fn standing(&self) -> Standing {
        match self {
            Self::Given(_) => Standing::Open,
            Self::Withheld(_) => Standing::Denied,
        }
    }
}

enum Said {
    Yes,
    No,
}

/// What is wrong with a reply.
enum Odd {
    Status(u16),
    TooLong,
    NotJson,
    NotAnObject,
    NoDecision,
    Context,
}

impl Odd {
    fn text(&self) -> String {
        match self {
            Self::Status(status) => format!("the reply has status {status}, not 200"),
            Self::TooLong => format!("the reply is longer than {MAX_REPLY} bytes"),
            Self::NotJson => "the reply is not JSON, or has a key twice".to_owned(),
            Self::NotAnObject => "the reply is not a JSON object".to_owned(),
            Self::NoDecision => "the reply's `decision` is not true or false".to_owned(),
            Self::Context => "the reply's `context` is not an object".to_owned(),
        }
    }
}

fn read_reply(status: u16, body: &[u8]) -> Result<Said, Odd> {
    if status != 200 {
        return Err(Odd::Status(status));
    }
    if body.len() > MAX_REPLY {
        return Err(Odd::TooLong);
    }
    let value = strict_json::read(body).map_err(|_not_json| Odd::NotJson)?;
    let object = value.as_object().ok_or(Odd::NotAnObject)?;
    if !matches!(object.get("context"), None | Some(Value::Object(_))) {
        return Err(Odd::Context);
    }
    match object.get("decision") {
        Some(Value::Bool(true)) => Ok(Said::Yes),
        Some(Value::Bool(false)) => Ok(Said::No),
        Some(_) | None => Err(Odd::NoDecision),
    }
}
