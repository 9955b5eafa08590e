//! How sure rules are of what they ask for together.

use std::collections::BTreeSet;

use crate::finding::{Followed, Ground, Trusted};
use crate::link::{FnRef, Project};

/// That nothing at a stop closes what a file opens: proved unless something of which nothing is known is closed there.
pub(super) fn of_stop(project: &Project<'_>, file: u32) -> Ground {
    Ground::Proved(Followed::Stop).unless(project.closes_unread(file).then_some(Trusted::Unread))
}

/// That nothing which a signal or event runs does it: proved unless it waits for code that is not there.
pub(super) fn of_hook(project: &Project<'_>, reach: &BTreeSet<FnRef>) -> Ground {
    Ground::Proved(Followed::Hook).unless(project.waits_unread(reach).then_some(Trusted::Unread))
}

/// What is told of a function by the way that calls take: proved where it answers a request itself.
pub(super) fn of_answer(project: &Project<'_>, at: FnRef) -> Ground {
    Ground::Proved(Followed::Value).unless((!project.is_handler(at)).then_some(Trusted::Reach))
}
