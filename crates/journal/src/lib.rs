//! A durable, hash-chained record of calls: append, recover, verify, look up.
//!
//! [`Journal`] is one writer's end of a journal. Its owner, who must never
//! wait for a disk, enters what is about to happen ([`Journal::intent`]) and
//! what happened ([`Journal::outcome`]), gets a [`Ticket`] for each, is woken
//! when tickets may have become redeemable, and redeems them for
//! [`Receipt`]s: a call may be sent only with a [`Receipt`] to [`Send`], an
//! answer given only with one to [`Answer`]. A thread of the journal's own
//! writes, everything that queued meanwhile at once.
//!
//! The folder of a journal holds one chain for each process that writes it at
//! the same time. [`verify`] covers all of them.
#![forbid(unsafe_code)]

mod backlog;
mod canon;
mod chain;
mod claim;
mod clear;
mod copy;
mod entry;
mod evidence;
mod folder;
mod heads;
mod journal;
mod kept;
mod keys;
mod leases;
mod ledger;
mod line;
mod lines;
mod lookup;
mod mark;
mod opening;
mod reading;
mod record;
mod recover;
mod reference;
mod refused;
mod retention;
mod seek;
mod segment;
mod settings;
mod shared;
mod sign;
mod state;
#[cfg(test)]
mod tests;
mod ticket;
mod verify;
mod walk;
mod writer;

pub use chain::Liveness;
pub use claim::Earlier;
pub use clear::{Clear, Sight};
pub use copy::{Copying, Require};
pub use entry::{
    About, Again, Class, Decision, Fate, Intent, Keep, LateResult, MAX_KEPT, MAX_POLICIES,
    MAX_TEXT, Note, Outcome, Retry, Start, Tier, Topic, What,
};
pub use folder::FolderError;
pub use heads::Heads;
pub use journal::{Asked, Journal, Sealed};
pub use leases::{LeaseLeft, leases_left};
pub use ledger::Considered;
pub use line::MAX_LINE;
pub use line::hash::{Hash, Head, NotAHash};
pub use line::time::Stamp;
pub use lookup::{Account, Kept, look_up};
pub use opening::finish_abandoned;
pub use reading::{Record, Records, records};
pub use recover::OpenError;
pub use reference::{CallRef, NotACallRef};
pub use seek::Seeker;
pub use settings::{Damage, Settings};
pub use sign::is_verifier_key;
pub use state::{State, Unavailable, Why};
pub use ticket::{Answer, Fetch, Fetched, Know, Purpose, Receipt, Redeemed, Send, Ticket};
pub use verify::{
    ChainVerified, Known, Part, PartError, Sealing, Spot, Verdict, Verified, verify, verify_part,
};
pub use walk::Fault;
