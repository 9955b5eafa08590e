//! Why policies decided as they did, for the operator. Nothing of it goes to the host.

use std::fmt;

use dropgate_gate::decision::PolicyVerdict;

use super::evaluate::Evaluation;

/// Which policies permitted, forbade or failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What was asked, for example `tools/call read_file for local`.
    pub question: String,
    /// How many policies were evaluated, of how many.
    pub evaluated: (usize, usize),
    evaluation: Evaluation,
}

impl Explanation {
    pub(super) fn new(question: String, evaluated: (usize, usize), evaluation: Evaluation) -> Self {
        Self {
            question,
            evaluated,
            evaluation,
        }
    }

    /// The policies that permitted.
    #[must_use]
    pub fn permitted(&self) -> Vec<&str> {
        self.by(PolicyVerdict::Permitted)
    }

    /// The policies that forbade.
    #[must_use]
    pub fn forbade(&self) -> Vec<&str> {
        self.by(PolicyVerdict::Forbidden)
    }

    /// The policies that failed, and how.
    #[must_use]
    pub fn failed(&self) -> &[(String, String)] {
        match &self.evaluation {
            Evaluation::Ran { errors, .. } => errors,
            Evaluation::Failed { .. } => &[],
        }
    }

    fn by(&self, wanted: PolicyVerdict) -> Vec<&str> {
        match &self.evaluation {
            Evaluation::Ran {
                verdict,
                determining,
                ..
            } if *verdict == wanted => determining.iter().map(String::as_str).collect(),
            Evaluation::Ran { .. } | Evaluation::Failed { .. } => Vec::new(),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.question)?;
        match &self.evaluation {
            Evaluation::Failed { failure, detail } => {
                writeln!(
                    f,
                    "  denied before any policy was asked: {failure:?}: {detail}"
                )
            }
            Evaluation::Ran {
                verdict,
                determining,
                errors,
                shadowed,
            } => {
                let (some, all) = self.evaluated;
                writeln!(f, "  {some} of {all} policies could apply")?;
                let said = match verdict {
                    PolicyVerdict::Permitted => "permitted by",
                    PolicyVerdict::Forbidden => "forbidden by",
                    PolicyVerdict::Silent => "no policy permits it",
                };
                match determining.is_empty() {
                    true => writeln!(f, "  {said}")?,
                    false => writeln!(f, "  {said} {}", determining.join(", "))?,
                }
                if !shadowed.is_empty() {
                    writeln!(
                        f,
                        "  would be forbidden by {}, in shadow",
                        shadowed.join(", ")
                    )?;
                }
                for (id, text) in errors {
                    writeln!(f, "  failed, which denies: {id}: {text}")?;
                }
                Ok(())
            }
        }
    }
}
