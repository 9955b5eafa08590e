//! The rules of owning a server that are no cells of a grid, each at every level that it is about.

mod behaviour;
mod bounds;
mod bytes;
mod command_line;
mod deciders;
mod decision_point;
mod full_disk;
mod hibernation;
mod identity;
mod leftovers;
mod owners;
mod prediction;
mod programs;
mod record;
mod refusals;
mod repeats;
mod rounds;
mod shutdown;
mod stalled_disk;
mod steps;
mod tree;
mod unnoticed;

use std::process::ExitCode;

use dropgate_testing_world::checks::begin;
use dropgate_testing_world::{Chance, Checked, Column, Place, Setup, endings};

/// Of the levels other than `auto`, one rule in this many is played.
const SHARE: u64 = 3;
const QUICK: u64 = 12;

/// What a rule is played with.
pub(crate) struct Stage<'a> {
    place: &'a Place,
    column: Column,
    name: String,
}

impl Stage<'_> {
    /// A setup of a server from `dropgate-testing-servers` at this column.
    pub(crate) fn server(&self, server: &[&str]) -> Setup {
        let command: Vec<&str> = std::iter::once("{servers}")
            .chain(server.iter().copied())
            .collect();
        self.command(&command)
    }

    /// A setup of any command at this column.
    pub(crate) fn command(&self, command: &[&str]) -> Setup {
        endings::setup(self.column, command)
    }
}

/// A rule: its name, and whether it is about levels or the same at all of them.
pub(crate) type Rule = (&'static str, Reach, fn(&Stage<'_>) -> Checked);

/// Where a rule is played.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// At every column.
    Levels,
    /// At `auto` of each user.
    Users,
    /// At root's `auto`.
    Root,
}

fn main() -> ExitCode {
    let (mut checks, place) = match begin() {
        Ok(begun) => begun,
        Err(code) => return code,
    };
    let columns = place.columns();
    let rules: Vec<&Rule> = [
        shutdown::RULES,
        tree::RULES,
        owners::RULES,
        identity::RULES,
        behaviour::RULES,
        bytes::RULES,
        refusals::RULES,
        record::RULES,
        bounds::RULES,
        deciders::RULES,
        full_disk::RULES,
        stalled_disk::RULES,
        repeats::RULES,
        rounds::RULES,
        unnoticed::RULES,
        programs::RULES,
        hibernation::RULES,
        prediction::RULES,
        leftovers::RULES,
        command_line::RULES,
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut items = Vec::new();
    for &column in &columns {
        for &&(rule, reach, play) in &rules {
            let automatic = column.level().is_none();
            let reached = match reach {
                Reach::Levels => true,
                Reach::Users => automatic,
                Reach::Root => automatic && column.user == dropgate_testing_world::User::Root,
            };
            let name = format!("{column}/{rule}");
            let share = if automatic { 1 } else { SHARE };
            if reached && checks.plays(&name, share, QUICK) == Chance::Taken {
                items.push((name, (column, play)));
            }
        }
    }
    checks.check_all(&items, |name, (column, play)| {
        play(&Stage {
            place: &place,
            column: *column,
            name: name.to_owned(),
        })
    });
    checks.conclude()
}
