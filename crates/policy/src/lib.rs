//! Answers authorisation questions: Cedar embedded, AuthZEN 1.0 remote.
//!
//! [`Policies`] is the one face: it turns a [`Question`] into a
//! [`Decision`](dropgate_gate::decision::Decision), at once where everything is local, otherwise as
//! a future. [`CedarPolicies`] evaluates files of policies against schemas made from the server's
//! own tool list; [`DecisionPoint`] asks over HTTP. Whatever goes wrong in either is a denial.
//!
//! Nothing here reads files or configuration: the caller hands in texts and settings.
#![forbid(unsafe_code)]

mod cedar;
mod point;
mod policies;
mod question;
mod sha;

pub use dropgate_gate::mode::Class;

pub use cedar::{
    CedarPolicies, Complaint, Complaints, Explanation, MAX_COMPLAINTS, MAX_POLICIES,
    MAX_POLICY_TEXT, PolicyFile, Severity,
};
pub use point::{
    DecisionPoint, MAX_ARGUMENTS, MAX_OPEN, MAX_TIMEOUT, PointRefused, PointSettings, RestSettings,
};
pub use policies::{Answer, Pending, Policies};
pub use question::{Mode, Moment, Question, Subject};
pub use sha::sha256;
