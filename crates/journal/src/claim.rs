//! Claims on idempotency keys.

use crate::CallRef;

/// What became of a claim on an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// Another call has it.
    Lost(Holder),
}

/// The call that holds an idempotency key already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its reference.
    pub call: CallRef,
}
