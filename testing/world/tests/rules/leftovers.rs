//! The check of the checks: the census finds what a server leaves that nobody owns. Without this
//! an empty census would prove nothing.

use std::time::Instant;

use dropgate_testing_servers::{Bare, Ending, HOSTILE};
use dropgate_testing_world::census::Emptied;
use dropgate_testing_world::endings::ANSWERED_WITHIN;
use dropgate_testing_world::{Checked, Run, Says as _, ended_by, fail, hold};
use rustix::process::Signal;

use crate::steps::SOON;
use crate::{Reach, Rule, Stage};

pub(crate) const RULES: &[Rule] = &[
    (
        "the_census_finds_what_a_bare_server_leaves_at_eof",
        Reach::Users,
        at_eof,
    ),
    (
        "the_census_finds_what_a_bare_server_leaves_at_kill",
        Reach::Users,
        at_kill,
    ),
];

/// Servers whose processes stay the same, so that they can be counted.
const STEADY: &[&str] = &["polite", "ignterm", "chain", "setsid2", "holder"];

fn at_eof(stage: &Stage<'_>) -> Checked {
    STEADY
        .iter()
        .try_for_each(|name| leaves(stage, name, Ending::Eof))
}

fn at_kill(stage: &Stage<'_>) -> Checked {
    STEADY
        .iter()
        .try_for_each(|name| leaves(stage, name, Ending::Kill))
}

fn leaves(stage: &Stage<'_>, server: &str, ending: Ending) -> Checked {
    let row = HOSTILE.iter().find(|row| row.name == server);
    let bare: Bare = row.says("no such row")?.bare;
    let expected = bare.survivors(ending).says("no such number")?;
    let name = format!("{}-{server}", stage.name);
    let mut run = Run::start_bare(stage.place, &name, &stage.server(&[server]))?;
    run.talk.initialize(ANSWERED_WITHIN)?;
    let leader = hold(u32::try_from(run.wrapper().pid).says("pid")?)?;
    let before = run.census.alive().len();
    match ending {
        Ending::Eof => run.talk.close(),
        Ending::Kill => run.signal(Signal::KILL)?,
        Ending::Term | Ending::Int | Ending::Hup => return fail("not played"),
    }
    // One that is to stay whole shows nothing to wait for.
    if expected < before && ended_by(&leader, Instant::now() + SOON) == Emptied::NotInTime {
        return fail(format!("{server} did not end: {}", run.survivors()));
    }
    let emptied = run.census.empty_by(Instant::now()) != Emptied::NotInTime;
    let found = run.census.alive().len();
    if found == expected && emptied == (expected == 0) {
        return Ok(());
    }
    fail(format!(
        "{server}: {expected} should be left, {found} are: {}",
        run.survivors()
    ))
}
