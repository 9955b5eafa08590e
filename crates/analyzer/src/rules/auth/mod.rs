//! Authorisation that fails open.

pub(super) mod breaker;
pub(super) mod catch_permits;
pub(super) mod default_allow;
mod noticed;
mod own_refusal;
pub(super) mod patterns;
mod permit;
mod preset;
mod replaced;
mod skipped;
pub(super) mod timeout;
mod truth;
pub(super) mod truthy;
mod unanswered;
pub(super) mod unawaited;
mod unfiltered;
mod unread_list;
