//! Built-in servers without anything that would look after them.

use std::ffi::OsString;
use std::fs;
use std::num::NonZeroUsize;
use std::time::Duration;

use dropgate_probe::{
    Call, CallState, Caller, Cell, Ending, Findings, Guarding, Options, Progress, SERVER_PLACE,
    Target, probe, table,
};

/// Enough for everything that leaves by itself, short enough for everything that does not.
const BOUND: Duration = Duration::from_millis(2500);

/// Who leaks where, as follows from what each server does.
///
/// `host` closes the pipes too, so it is an `eof` to a server without an owner. A shell that is
/// killed leaves its server with an open stdin. Helper and daemon have no pipe that could end.
const LEAKS: &[(&str, &str)] = &[
    ("plain", ""),
    ("ignore_term", "term"),
    ("ignore_eof", "eof host"),
    ("stubborn", "eof term int hup host"),
    ("shwrap", "term int hup kill"),
    ("shwrap_noeof", "eof spec term int hup kill host"),
    ("helper", "eof spec term int hup kill host"),
    ("daemon", "eof spec term int hup kill host"),
    ("block", ""),
    ("slow", ""),
];

pub(crate) fn the_grid() {
    let mut told = Vec::new();
    let bare = Target {
        command: vec![SERVER_PLACE.into()],
    };
    let scenarios = LEAKS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let findings = probe(
        &bare,
        &Options {
            scenarios,
            ..options()
        },
        |progress| match progress {
            Progress::Planned { cells } => told.push(cells),
            Progress::Finished { done, cells, .. } => told.push(cells - done),
        },
    )
    .unwrap();
    assert_eq!(
        told,
        (0..=70).rev().collect::<Vec<_>>(),
        "progress counts every cell once"
    );
    println!("{}", table(&findings));

    for (scenario, leaks) in LEAKS {
        let cells: Vec<&Cell> = findings
            .cells
            .iter()
            .filter(|cell| cell.scenario == *scenario)
            .collect();
        let leaked: Vec<&str> = cells
            .iter()
            .filter(|cell| cell.leaked)
            .map(|cell| cell.ending.name())
            .collect();
        assert_eq!(leaked.join(" "), *leaks, "{scenario}");
        for cell in cells {
            check(cell);
        }
    }
    assert_eq!((findings.summary.cells, findings.summary.leaked), (70, 33));
    assert!(findings.leaked() && table(&findings).ends_with("33 of 70 cells leaked\n"));
}

fn check(cell: &Cell) {
    let at = format!("{cell:?}");
    assert_eq!(cell.survivors.is_empty(), !cell.leaked, "{at}");
    assert_eq!(cell.zero_after_s.is_some(), !cell.leaked, "{at}");
    assert!(
        cell.zero_after_s.is_none_or(|seconds| seconds < 7.0),
        "{at}"
    );
    let called = matches!(cell.scenario.as_str(), "block" | "slow");
    assert_eq!(
        cell.call,
        if called {
            CallState::InFlight
        } else {
            CallState::Idle
        },
        "{at}"
    );
    if cell.scenario == "plain" {
        let exit_code = match cell.ending {
            Ending::Eof | Ending::Spec => Some(0),
            Ending::Hup => Some(129),
            Ending::Int => Some(130),
            Ending::Kill => Some(137),
            Ending::Term => Some(143),
            Ending::Host | Ending::None => None,
        };
        assert_eq!(cell.exit_code, exit_code, "{at}");
    }
    if called {
        let caller = if cell.ending == Ending::Host {
            Caller::Nothing
        } else {
            Caller::Eof
        };
        assert_eq!(cell.caller, caller, "{at}");
    }
    assert_eq!(
        (cell.impure_stdout_lines, cell.leaked_text.len()),
        (0, 0),
        "{at}"
    );
}

pub(crate) fn the_behaviours() {
    const ROWS: &[(&str, Caller, Option<i32>, u64, usize)] = &[
        ("error_tool", Caller::Error, None, 0, 5),
        ("error_rpc", Caller::Error, None, 0, 5),
        ("flood_stderr", Caller::Result, None, 0, 0),
        ("big", Caller::Result, None, 0, 0),
        ("die", Caller::Eof, Some(3), 0, 0),
        ("chatter", Caller::Result, None, 4, 0),
        ("bad_json", Caller::Result, None, 0, 0),
        ("batch", Caller::Result, None, 0, 0),
        ("bad_frame", Caller::Result, None, 0, 0),
    ];
    let findings = bare(ROWS.iter().map(|row| row.0), &[]);
    let found: Vec<_> = findings
        .cells
        .iter()
        .map(|cell| {
            let Cell {
                scenario,
                caller,
                exit_code,
                impure_stdout_lines,
                leaked_text,
                ..
            } = cell;
            (
                scenario.as_str(),
                *caller,
                *exit_code,
                *impure_stdout_lines,
                leaked_text.len(),
            )
        })
        .collect();
    assert_eq!(found, ROWS);
    assert!(
        findings
            .cells
            .iter()
            .all(|cell| cell.ending == Ending::None && !cell.leaked)
    );
    assert_eq!((findings.summary.cells, findings.leaked()), (0, false));
    assert!(
        findings.cells[0]
            .leaked_text
            .contains(&"10.20.30.40:5432".to_owned())
    );
    assert!(table(&findings).contains("SELECT card_number"));
}

pub(crate) fn a_server_of_ones_own() {
    let target = Target {
        command: server("stubborn"),
    };
    let call = Some(Call::parse("slow", r#"{"ms":60000}"#).unwrap());
    let guarding = Guarding::Guarded(vec!["env".into()]);
    let endings = vec![Ending::Term, Ending::Kill];
    let findings = probe(
        &target,
        &Options {
            call,
            guarding,
            endings,
            ..options()
        },
        |_| {},
    )
    .unwrap();
    let found: Vec<_> = findings
        .cells
        .iter()
        .map(|cell| {
            (
                cell.scenario.as_str(),
                cell.ending,
                cell.leaked,
                cell.caller,
            )
        })
        .collect();
    let expected = [
        ("idle", Ending::Term, true, Caller::Nothing),
        ("idle", Ending::Kill, false, Caller::Eof),
        ("busy", Ending::Term, true, Caller::Nothing),
        ("busy", Ending::Kill, false, Caller::Eof),
    ];
    assert_eq!(found, expected);
    assert!(findings.guarded && findings.server.ends_with("__server stubborn"));

    // Answered at once, so nothing is in flight when the ending strikes.
    let call = Some(Call::parse("echo", r#"{"text":"x"}"#).unwrap());
    let (scenarios, endings) = (vec!["busy".to_owned()], vec![Ending::Kill]);
    let findings = probe(
        &target,
        &Options {
            call,
            scenarios,
            endings,
            ..options()
        },
        |_| {},
    )
    .unwrap();
    assert_eq!(
        (findings.cells[0].call, findings.cells[0].caller),
        (CallState::Answered, Caller::Result)
    );
    assert!(table(&findings).contains("result*"));
}

pub(crate) fn the_json() {
    let mut findings = bare(["daemon", "plain"].into_iter(), &[Ending::Kill]);
    findings.server = "SERVER".to_owned();
    for cell in &mut findings.cells {
        cell.zero_after_s = cell.zero_after_s.map(|_| 0.25);
        for survivor in &mut cell.survivors {
            survivor.pid = 4711;
        }
    }
    let text = serde_json::to_string_pretty(&findings).unwrap();
    assert_eq!(text, include_str!("findings.json").trim_end());
}

pub(crate) fn nothing_is_left() {
    let findings = bare(["daemon", "shwrap_noeof"].into_iter(), &[Ending::Kill]);
    let survivors: Vec<i32> = findings
        .cells
        .iter()
        .flat_map(|cell| &cell.survivors)
        .map(|one| one.pid)
        .collect();
    assert!(survivors.len() >= 2, "{findings:?}");
    for pid in survivors {
        assert_eq!(dropgate_process::Process::of(pid), None, "{pid} lives on");
    }
    let own = format!("dropgate-probe-{}-", std::process::id());
    let left: Vec<OsString> = fs::read_dir(std::env::temp_dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().starts_with(&own))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

pub(crate) fn options() -> Options {
    Options {
        bound: BOUND,
        start_within: Duration::from_secs(30),
        // Most cells only wait.
        jobs: NonZeroUsize::MIN.saturating_add(7),
        ..Options::default()
    }
}

fn bare(scenarios: impl Iterator<Item = &'static str>, endings: &[Ending]) -> Findings {
    let target = Target {
        command: vec![SERVER_PLACE.into()],
    };
    let scenarios = scenarios.map(str::to_owned).collect();
    probe(
        &target,
        &Options {
            scenarios,
            endings: endings.to_vec(),
            ..options()
        },
        |_| {},
    )
    .unwrap()
}

fn server(name: &str) -> Vec<OsString> {
    let exe = std::env::current_exe().unwrap();
    vec![
        exe.into_os_string(),
        dropgate_probe::servers::ENTRY.into(),
        name.into(),
    ]
}
