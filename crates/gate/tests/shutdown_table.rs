//! The shutdown table: a snapshot of every cell, and what holds for every run through it.

use dropgate_gate::shutdown::{Effect, Event, Phase, Trigger, step, table};
use proptest::prelude::*;

const SNAPSHOT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/snapshots/shutdown_table.md"
);

#[test]
fn the_table_is_the_one_that_was_agreed_on() {
    let now = table();
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(SNAPSHOT, &now).unwrap();
    }
    let agreed = std::fs::read_to_string(SNAPSHOT).unwrap();
    assert!(
        now == agreed,
        "the shutdown table changed; if that is meant, run this test with UPDATE_SNAPSHOTS=1.\n{now}"
    );
}

#[test]
fn the_table_names_every_phase_and_event() {
    let cells: usize = table()
        .lines()
        .skip(2)
        .map(|row| row.split('|').nth(2).unwrap().split(", ").count())
        .sum();
    assert_eq!(cells, Phase::ALL.len() * Event::ALL.len());
}

#[test]
fn no_cell_goes_back_and_done_keeps_still() {
    for phase in Phase::ALL {
        for event in Event::ALL {
            let (next, effects) = step(phase, event);
            assert!(next >= phase, "{phase:?} {event:?}");
            assert!(
                next != phase || effects.is_empty(),
                "{phase:?} {event:?} acts and stays"
            );
            assert!(effects.is_sorted(), "{phase:?} {event:?} is out of order");
        }
    }
    for event in Event::ALL {
        assert_eq!(step(Phase::Done, event), (Phase::Done, &[][..]));
    }
}

#[test]
fn time_alone_ends_every_shutdown() {
    for phase in Phase::ALL {
        for event in Event::ALL {
            let (mut now, _) = step(phase, event);
            if now == Phase::Running {
                continue;
            }
            for _ in 0..6 {
                now = step(now, Event::PhaseOver).0;
            }
            assert_eq!(now, Phase::Done, "from {phase:?} by {event:?}");
        }
    }
}

#[test]
fn only_a_reason_ends_running() {
    for event in [Event::Settled, Event::OnlyCancelledLeft, Event::PhaseOver] {
        assert_eq!(step(Phase::Running, event), (Phase::Running, &[][..]));
    }
}

#[test]
fn usual_endings() {
    let begin = Event::Begin(Trigger::Eof);
    let rows: [(&[Event], &[Phase], &[Effect]); 5] = [
        (
            &[begin, Event::Settled, Event::LeaderExited, Event::TreeEmpty],
            &[
                Phase::Draining,
                Phase::Closing,
                Phase::Terminating,
                Phase::Done,
            ],
            &[
                Effect::StopAdmitting,
                Effect::CancelDoomed,
                Effect::AnswerRest,
                Effect::CloseStdin,
                Effect::Terminate,
                Effect::Report,
            ],
        ),
        (
            &[
                begin,
                Event::OnlyCancelledLeft,
                Event::Settled,
                Event::TreeEmpty,
            ],
            &[
                Phase::Draining,
                Phase::Cancelling,
                Phase::Closing,
                Phase::Done,
            ],
            &[
                Effect::StopAdmitting,
                Effect::CancelDoomed,
                Effect::AnswerRest,
                Effect::CloseStdin,
                Effect::Report,
            ],
        ),
        (
            &[begin, Event::Hurry, Event::Force, Event::TreeEmpty],
            &[
                Phase::Draining,
                Phase::Cancelling,
                Phase::Killing,
                Phase::Done,
            ],
            &[
                Effect::StopAdmitting,
                Effect::CancelDoomed,
                Effect::CancelRest,
                Effect::AnswerRest,
                Effect::CloseStdin,
                Effect::Kill,
                Effect::Report,
            ],
        ),
        (
            &[Event::LeaderExited, Event::TreeEmpty],
            &[Phase::Terminating, Phase::Done],
            &[
                Effect::StopAdmitting,
                Effect::AnswerRest,
                Effect::CloseStdin,
                Effect::Terminate,
                Effect::Report,
            ],
        ),
        (
            &[
                begin,
                Event::Begin(Trigger::Sigterm),
                Event::Begin(Trigger::GuardLost),
            ],
            &[Phase::Draining, Phase::Draining, Phase::Killing],
            &[
                Effect::StopAdmitting,
                Effect::CancelDoomed,
                Effect::AnswerRest,
                Effect::CloseStdin,
                Effect::Kill,
            ],
        ),
    ];
    for (events, phases, effects) in rows {
        let run = run(events);
        assert_eq!(run.phases, phases, "{events:?}");
        assert_eq!(run.effects, effects, "{events:?}");
    }
}

struct Run {
    phases: Vec<Phase>,
    effects: Vec<Effect>,
}

fn run(events: &[Event]) -> Run {
    let mut now = Phase::Running;
    let mut run = Run {
        phases: Vec::new(),
        effects: Vec::new(),
    };
    for &event in events {
        let (next, effects) = step(now, event);
        now = next;
        run.phases.push(next);
        run.effects.extend_from_slice(effects);
    }
    run
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_each_effect_comes_once_in_order_and_nothing_owed_is_left(
        events in prop::collection::vec(prop::sample::select(&Event::ALL[..]), 0..24)
    ) {
        let run = run(&events);
        prop_assert!(run.phases.is_sorted());
        // Strictly rising: in the order of the ladder, and none twice.
        prop_assert!(run.effects.is_sorted_by(|one, next| one < next), "{:?}", run.effects);
        let done = |effect| run.effects.contains(&effect);
        let last = run.phases.last().copied().unwrap_or(Phase::Running);
        prop_assert_eq!(done(Effect::StopAdmitting), last > Phase::Running);
        prop_assert_eq!(done(Effect::AnswerRest), last >= Phase::Closing);
        prop_assert_eq!(done(Effect::CloseStdin), last >= Phase::Closing);
        prop_assert_eq!(done(Effect::Kill), run.phases.contains(&Phase::Killing));
        prop_assert_eq!(done(Effect::Terminate), run.phases.contains(&Phase::Terminating));
        prop_assert_eq!(done(Effect::Report), last == Phase::Done);
    }
}
