//! SIGKILL at any moment: what a receipt was given for is there afterwards.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};

use dropgate_journal::{CallRef, Known, Settings, Tier, What, finish_abandoned, verify};

use crate::stage::{Desk, Dice, Place, intent, outcome, soak};

const SHARE: usize = 40;
const FULL: usize = 500;
/// Calls that are in flight at the same time.
const AT_ONCE: usize = 64;
const FOLDER: &str = "DROPGATE_TEST_JOURNAL";

/// The process that is killed: this test program again, with the folder in its environment.
#[test]
fn writes_until_it_is_killed() {
    let Ok(dir) = std::env::var(FOLDER) else {
        return;
    };
    let mut settings = Settings::new(dir);
    settings.segment_bytes = 200_000;
    let mut desk = Desk::open(settings);
    let mut stdout = std::io::stdout();
    loop {
        let calls: Vec<CallRef> = (0..AT_ONCE)
            .map(|_| desk.journal.new_call().expect("a reference"))
            .collect();
        // Half of the calls only read.
        let tier = |at: usize| {
            if at.is_multiple_of(2) {
                Tier::Sync
            } else {
                Tier::Write
            }
        };
        let mut said = String::new();
        let intents: Vec<_> = calls
            .iter()
            .enumerate()
            .map(|(at, call)| desk.journal.intent(intent(*call), tier(at)).expect("taken"))
            .collect();
        for ticket in intents {
            let call = desk.receipt(ticket).call().expect("a call");
            said.push_str(&format!("\nsent {call}\n"));
        }
        stdout.write_all(said.as_bytes()).expect("a reader");
        said.clear();
        let outcomes: Vec<_> = calls
            .iter()
            .enumerate()
            .map(|(at, call)| {
                desk.journal
                    .outcome(outcome(*call, What::Completed), tier(at))
                    .expect("taken")
            })
            .collect();
        for ticket in outcomes {
            let call = desk.receipt(ticket).call().expect("a call");
            said.push_str(&format!("\nanswered {call}\n"));
        }
        stdout.write_all(said.as_bytes()).expect("a reader");
    }
}

/// Kills the child when the test ends early.
struct Writer(Child);

impl Drop for Writer {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _reaped_already = self.0.wait();
    }
}

#[test]
fn after_sigkill_every_receipt_has_its_record_and_every_call_an_outcome() {
    let mut dice = Dice::new();
    let mut receipts = 0;
    for _ in 0..soak(SHARE, FULL) {
        receipts += one(&mut dice);
    }
    assert!(receipts > 0, "nothing was ever acknowledged; {dice}");
}

fn one(dice: &mut Dice) -> usize {
    let place = Place::new();
    let program = std::env::current_exe().expect("this program");
    let child = Command::new(program)
        .args(["--exact", "kills::writes_until_it_is_killed", "--nocapture"])
        .env(FOLDER, place.journal())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut writer = Writer(child);
    let pipe = writer.0.stdout.take().expect("a pipe");
    let mut lines = BufReader::new(pipe).lines();
    // How long it lives is counted in lines, so nothing waits for a clock.
    let mut said = Vec::new();
    let lives = dice.below(1500);
    while said.len() < lives {
        let line = lines.next().expect("it writes for ever").expect("text");
        said.push(line);
    }
    writer.0.kill().expect("killable");
    // What it had said before it died still counts.
    said.extend(lines.map_while(Result::ok));
    let status = writer.0.wait().expect("waitable");
    assert_eq!(status.signal(), Some(9), "it ended by itself; {dice}");

    let settings = Settings::new(place.journal());
    let chains: Vec<String> = std::fs::read_dir(place.journal())
        .into_iter()
        .flatten()
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name.starts_with("chain-"))
        .collect();
    for chain in &chains {
        finish_abandoned(&settings, chain, &[]).expect("can be finished");
    }
    if chains.is_empty() {
        assert!(!said.iter().any(|line| line.starts_with("sent ")));
        return 0;
    }
    let verified = verify(&place.journal(), &Known::default()).expect("readable");
    assert_eq!(verified.code(), 0, "{verified:?}; {dice}");

    let (mut intents, mut outcomes, mut completed) =
        (HashSet::new(), HashSet::new(), HashSet::new());
    for record in place.records() {
        let call = record["call"].as_str().unwrap_or_default().to_owned();
        match record["kind"].as_str() {
            Some("intent") => assert!(intents.insert(call), "an intent twice; {dice}"),
            Some("outcome") => {
                if record["outcome"] == "completed" {
                    completed.insert(call.clone());
                }
                assert!(outcomes.insert(call), "an outcome twice; {dice}");
            }
            Some(_) | None => {}
        }
    }
    assert_eq!(intents, outcomes, "{dice}");
    let mut receipts = 0;
    for line in &said {
        let (told, call) = line.split_once(' ').unwrap_or_default();
        if call.len() != 15 {
            continue;
        }
        match told {
            "sent" => assert!(intents.contains(call), "{call} is lost; {dice}"),
            "answered" => assert!(completed.contains(call), "{call} is lost; {dice}"),
            _other => continue,
        }
        receipts += 1;
    }
    receipts
}
