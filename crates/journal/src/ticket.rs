//! Tickets and receipts: what is asked of the disk, and the proof that it was done.

use std::marker::PhantomData;

use crate::CallRef;
use crate::claim::Earlier;
use crate::entry::Tier;
use crate::state::Why;

/// What a receipt permits.
pub trait Purpose {
    /// Whether somebody waits for it.
    #[doc(hidden)]
    const AWAITED: Awaited;
}

/// Whether somebody waits for a receipt.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    No,
    /// A call is not sent before.
    ToSend,
    /// An answer is not given before.
    ToAnswer,
}

/// The first byte of a call may go to the server: its intent is recorded.
#[derive(Debug)]
pub enum Send {}
/// The first byte of an answer may go to the host: the outcome is recorded.
#[derive(Debug)]
pub enum Answer {}
/// Nothing waits for this entry.
#[derive(Debug)]
pub enum Know {}

impl Purpose for Send {
    const AWAITED: Awaited = Awaited::ToSend;
}
impl Purpose for Answer {
    const AWAITED: Awaited = Awaited::ToAnswer;
}
impl Purpose for Know {
    const AWAITED: Awaited = Awaited::No;
}

/// An entry that is on its way to the disk.
#[must_use = "nothing may be sent before the entry is safe; redeem the ticket"]
#[derive(Debug)]
pub struct Ticket<P: Purpose> {
    pub(crate) nth: u64,
    pub(crate) tier: Tier,
    pub(crate) call: Option<CallRef>,
    pub(crate) purpose: PhantomData<P>,
}

/// The proof that an entry is as durable as its tier asks. It can't be copied
/// or made elsewhere: whoever holds it may do, once, what its purpose says.
#[must_use = "this is the permission to send or answer"]
#[derive(Debug)]
pub struct Receipt<P: Purpose> {
    pub(crate) call: Option<CallRef>,
    pub(crate) purpose: PhantomData<P>,
}

impl<P: Purpose> Receipt<P> {
    /// The call that the entry was about.
    pub fn call(&self) -> Option<CallRef> {
        self.call
    }
}

/// What a ticket has come to.
#[derive(Debug)]
pub enum Redeemed<P: Purpose> {
    /// The entry is safe.
    Safe(Receipt<P>),
    /// Not yet; ask again after the next wake.
    Pending(Ticket<P>),
    /// Another call holds the idempotency key; this intent was not recorded, and the call must not be sent.
    Held(Earlier),
    /// The entry was not recorded, and never will be: whether the idempotency key is free can't be
    /// found out, or the disk is full and its room is for what is owed. A call must not be sent.
    Refused(Why),
}

/// A look-up that is on its way.
#[must_use = "fetched() gives what was found"]
#[derive(Debug)]
pub struct Fetch {
    pub(crate) nth: u64,
}

/// What a look-up found.
#[derive(Debug)]
pub enum Fetched {
    /// Not yet; ask again after the next wake.
    Pending(Fetch),
    /// No chain knows the call.
    Nothing,
    /// What is recorded of it, and what was kept.
    Found(Box<crate::Account>),
    /// The journal can't be read.
    Failed(Why),
}
