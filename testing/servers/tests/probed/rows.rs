//! The table: every hostile server that leaves survivors, bare and behind `dropgate run`.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::thread;

use dropgate_testing_servers::{Bare, Ending, HOSTILE};
use serde_json::Value;

use crate::binary::dropgate;
use crate::probing::{ENDINGS, Guarding, Said, probe};

/// Rows that run at once.
const AT_ONCE: usize = 4;

/// What the probe can know about a server.
#[derive(Clone, Copy)]
enum Due {
    /// The numbers of its row.
    Counts,
    /// Nothing: it does not come as far as an idle conversation, and this is what the probe says
    /// about it. Behind `dropgate run` the same holds.
    NotProbed(&'static str),
}

struct Row {
    name: &'static str,
    args: &'static [&'static str],
    due: Due,
}

const fn row(name: &'static str, args: &'static [&'static str]) -> Row {
    Row {
        name,
        args,
        due: Due::Counts,
    }
}

const ROWS: &[Row] = &[
    row("ignterm", &[]),
    row("chain", &[]),
    row("setsid2", &[]),
    row("hop", &["20"]),
    row("hydra", &["40"]),
    // It strikes by its tool only, which nobody calls; what it leaves is its daemon.
    row("regicide", &["--stop-at", "2147483647"]),
    row("orphaner", &[]),
    row("holder", &[]),
    row("fork-on-term", &[]),
    row("forkbomb-lite", &["30"]),
    Row {
        // It never reads what it is asked.
        due: Due::NotProbed("no answer to initialize within 10 s"),
        ..row("never-init", &[])
    },
    row("epipe-spinner", &[]),
    row("stopped", &[]),
];

#[test]
fn every_leak_is_found() {
    all(Guarding::Bare);
}

#[test]
fn nothing_leaks_behind_dropgate() {
    all(Guarding::Guarded);
}

/// A server that leaves survivors can't be left out by mistake.
#[test]
fn every_server_with_survivors_has_its_row() {
    let leaky = HOSTILE.iter().filter(|hostile| {
        ENDINGS
            .iter()
            .any(|ending| hostile.bare.survivors(striking(ending)) != Some(0))
    });
    assert_eq!(
        ROWS.iter().map(|row| row.name).collect::<Vec<_>>(),
        leaky.map(|hostile| hostile.name).collect::<Vec<_>>()
    );
}

fn all(guarding: Guarding) {
    // Found, or built, before the first row's time begins.
    let _path = dropgate();
    let rows: Mutex<VecDeque<&Row>> = Mutex::new(ROWS.iter().collect());
    let next = || {
        rows.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    };
    let work = || {
        let mut failures = Vec::new();
        while let Some(row) = next() {
            if let Err(why) = check(row, guarding) {
                failures.push(format!("{}: {why}", row.name));
            }
        }
        failures
    };
    let failures: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn check(row: &Row, guarding: Guarding) -> Result<(), String> {
    let mut server = vec![row.name];
    server.extend(row.args);
    let said = probe(&server, guarding)?;
    match (row.due, guarding) {
        (Due::NotProbed(why), Guarding::Bare | Guarding::Guarded) => not_probed(&said, why),
        (Due::Counts, Guarding::Bare) => cells(&said, |ending| bare(row, ending)),
        (Due::Counts, Guarding::Guarded) => cells(&said, |_| 0),
    }
}

fn not_probed(said: &Said, why: &str) -> Result<(), String> {
    let told = said.stderr.contains("not probed") && said.stderr.contains(why);
    if said.code == Some(2) && told && said.stdout.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{why:?} and exit code 2 were due, not {:?}; stdout {:?}; stderr {:?}",
        said.code, said.stdout, said.stderr
    ))
}

/// Compares every cell with the number of survivors that is due.
fn cells(said: &Said, due: impl Fn(&str) -> usize) -> Result<(), String> {
    let findings = said.findings()?;
    let cells = findings["cells"].as_array().map_or(&[][..], Vec::as_slice);
    let met: Vec<_> = cells.iter().map(|cell| &cell["ending"]).collect();
    if met != ENDINGS {
        return Err(format!("endings {met:?} instead of {ENDINGS:?}"));
    }
    let mut leaky = 0;
    for (cell, ending) in cells.iter().zip(ENDINGS) {
        let due = due(ending);
        leaky += usize::from(due > 0);
        let found = cell["survivors"].as_array().map(Vec::len);
        if found != Some(due) || cell["leaked"] != Value::Bool(due > 0) {
            return Err(format!("{due} survivors at {ending} were due: {cell}"));
        }
    }
    let code = i32::from(leaky > 0);
    if findings["summary"]["leaked"] != leaky || said.code != Some(code) {
        return Err(format!(
            "{leaky} leaks and exit code {code} were due: {}, {:?}",
            findings["summary"], said.code
        ));
    }
    Ok(())
}

/// What the row of the server says.
fn bare(row: &Row, ending: &str) -> usize {
    let hostile = HOSTILE.iter().find(|hostile| hostile.name == row.name);
    let hostile = hostile.expect("every row has the name of a hostile server");
    match hostile.bare {
        Bare::AsAsked => row.args[0].parse().unwrap(),
        Bare::Always(_) | Bare::After { .. } => hostile.bare.survivors(striking(ending)).unwrap(),
    }
}

/// What befalls the server's own process.
fn striking(ending: &str) -> Ending {
    match ending {
        // A host that dies takes its ends of the pipes with it, and sends nothing.
        "eof" | "host" => Ending::Eof,
        "term" => Ending::Term,
        "kill" => Ending::Kill,
        other => panic!("no ending of this table: {other}"),
    }
}
