//! The load generator against real processes: it measures what works and refuses what does not.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use dropgate_testing_bench::plan::{Door, Payload, Placement, Plan, Route, Seen};

const ECHO: &str = env!("CARGO_BIN_EXE_dropgate-bench-echo");
const SPLICE: &str = env!("CARGO_BIN_EXE_dropgate-bench-splice");

fn route(name: &str, command: &[&str]) -> Route {
    Route {
        name: name.to_owned(),
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        environment: BTreeMap::new(),
        server: PathBuf::from(ECHO),
        log: PathBuf::from("/dev/null"),
        door: Door::Stdio,
    }
}

fn calls(routes: Vec<Route>, in_flight: usize, payload: Payload) -> Plan {
    Plan::Calls {
        placement: Placement::OneProcessor,
        routes,
        in_flight,
        payload,
        rounds: 2,
        turn_ms: 5,
    }
}

fn carry_out(plan: &Plan) -> Result<Seen, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_dropgate-bench-load"))
        .arg(serde_json::to_string(plan).unwrap())
        .output()
        .unwrap();
    if output.status.success() {
        Ok(serde_json::from_slice(&output.stdout).unwrap())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

#[test]
fn every_load_is_answered_directly_and_through_the_splice_relay() {
    let rows = [
        (1, Payload::Both(64)),
        (64, Payload::Both(64)),
        (64, Payload::Both(64 << 10)),
        (2, Payload::Answer(5 << 20)),
        (1, Payload::Both(0)),
    ];
    for (in_flight, payload) in rows {
        let routes = vec![
            route("direct", &[ECHO]),
            route("splice", &[SPLICE, ECHO]),
            route("small pipes", &[SPLICE, "--pipes", "4096", ECHO]),
        ];
        let seen = carry_out(&calls(routes, in_flight, payload)).unwrap();
        let Seen::Calls(turns) = seen else {
            panic!("{seen:?}");
        };
        assert_eq!(turns.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 2]);
        for turn in turns.iter().flatten() {
            assert!(turn.calls >= in_flight && turn.p50_us > 0.0, "{turn:?}");
            assert!(turn.p99_us >= turn.p50_us, "{turn:?}");
        }
        let relay_cpu = |route: usize| {
            turns[route]
                .iter()
                .map(|turn| turn.relay_cpu_us)
                .sum::<f64>()
        };
        assert_eq!(relay_cpu(0), 0.0, "no relay stands between");
        assert!(relay_cpu(1) > 0.0);
    }
}

#[test]
fn a_server_that_fails_is_no_measurement() {
    let rows = [
        (vec!["sh", "-c", "exit 0"], "it ended early"),
        (vec!["cat"], "answer no call"),
        (vec!["/nonexistent/program"], "/nonexistent/program"),
    ];
    for (command, expected) in rows {
        let plan = calls(vec![route("broken", &command)], 1, Payload::Both(64));
        let refusal = carry_out(&plan).unwrap_err();
        assert!(
            refusal.contains("broken") && refusal.contains(expected),
            "{refusal}"
        );
    }
}

#[test]
fn a_command_that_ends_with_an_error_is_no_life() {
    let script = format!("{ECHO}; exit 3");
    let plan = Plan::Lives {
        routes: vec![route("sour", &["sh", "-c", &script])],
        rounds: 1,
    };
    let refusal = carry_out(&plan).unwrap_err();
    assert!(refusal.contains("exit status: 3"), "{refusal}");
}

#[test]
fn lives_memory_queues_and_cycles_are_told() {
    let splice = || route("splice", &[SPLICE, ECHO]);
    let plan = Plan::Lives {
        routes: vec![splice()],
        rounds: 3,
    };
    let Ok(Seen::Lives(lives)) = carry_out(&plan) else {
        panic!("no lives");
    };
    assert!(lives[0].len() == 3 && lives[0].iter().all(|life| life.start_ms > 0.0));

    let plan = Plan::Memory {
        route: splice(),
        batches: vec![(Payload::Both(64), 100)],
    };
    let Ok(Seen::Memory(memory)) = carry_out(&plan) else {
        panic!("no memory");
    };
    assert_eq!(
        memory.len(),
        1,
        "the relay alone, not the server: {memory:?}"
    );
    assert!(memory[0].rss_kib >= memory[0].pss_kib && memory[0].pss_kib > 0);

    // The server is stopped meanwhile, so nobody answers.
    let plan = Plan::Queue {
        route: splice(),
        count: 10_000,
    };
    let Ok(Seen::Queue(queue)) = carry_out(&plan) else {
        panic!("no queue");
    };
    assert_eq!(queue.answered, 0);
    assert!(queue.peak_after_kib >= queue.peak_before_kib && queue.peak_before_kib > 0);

    let ledger = std::env::temp_dir().join(format!("dropgate-bench-test-{}", std::process::id()));
    std::fs::create_dir_all(&ledger).unwrap();
    // A relay that forgets a file each time.
    let script = format!("mktemp -p {} >&2; exec {SPLICE} {ECHO}", ledger.display());
    let plan = Plan::Cycles {
        route: route("forgetful", &["sh", "-c", &script]),
        count: 4,
        relay: PathBuf::from(SPLICE),
        ledger: ledger.clone(),
    };
    let seen = carry_out(&plan);
    std::fs::remove_dir_all(&ledger).unwrap();
    let Ok(Seen::Cycles(cycles)) = seen else {
        panic!("{seen:?}");
    };
    assert_eq!(cycles.count, 4);
    assert_eq!(cycles.after.ledger_files, cycles.before.ledger_files + 4);
    assert_eq!(cycles.after.descriptors, cycles.before.descriptors);
}
