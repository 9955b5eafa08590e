//! The breakers of one upstream: one for each tool, and one for the upstream itself.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use foldhash::fast::RandomState;

use super::circuit::{Circuit, Command};
use super::settings::Settings;
use super::streak::Streak;
use super::ticket::{Admission, Attempt, Probing, Role, Ticket};
use super::transition::{Cause, Phase, Transition, Transitions};
use super::verdict::Verdict;
use crate::mode::Class;

/// The most tools that have a breaker of their own. When a new one comes, the closed one unused
/// for longest leaves; so a model that makes up names can't make an open breaker forget.
pub const MAX_TOOLS: usize = 1024;

/// The longest tool name that has a breaker of its own, in bytes. A longer one has only that of
/// the upstream.
pub const MAX_NAME: usize = 256;

/// The breakers of one upstream. A call needs the ticket of both, and a refusal of either leaves
/// the other's trial free.
#[derive(Debug)]
pub struct Breakers {
    settings: Settings,
    probing: Probing,
    seed: u64,
    upstream: Circuit,
    names: HashMap<Box<str>, usize, RandomState>,
    tools: Vec<Tool>,
    /// When time alone will change a tool's breaker, by its place in `tools`.
    due: BTreeSet<(Duration, usize)>,
    uses: u64,
    writers: Streak,
}

#[derive(Debug)]
struct Tool {
    name: Box<str>,
    circuit: Circuit,
    /// Tells this tool from one that stood in the same place before.
    serial: u64,
    last_used: u64,
    due: Option<Duration>,
}

/// Which breaker.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The upstream's.
    Upstream,
    /// That of the tool with this name.
    Tool(Box<str>),
}

/// A change of one of the breakers, for the journal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Change {
    /// Which breaker changed.
    pub scope: Scope,
    /// How.
    pub transition: Transition,
}

/// The right to make one call, from both breakers.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a ticket is owed its result"]
pub struct Pass {
    upstream: Ticket,
    tool: Option<ToolTicket>,
}

/// The right to make one probe, for every breaker that waited for one.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a ticket is owed its result"]
pub struct ProbePass {
    upstream: Option<Ticket>,
    tools: Vec<ToolTicket>,
}

#[derive(Debug, PartialEq, Eq)]
struct ToolTicket {
    place: usize,
    serial: u64,
    class: Class,
    ticket: Ticket,
}

impl Breakers {
    /// All closed. `seed` spreads the open periods and should be random.
    #[must_use]
    pub fn new(settings: &Settings, probing: Probing, seed: u64, now: Duration) -> Self {
        Self {
            settings: *settings,
            probing,
            seed,
            upstream: Circuit::new(settings, probing, seed, now),
            names: HashMap::default(),
            tools: Vec::new(),
            due: BTreeSet::new(),
            uses: 0,
            writers: Streak::default(),
        }
    }

    /// Admits or rejects a call of `tool`, or of something that is no tool.
    pub fn admit(
        &mut self,
        tool: Option<&str>,
        attempt: &Attempt,
        now: Duration,
    ) -> (Admission<Pass>, Vec<Change>) {
        let mut changes = Vec::new();
        let admission = self.admit_into(tool, attempt, now, &mut changes);
        (admission, changes)
    }

    /// The same; what changes is added to `all`.
    pub(crate) fn admit_into(
        &mut self,
        tool: Option<&str>,
        attempt: &Attempt,
        now: Duration,
        all: &mut Vec<Change>,
    ) -> Admission<Pass> {
        all.extend(changes(&Scope::Upstream, self.upstream.tick(now)));
        let place = tool.and_then(|name| self.place(name, now, all));
        if let Some(place) = place {
            self.step(place, all, |circuit| circuit.tick(now));
        }
        let refusal = self.upstream.refusal(attempt.class, now).or_else(|| {
            let tool = self.tools.get(place?)?;
            tool.circuit.refusal(attempt.class, now)
        });
        if let Some(rejection) = refusal {
            return Admission::Rejected(rejection);
        }
        let upstream = self.upstream.grant(attempt.timeout, now);
        let tool = place.and_then(|place| self.grant(place, attempt, now));
        let role = match (upstream.role, tool.as_ref().map(|tool| tool.ticket.role)) {
            (Role::Regular, None | Some(Role::Regular)) => Role::Regular,
            (Role::Trial, _) | (Role::Regular, Some(Role::Trial)) => Role::Trial,
        };
        Admission::granted(Pass { upstream, tool }, role)
    }

    /// Takes the result of a call: what it counts as for its tool, and for the upstream.
    pub fn record(
        &mut self,
        pass: Pass,
        tool: Verdict,
        upstream: Verdict,
        now: Duration,
    ) -> Vec<Change> {
        let recorded = self.upstream.record(pass.upstream, upstream, now);
        let mut changes = changes(&Scope::Upstream, recorded);
        if let Some(ticket) = pass.tool {
            // A server that is gone says nothing of writing.
            let of_writing = match upstream {
                Verdict::Success | Verdict::Ignored => self.says_of_writing(&ticket, tool),
                Verdict::Failure => Verdict::Ignored,
            };
            let member = (ticket.place, ticket.serial);
            self.record_tool(ticket, tool, now, &mut changes);
            match of_writing {
                Verdict::Success => self.writers.end(),
                Verdict::Failure => {
                    for (place, serial) in self.writers.failed(member, now, &self.settings) {
                        if self.tools.get(place).is_some_and(|it| it.serial == serial) {
                            self.step(place, &mut changes, |it| it.open_with_others(now));
                        }
                    }
                }
                Verdict::Ignored => {}
            }
        }
        changes
    }

    /// What a result of a tool says of writing as such; nothing, unless the tool writes and its
    /// breaker counts the result.
    fn says_of_writing(&mut self, held: &ToolTicket, verdict: Verdict) -> Verdict {
        let counts = |tool: &mut Tool| tool.circuit.counts(&held.ticket);
        match held.class {
            Class::Write if self.held(held).is_some_and(counts) => verdict,
            Class::Write | Class::Read => Verdict::Ignored,
        }
    }

    /// Takes a pass back whose call was never sent: the next check refused it.
    pub fn give_back(&mut self, pass: Pass, now: Duration) -> Vec<Change> {
        self.record(pass, Verdict::Ignored, Verdict::Ignored, now)
    }

    /// The call's deadline has moved to `until`: a trial is lost only then.
    pub fn extend(&mut self, pass: &Pass, until: Duration) {
        self.upstream.extend(&pass.upstream, until);
        if let Some(held) = &pass.tool
            && let Some(tool) = self.held(held)
        {
            tool.circuit.extend(&held.ticket, until);
            self.refresh(held.place);
        }
    }

    /// Admits one probe of dropgate's own for all breakers that wait for one; none if none does.
    ///
    /// A probe that is not answered by `timeout` says nothing of the upstream: record it then as
    /// [`Verdict::Ignored`]. It is a failure only if nothing is recorded for twice as long.
    pub fn admit_probe(
        &mut self,
        timeout: Duration,
        now: Duration,
    ) -> (Option<ProbePass>, Vec<Change>) {
        let changes = self.tick(now);
        let attempt = Attempt {
            class: Class::Read,
            timeout: timeout.saturating_mul(2),
        };
        let upstream = self
            .upstream
            .awaits_trial()
            .then(|| self.upstream.grant(attempt.timeout, now));
        let waiting: Vec<usize> = (0..self.tools.len())
            .filter(|place| self.tools[*place].circuit.awaits_trial())
            .collect();
        let tools: Vec<ToolTicket> = waiting
            .into_iter()
            .filter_map(|place| self.grant(place, &attempt, now))
            .collect();
        let pass =
            (upstream.is_some() || !tools.is_empty()).then_some(ProbePass { upstream, tools });
        (pass, changes)
    }

    /// Admits a ping of dropgate's own, if the upstream's breaker waits for a trial. It says that the
    /// upstream answers, and nothing of any tool, so it tries no other breaker. One that is not
    /// answered by `timeout` is a failure by itself.
    pub fn admit_ping(
        &mut self,
        timeout: Duration,
        now: Duration,
    ) -> (Option<ProbePass>, Vec<Change>) {
        let changes = changes(&Scope::Upstream, self.upstream.tick(now));
        let waits = self.upstream.awaits_trial();
        let pass = waits.then(|| ProbePass {
            upstream: Some(self.upstream.grant(timeout, now)),
            tools: Vec::new(),
        });
        (pass, changes)
    }

    /// How many breakers wait for a trial that nobody runs. While there is one, and only a probe
    /// may be the trial, the next probe should not wait for its usual time.
    #[must_use]
    pub fn awaiting(&self) -> usize {
        let tools = self.tools.iter().map(|tool| &tool.circuit);
        std::iter::once(&self.upstream)
            .chain(tools)
            .filter(|circuit| circuit.awaits_trial())
            .count()
    }

    /// Takes the result of a probe.
    pub fn record_probe(
        &mut self,
        pass: ProbePass,
        verdict: Verdict,
        now: Duration,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        if let Some(ticket) = pass.upstream {
            let recorded = self.upstream.record(ticket, verdict, now);
            changes.extend(self::changes(&Scope::Upstream, recorded));
        }
        for ticket in pass.tools {
            self.record_tool(ticket, verdict, now, &mut changes);
        }
        changes
    }

    /// Does what an operator says to one breaker. A tool that has none yet gets one.
    pub fn command(&mut self, scope: &Scope, command: Command, now: Duration) -> Vec<Change> {
        match scope {
            Scope::Upstream => changes(scope, self.upstream.command(command, now)),
            Scope::Tool(name) => {
                let mut changes = Vec::new();
                if let Some(place) = self.place(name, now, &mut changes) {
                    self.step(place, &mut changes, |circuit| circuit.command(command, now));
                }
                changes
            }
        }
    }

    /// Does what has fallen due by `now` on all breakers.
    pub fn tick(&mut self, now: Duration) -> Vec<Change> {
        let mut changes = changes(&Scope::Upstream, self.upstream.tick(now));
        while let Some((_, place)) = self.due.first().filter(|(at, _)| *at <= now).copied() {
            self.step(place, &mut changes, |circuit| circuit.tick(now));
        }
        changes
    }

    /// When time alone will next change one of them, since the caller's origin.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        let tools = self.due.first().map(|(at, _)| *at);
        [self.upstream.due(), tools].into_iter().flatten().min()
    }

    /// Where the breaker of the upstream stands.
    #[must_use]
    pub fn upstream(&self) -> Phase {
        self.upstream.phase()
    }

    /// Where the breaker of a tool stands; closed if it has none.
    #[must_use]
    pub fn tool(&self, name: &str) -> Phase {
        self.names
            .get(name)
            .and_then(|place| self.tools.get(*place))
            .map_or(Phase::Closed, |tool| tool.circuit.phase())
    }

    /// The tools that have a breaker of their own, and where it stands, in no particular order.
    pub fn tools(&self) -> impl Iterator<Item = (&str, Phase)> {
        self.tools
            .iter()
            .map(|tool| (&*tool.name, tool.circuit.phase()))
    }

    /// Where the tool's breaker stands in the table, which is made if there is room for it.
    fn place(&mut self, name: &str, now: Duration, changes: &mut Vec<Change>) -> Option<usize> {
        self.uses += 1;
        if let Some(place) = self.names.get(name).copied() {
            self.tools.get_mut(place)?.last_used = self.uses;
            return Some(place);
        }
        if name.len() > MAX_NAME {
            return None;
        }
        let fresh = Tool {
            name: name.into(),
            circuit: Circuit::new(&self.settings, self.probing, self.seed ^ self.uses, now),
            serial: self.uses,
            last_used: self.uses,
            due: None,
        };
        let place = if self.tools.len() < MAX_TOOLS {
            self.tools.push(fresh);
            self.tools.len() - 1
        } else {
            let place = self.least_needed()?;
            self.forget(place, now, changes);
            *self.tools.get_mut(place)? = fresh;
            place
        };
        self.names.insert(name.into(), place);
        Some(place)
    }

    /// The closed breaker unused for longest; if all are in trouble, the one of these unused for
    /// longest; none if an operator holds them all.
    fn least_needed(&self) -> Option<usize> {
        let rank = |phase: Phase| match phase {
            Phase::Closed => Some(0),
            Phase::Open | Phase::HalfOpen => Some(1),
            Phase::ForcedOpen | Phase::ForcedClosed | Phase::Disabled => None,
        };
        self.tools
            .iter()
            .enumerate()
            .filter_map(|(place, tool)| Some((rank(tool.circuit.phase())?, tool.last_used, place)))
            .min()
            .map(|(_, _, place)| place)
    }

    fn forget(&mut self, place: usize, now: Duration, changes: &mut Vec<Change>) {
        let Some(tool) = self.tools.get(place) else {
            return;
        };
        self.names.remove(&tool.name);
        if let Some(at) = tool.due {
            self.due.remove(&(at, place));
        }
        let from = tool.circuit.phase();
        if from != Phase::Closed {
            changes.push(Change {
                scope: Scope::Tool(tool.name.clone()),
                transition: Transition {
                    at: now,
                    from,
                    to: Phase::Closed,
                    cause: Cause::Forgotten,
                    lasts: None,
                },
            });
        }
    }

    fn grant(&mut self, place: usize, attempt: &Attempt, now: Duration) -> Option<ToolTicket> {
        let tool = self.tools.get_mut(place)?;
        let ticket = tool.circuit.grant(attempt.timeout, now);
        let serial = tool.serial;
        self.refresh(place);
        Some(ToolTicket {
            place,
            serial,
            class: attempt.class,
            ticket,
        })
    }

    fn record_tool(
        &mut self,
        held: ToolTicket,
        verdict: Verdict,
        now: Duration,
        changes: &mut Vec<Change>,
    ) {
        if self.held(&held).is_none() {
            return;
        }
        self.step(held.place, changes, |circuit| {
            circuit.record(held.ticket, verdict, now)
        });
    }

    /// The tool that a ticket is of, unless it was forgotten since.
    fn held(&mut self, held: &ToolTicket) -> Option<&mut Tool> {
        self.tools
            .get_mut(held.place)
            .filter(|tool| tool.serial == held.serial)
    }

    fn step(
        &mut self,
        place: usize,
        changes: &mut Vec<Change>,
        step: impl FnOnce(&mut Circuit) -> Transitions,
    ) {
        let Some(tool) = self.tools.get_mut(place) else {
            return;
        };
        for transition in step(&mut tool.circuit) {
            changes.push(Change {
                scope: Scope::Tool(tool.name.clone()),
                transition,
            });
        }
        self.refresh(place);
    }

    /// Keeps the order of what falls due in step with the breaker.
    fn refresh(&mut self, place: usize) {
        let Some(tool) = self.tools.get_mut(place) else {
            return;
        };
        let due = tool.circuit.due();
        if due == tool.due {
            return;
        }
        if let Some(at) = tool.due {
            self.due.remove(&(at, place));
        }
        if let Some(at) = due {
            self.due.insert((at, place));
        }
        tool.due = due;
    }
}

fn changes(scope: &Scope, transitions: Transitions) -> Vec<Change> {
    if transitions.is_empty() {
        // As nearly always.
        return Vec::new();
    }
    transitions
        .into_iter()
        .map(|transition| Change {
            scope: scope.clone(),
            transition,
        })
        .collect()
}
