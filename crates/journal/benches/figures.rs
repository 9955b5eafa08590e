//! What the journal costs: `cargo bench -p dropgate-journal`, in `DROPGATE_BENCH_DIR` or the system's folder for temporary files.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench prints, and ends at what it can't measure"
)]

use std::fs::{DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use dropgate_journal::{
    Class, Decision, Intent, Journal, Keep, Known, Outcome, Redeemed, Retry, Settings, Tier, What,
    verify,
};

const AT_ONCE: usize = 64;
const CALLS: usize = 256_000;
const SYNC_ROUNDS: usize = 5;
const VERIFY_ROUNDS: usize = 5;

fn main() {
    let dir = std::env::var_os("DROPGATE_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = dir.join(format!("dropgate-figures-{}", std::process::id()));
    // In turns, so that what else the disk has to do meets both alike.
    let mut times = Vec::new();
    for _ in 0..SYNC_ROUNDS {
        let alone = one_by_one(&dir);
        let (rate, _) = calls(&dir.join("sync"), Tier::Sync, 200 * AT_ONCE);
        println!(
            "one fdatasync for each record: {alone:.0} records/s; tier sync, {AT_ONCE} in flight: {:.0} acknowledged records/s",
            rate * 2.0,
        );
        times.push(rate * 2.0 / alone);
    }
    println!("tier sync, times as many by round: {times:.1?}");
    let (rate, cpu) = calls(&dir.join("write"), Tier::Write, CALLS);
    println!(
        "tier write, {AT_ONCE} in flight: {:.0} acknowledged records/s, {:.2} us of processor time a record, both threads",
        rate * 2.0,
        cpu * 1e6 / 2.0
    );
    let mut rates = Vec::new();
    let mut records = 0;
    for _ in 0..VERIFY_ROUNDS {
        let before = processor_time();
        let verified = verify(&dir.join("write"), &Known::default()).expect("readable");
        let took = processor_time() - before;
        assert_eq!(verified.code(), 0, "{verified:?}");
        records = verified.records();
        rates.push(records as f64 / took);
    }
    println!("verify, records/s of processor time by round: {rates:.0?}");
    let begin = Instant::now();
    let (journal, _wakes) = open(&dir.join("write"));
    println!(
        "open beside {records} records: {:.0} ms",
        begin.elapsed().as_secs_f64() * 1e3
    );
    drop(journal);
    std::fs::remove_dir_all(&dir).expect("removable");
}

fn one_by_one(dir: &Path) -> f64 {
    const RECORDS: u64 = 100;
    // Journals are kept beside it, and in no folder that others can write to.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .expect("a folder");
    let file = File::create(dir.join("alone")).expect("a file");
    let line = [b'x'; 440];
    let begin = Instant::now();
    for at in 0..RECORDS {
        file.write_all_at(&line, at * 440).expect("writable");
        file.sync_data().expect("syncable");
    }
    RECORDS as f64 / begin.elapsed().as_secs_f64()
}

fn open(dir: &Path) -> (Journal, Receiver<()>) {
    let (wake, wakes) = sync_channel(1);
    let journal = Journal::open(
        Settings::new(dir),
        Box::new(move || {
            let _one_is_enough = wake.try_send(());
        }),
    )
    .expect("opens");
    (journal, wakes)
}

/// Calls per second, and processor time per call.
fn calls(dir: &Path, tier: Tier, count: usize) -> (f64, f64) {
    let (mut journal, wakes) = open(dir);
    let first = intent(journal.new_call().unwrap());
    let (begin, before) = (Instant::now(), processor_time());
    for _ in 0..count / AT_ONCE {
        let calls: Vec<_> = (0..AT_ONCE).map(|_| journal.new_call().unwrap()).collect();
        let mut intents = Vec::new();
        for call in &calls {
            // As the relay's, they share what is the same for all of them.
            let intent = Intent {
                call: *call,
                ..first.clone()
            };
            intents.push(journal.intent(intent, tier).expect("taken"));
        }
        for mut ticket in intents {
            while let Redeemed::Pending(pending) = journal.redeem(ticket) {
                ticket = pending;
                wakes.recv().expect("a wake");
            }
        }
        let mut outcomes = Vec::new();
        for call in &calls {
            outcomes.push(journal.outcome(outcome(*call), tier).expect("taken"));
        }
        for mut ticket in outcomes {
            while let Redeemed::Pending(pending) = journal.redeem(ticket) {
                ticket = pending;
                wakes.recv().expect("a wake");
            }
        }
    }
    let (took, spent) = (begin.elapsed(), processor_time() - before);
    journal.seal(Duration::from_secs(5));
    let count = (count / AT_ONCE * AT_ONCE) as f64;
    (count / took.as_secs_f64(), spent / count)
}

fn processor_time() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn intent(call: dropgate_journal::CallRef) -> Intent {
    Intent {
        call,
        server: "files".into(),
        tool: "append_line".into(),
        class: Class::Read,
        principal: "local".into(),
        decision: Decision::default(),
        key: None,
        round: None,
        args: br#"{"path":"/tmp/a","text":"hello","times":3}"#.to_vec().into(),
        trace_id: None,
        again: dropgate_journal::Again::Never,
    }
}

fn outcome(call: dropgate_journal::CallRef) -> Outcome {
    Outcome {
        call,
        what: What::Completed,
        retry: Retry::Never,
        bytes: 120,
        ms: 4,
        redactions: 0,
        keep: Keep::Nothing,
        about: None,
        repeats: None,
    }
}
