//! What is wrong with policies, and where.

use std::fmt;

/// The most complaints that are kept of one load.
pub const MAX_COMPLAINTS: usize = 20;

/// How much a complaint weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The policy can't be in force: nothing it could apply to is permitted.
    Error,
    /// The policy is in force, and likely not as meant.
    Warning,
}

/// One thing that is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// How much it weighs.
    pub severity: Severity,
    /// The name of the file, as the caller gave it.
    pub file: String,
    /// The line in it, from 1; 0 when the file as a whole is meant.
    pub line: usize,
    /// What is wrong and what to do.
    pub text: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        match self.line {
            0 => write!(f, "{}: {severity}: {}", self.file, self.text),
            line => write!(f, "{}:{line}: {severity}: {}", self.file, self.text),
        }
    }
}

/// Why a set of policies is not in force; there is at least one complaint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaints {
    first: Complaint,
    others: Vec<Complaint>,
}

impl Complaints {
    /// The complaints, unless there are none. More than [`MAX_COMPLAINTS`] are cut.
    pub(crate) fn of(all: Vec<Complaint>) -> Option<Self> {
        let mut all = all.into_iter().take(MAX_COMPLAINTS);
        let first = all.next()?;
        Some(Self {
            first,
            others: all.collect(),
        })
    }

    /// Each complaint.
    pub fn iter(&self) -> impl Iterator<Item = &Complaint> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl fmt::Display for Complaints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        for other in &self.others {
            write!(f, "\n{other}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Complaints {}

impl From<Complaint> for Complaints {
    fn from(first: Complaint) -> Self {
        Self {
            first,
            others: Vec::new(),
        }
    }
}
