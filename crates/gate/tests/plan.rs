//! The plan: the figures of the documentation, and what holds for every plan.

use std::time::Duration;

use dropgate_gate::shutdown::plan::KILL_LIMIT;
use dropgate_gate::shutdown::{
    Phase, Plan, Profile, Readiness, Settings, Source, Trigger, Urgency,
};
use proptest::prelude::*;

const START: Duration = Duration::from_secs(1000);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn begin(trigger: Trigger, settings: &Settings, readiness: Readiness) -> Plan {
    Plan::begin(trigger, settings, readiness, START)
}

/// How long each timed phase lasts, in rounded milliseconds, if every one uses its time to the full.
fn shares(plan: &Plan, first: Phase) -> Vec<u128> {
    let mut entered = START;
    [
        Phase::Draining,
        Phase::Cancelling,
        Phase::Closing,
        Phase::Terminating,
    ]
    .into_iter()
    .filter(|phase| *phase >= first)
    .map(|phase| {
        let end = plan.phase_end(phase, entered);
        let share = end - entered;
        entered = end;
        (share + Duration::from_micros(500)).as_millis()
    })
    .collect()
}

#[test]
fn totals_and_shares() {
    let host = Settings::default();
    let with = |profile| Settings { profile, ..host };
    let eof = |eof_deadline, eof_deadline_source| Settings {
        eof_deadline,
        eof_deadline_source,
        ..host
    };
    let (ready, not) = (Readiness::Initialised, Readiness::Uninitialised);
    let rows: [(Trigger, Settings, Readiness, u64, [u128; 4]); 12] = [
        (Trigger::Eof, host, ready, 3000, [1700, 300, 400, 400]),
        (
            Trigger::BrokenPipe,
            host,
            ready,
            3000,
            [1700, 300, 400, 400],
        ),
        (
            Trigger::HostDied,
            with(Profile::Systemd),
            ready,
            3000,
            [1700, 300, 400, 400],
        ),
        (
            Trigger::Sigterm,
            host,
            ready,
            11_500,
            [10_000, 500, 400, 400],
        ),
        (
            Trigger::Sigint,
            with(Profile::Shell),
            ready,
            10_000,
            [8700, 300, 400, 400],
        ),
        (
            Trigger::Sighup,
            with(Profile::Systemd),
            ready,
            25_000,
            [23_700, 300, 400, 400],
        ),
        (
            Trigger::Sigterm,
            with(Profile::Kubernetes),
            ready,
            25_000,
            [23_700, 300, 400, 400],
        ),
        (Trigger::Eof, host, not, 1000, [400, 50, 220, 220]),
        (Trigger::Sigterm, host, not, 1000, [400, 50, 220, 220]),
        (
            Trigger::Eof,
            eof(ms(8000), Source::Explicit),
            not,
            8000,
            [6700, 50, 650, 400],
        ),
        (
            Trigger::Eof,
            eof(ms(500), Source::Default),
            not,
            500,
            [200, 50, 100, 100],
        ),
        (
            Trigger::Eof,
            eof(ms(0), Source::Explicit),
            ready,
            0,
            [0, 0, 0, 0],
        ),
    ];
    for (trigger, settings, readiness, total, expected) in rows {
        let plan = begin(trigger, &settings, readiness);
        let found = shares(&plan, Phase::Draining);
        assert_eq!(
            plan.deadline() - START,
            ms(total),
            "{trigger:?} {settings:?} {readiness:?}"
        );
        assert_eq!(found, expected, "{trigger:?} {settings:?} {readiness:?}");
    }
}

#[test]
fn an_idle_server_that_ignores_everything_is_killed_after_1_4_s() {
    for trigger in [Trigger::Eof, Trigger::Sigterm] {
        let plan = begin(trigger, &Settings::default(), Readiness::Initialised);
        assert_eq!(shares(&plan, Phase::Closing), [700, 700]);
    }
}

#[test]
fn what_a_server_leaves_behind_gets_the_whole_term_phase() {
    let plan = begin(
        Trigger::ServerExited,
        &Settings::default(),
        Readiness::Initialised,
    );
    assert_eq!(plan.deadline() - START, ms(900));
    assert_eq!(shares(&plan, Phase::Terminating), [700]);
}

#[test]
fn killing_has_two_seconds_even_past_the_deadline() {
    let plan = begin(
        Trigger::Sigquit,
        &Settings::default(),
        Readiness::Initialised,
    );
    assert_eq!(plan.deadline() - START, ms(200));
    let late = START + ms(5000);
    assert_eq!(plan.phase_end(Phase::Killing, late), late + KILL_LIMIT);
}

/// What began the shutdown; what came when; then the deadline and the end of the drain.
type Capped = (Trigger, &'static [(Urgency, u64)], u64, u64);

#[test]
fn further_reasons_cap_the_rest() {
    let settings = Settings::default();
    let rows: [Capped; 9] = [
        (
            Trigger::Eof,
            &[(Urgency::Trigger(Trigger::Sigterm), 500)],
            1500,
            900,
        ),
        (
            Trigger::Eof,
            &[(Urgency::Trigger(Trigger::Sigterm), 2000)],
            3000,
            1700,
        ),
        (
            Trigger::Eof,
            &[(Urgency::Trigger(Trigger::Sigterm), 2500)],
            3000,
            1700,
        ),
        (
            Trigger::Eof,
            &[(Urgency::Trigger(Trigger::HostDied), 100)],
            3000,
            1700,
        ),
        (
            Trigger::Sigterm,
            &[(Urgency::Trigger(Trigger::Eof), 1000)],
            4000,
            2700,
        ),
        (
            Trigger::Sigterm,
            &[(Urgency::Trigger(Trigger::Eof), 10_000)],
            11_500,
            10_000,
        ),
        (
            Trigger::Sigterm,
            &[(Urgency::Trigger(Trigger::Sigterm), 10)],
            11_500,
            10_000,
        ),
        (Trigger::Sigterm, &[(Urgency::Hurry, 400)], 650, 500),
        (
            Trigger::Sigterm,
            &[(Urgency::Hurry, 400), (Urgency::Force, 401)],
            601,
            481,
        ),
    ];
    for (trigger, caps, deadline, drain_end) in rows {
        let mut plan = begin(trigger, &settings, Readiness::Initialised);
        for &(urgency, at) in caps {
            plan.tighten(urgency, START + ms(at));
        }
        assert_eq!(
            plan.deadline() - START,
            ms(deadline),
            "{trigger:?} {caps:?}"
        );
        let end = (plan.phase_end(Phase::Draining, START) - START).as_millis();
        assert_eq!(end, u128::from(drain_end), "{trigger:?} {caps:?}");
    }
}

#[test]
fn the_drain_budget_runs_down() {
    let plan = begin(Trigger::Eof, &Settings::default(), Readiness::Initialised);
    assert_eq!(plan.drain_budget(START), ms(1700));
    assert_eq!(plan.drain_budget(START + ms(700)), ms(1000));
    assert_eq!(plan.drain_budget(START + ms(1701)), Duration::ZERO);
}

#[test]
fn the_longest_settings_do_not_overflow() {
    let settings = Settings {
        drain: Duration::MAX,
        eof_deadline: Duration::MAX,
        ..Settings::default()
    };
    for trigger in Trigger::ALL {
        let mut plan = Plan::begin(trigger, &settings, Readiness::Initialised, Duration::MAX);
        plan.tighten(Urgency::Hurry, Duration::MAX);
        for phase in Phase::ALL {
            assert_eq!(plan.phase_end(phase, Duration::MAX), Duration::MAX);
            assert!(plan.phase_end(phase, START) >= START);
        }
    }
}

fn settings() -> impl Strategy<Value = Settings> {
    let profile = prop::sample::select(vec![
        Profile::Host,
        Profile::Shell,
        Profile::Systemd,
        Profile::Kubernetes,
    ]);
    let source = prop::sample::select(vec![Source::Default, Source::Explicit]);
    (0u64..40_000, 0u64..10_000, source, profile).prop_map(|(drain, eof, source, profile)| {
        Settings {
            drain: ms(drain),
            eof_deadline: ms(eof),
            eof_deadline_source: source,
            profile,
        }
    })
}

fn readiness() -> impl Strategy<Value = Readiness> {
    prop::sample::select(vec![Readiness::Initialised, Readiness::Uninitialised])
}

fn urgency() -> impl Strategy<Value = Urgency> {
    prop_oneof![
        prop::sample::select(&Trigger::ALL[..]).prop_map(Urgency::Trigger),
        Just(Urgency::Hurry),
        Just(Urgency::Force),
    ]
}

const TIMED: [Phase; 4] = [
    Phase::Draining,
    Phase::Cancelling,
    Phase::Closing,
    Phase::Terminating,
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, ..ProptestConfig::default() })]

    #[test]
    fn however_long_each_phase_takes_the_next_ones_fit_before_the_deadline(
        settings in settings(),
        readiness in readiness(),
        trigger in prop::sample::select(&Trigger::ALL[..]),
        used in prop::array::uniform4(0.0f64..=1.0),
        caps in prop::collection::vec((0usize..4, urgency()), 0..6),
    ) {
        let mut plan = begin(trigger, &settings, readiness);
        let mut now = START;
        for (index, phase) in TIMED.into_iter().enumerate() {
            let entered = now;
            let end = plan.phase_end(phase, entered);
            prop_assert!(end >= entered && end <= plan.deadline().max(entered));
            now = entered + (end - entered).mul_f64(used[index]);
            for (_, urgency) in caps.iter().filter(|(at, _)| *at == index) {
                plan.tighten(*urgency, now);
            }
            let end = plan.phase_end(phase, entered);
            prop_assert!(end <= plan.deadline().max(entered));
        }
        let first = begin(trigger, &settings, readiness).deadline();
        prop_assert!(plan.deadline() <= first);
        prop_assert!(now <= first, "{now:?} {first:?}");
        prop_assert!(plan.phase_end(Phase::Killing, now) <= first + KILL_LIMIT);
    }

    #[test]
    fn unused_time_rolls_forward_and_ends_are_in_order(
        settings in settings(),
        readiness in readiness(),
        trigger in prop::sample::select(&Trigger::ALL[..]),
        early in 0u64..20_000,
        later in 0u64..5_000,
    ) {
        let plan = begin(trigger, &settings, readiness);
        let (early, late) = (START + ms(early), START + ms(early + later));
        for phase in TIMED {
            prop_assert!(plan.phase_end(phase, early) <= plan.phase_end(phase, late));
            prop_assert!(plan.phase_end(phase, late) - late <= plan.phase_end(phase, early) - early);
        }
        let mut entered = START;
        let mut left = plan.deadline() - START;
        for phase in TIMED {
            let end = plan.phase_end(phase, entered);
            left -= end - entered;
            entered = end;
        }
        prop_assert_eq!(entered + left, plan.deadline());
        if plan.deadline() > START {
            prop_assert!(left > Duration::ZERO, "nothing is left to kill with");
        }
    }

    #[test]
    fn tightening_never_extends_anything(
        settings in settings(),
        readiness in readiness(),
        trigger in prop::sample::select(&Trigger::ALL[..]),
        urgencies in prop::collection::vec((0u64..3_000, urgency()), 1..12),
        entered in 0u64..20_000,
    ) {
        let mut plan = begin(trigger, &settings, readiness);
        let entered = START + ms(entered);
        let mut at = START;
        for (wait, urgency) in urgencies {
            at += ms(wait);
            let before = plan.clone();
            plan.tighten(urgency, at);
            prop_assert!(plan.deadline() <= before.deadline());
            prop_assert!(plan.drain_budget(at) <= before.drain_budget(at));
            for phase in Phase::ALL {
                prop_assert!(plan.phase_end(phase, entered) <= before.phase_end(phase, entered));
            }
        }
    }

    #[test]
    fn a_server_that_never_answered_is_gone_in_a_second(
        drain in 0u64..40_000,
        eof in 0u64..10_000,
        trigger in prop::sample::select(&Trigger::ALL[..]),
    ) {
        let settings = Settings { drain: ms(drain), eof_deadline: ms(eof), ..Settings::default() };
        let plan = begin(trigger, &settings, Readiness::Uninitialised);
        prop_assert!(plan.deadline() <= START + ms(1000));
    }
}
