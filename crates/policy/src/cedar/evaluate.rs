//! One request against the slices that apply to it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use cedar_policy::{Authorizer, Decision, Entities, PolicySet, Request};
use dropgate_gate::decision::{PolicyAnswer, PolicyFailure, PolicyIds, PolicyVerdict};

/// What stands before the id of a policy in shadow that would have denied the call.
const WOULD_DENY: &str = "would_deny:";

/// What an evaluation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Evaluation {
    /// Every policy of the slices was evaluated, though some may have failed.
    Ran {
        verdict: PolicyVerdict,
        /// The policies that made the verdict, sorted.
        determining: Vec<String>,
        /// Policies that failed, and how.
        errors: Vec<(String, String)>,
        /// Policies in shadow that would have forbidden it.
        shadowed: Vec<String>,
    },
    /// It could not begin, or broke off.
    Failed {
        failure: PolicyFailure,
        detail: String,
    },
}

impl Evaluation {
    pub(super) fn failed(failure: PolicyFailure, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::Failed { failure, detail }
    }

    /// The same for the gate.
    pub(super) fn answer(self) -> PolicyAnswer {
        match self {
            Self::Ran {
                verdict,
                determining,
                errors,
                shadowed,
            } => match errors.first() {
                // The failed policy made the denial, so it is the one to be named.
                Some((id, text)) if verdict != PolicyVerdict::Forbidden => {
                    let failed = PolicyIds::of(errors.iter().map(|(id, _text)| id));
                    PolicyAnswer::evaluated(verdict, errors.len(), failed)
                        .because(format_args!("policy {id} failed: {text}"))
                }
                Some(_) | None => {
                    let shadowed = shadowed.iter().map(|id| format!("{WOULD_DENY}{id}"));
                    let told = PolicyIds::of(shadowed.chain(determining));
                    PolicyAnswer::evaluated(verdict, errors.len(), told)
                }
            },
            Self::Failed { failure, detail } => PolicyAnswer::failed(failure).because(detail),
        }
    }
}

/// Evaluates every slice; one that forbids outweighs all that permit.
pub(super) fn evaluate<'a>(
    request: &Request,
    slices: impl Iterator<Item = &'a PolicySet>,
    entities: &Entities,
) -> Evaluation {
    guarded(|| {
        let authorizer = Authorizer::new();
        let mut permitted = Vec::new();
        let mut forbidden = Vec::new();
        let mut errors = Vec::new();
        for slice in slices {
            let response = authorizer.is_authorized(request, slice, entities);
            let determining = response.diagnostics().reason();
            let determining = determining.map(|id| AsRef::<str>::as_ref(id).to_owned());
            match response.decision() {
                Decision::Allow => permitted.extend(determining),
                Decision::Deny => forbidden.extend(determining),
            }
            errors.extend(response.diagnostics().errors().map(|error| {
                let cedar_policy::AuthorizationError::PolicyEvaluationError(failed) = error;
                let id: &str = failed.policy_id().as_ref();
                (id.to_owned(), failed.inner().to_string())
            }));
        }
        errors.sort_unstable();
        let (verdict, mut determining) = if !forbidden.is_empty() {
            (PolicyVerdict::Forbidden, forbidden)
        } else if !permitted.is_empty() {
            (PolicyVerdict::Permitted, permitted)
        } else {
            (PolicyVerdict::Silent, Vec::new())
        };
        determining.sort_unstable();
        Evaluation::Ran {
            verdict,
            determining,
            errors,
            shadowed: Vec::new(),
        }
    })
}

/// An evaluator that panics has not permitted anything.
fn guarded(evaluate: impl FnOnce() -> Evaluation) -> Evaluation {
    catch_unwind(AssertUnwindSafe(evaluate)).unwrap_or_else(|_panic| {
        Evaluation::failed(
            PolicyFailure::Internal,
            "the evaluation of policies broke off",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure() {
        let broken = guarded(|| panic!("as an evaluator might"));
        let Evaluation::Failed { failure, .. } = broken else {
            panic!("{broken:?}");
        };
        assert_eq!(failure, PolicyFailure::Internal);
    }
}
