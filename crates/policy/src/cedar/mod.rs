//! Policies that dropgate evaluates itself, in Cedar.
//!
//! Each tool is an action of its own, so that `context.args` has the types of that tool's
//! `inputSchema`. Policies are checked strictly against such schemas, cut into slices by what their
//! scopes name, and only the slice of the tool in question is evaluated.

mod arguments;
mod complaint;
mod environment;
mod evaluate;
mod explain;
mod load;
mod nesting;
mod policies;
mod request;
mod scope;
mod shadow;
mod shape;
mod slices;
mod vocabulary;

pub use complaint::{Complaint, Complaints, MAX_COMPLAINTS, Severity};
pub use explain::Explanation;
pub use load::{MAX_POLICIES, MAX_POLICY_TEXT, PolicyFile};
pub use policies::CedarPolicies;

#[cfg(test)]
mod tests;
