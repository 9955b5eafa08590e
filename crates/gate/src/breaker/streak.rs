//! Failures in a row over all tools that write: where the write path is down, each of them has failed
//! only a few times when all of them together have failed too often.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::settings::Settings;
use crate::mode::WRITERS_DOWN;

/// The last failures with no success of a tool that writes in between, as many as open a breaker.
#[derive(Debug, Default)]
pub(super) struct Streak {
    failures: VecDeque<(Duration, Member)>,
}

/// A tool by its place in the table and by what tells it from an earlier one there.
pub(super) type Member = (usize, u64);

impl Streak {
    /// A tool that writes has worked.
    pub(super) fn end(&mut self) {
        self.failures.clear();
    }

    /// Another failure; gives the tools that have failed together too often, if several have.
    pub(super) fn failed(
        &mut self,
        tool: Member,
        now: Duration,
        settings: &Settings,
    ) -> BTreeSet<Member> {
        let most = usize::try_from(settings.failures).unwrap_or(usize::MAX);
        while self.failures.len() >= most.max(1) {
            self.failures.pop_front();
        }
        self.failures.push_back((now, tool));
        let oldest = self.failures.front().map_or(now, |(at, _)| *at);
        let recent = oldest.saturating_add(settings.window) > now;
        let tools: BTreeSet<Member> = self.failures.iter().map(|(_, tool)| *tool).collect();
        if self.failures.len() < most || !recent || tools.len() < WRITERS_DOWN {
            return BTreeSet::new();
        }
        self.end();
        tools
    }
}
