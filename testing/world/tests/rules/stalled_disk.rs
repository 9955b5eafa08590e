//! A disk that does not answer, or answers with errors: calls are refused in time, each later one at
//! once, and none runs without a record.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use dropgate_testing_world::endings::ANSWERED_WITHIN;
use dropgate_testing_world::{Books, Checked, Run, Says as _, Setup, fail};
use serde_json::{Value, json};

use crate::steps::{SOON, begin, concluded, refused, same, text_of};
use crate::{Reach, Rule, Stage};

pub(crate) const RULES: &[Rule] = &[
    (
        "a_stalled_disk_refuses_each_call_in_time",
        Reach::Root,
        stalled,
    ),
    (
        "with_errors_of_the_disk_no_call_runs_unrecorded",
        Reach::Root,
        |stage| erring(stage, "eio"),
    ),
    (
        "with_no_room_on_the_disk_no_call_runs_unrecorded",
        Reach::Root,
        |stage| erring(stage, "full"),
    ),
];

/// Stands between dropgate and the kernel: while a file is there, no sync comes back, or every write
/// at a place of a file fails, by what the file says.
const BETWEEN: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <sys/types.h>
static char manner(void) {
    const char *path = getenv("BROKEN_WHILE");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    char first = 0;
    if (fd >= 0 && read(fd, &first, 1) != 1) first = 0;
    if (fd >= 0) close(fd);
    return first;
}
int fdatasync(int fd) {
    int (*real)(int) = (int (*)(int)) dlsym(RTLD_NEXT, "fdatasync");
    while (manner() == 's') {
        struct timespec t = { 0, 5000000 };
        nanosleep(&t, 0);
    }
    return real(fd);
}
ssize_t pwrite64(int fd, const void *from, size_t n, off_t at) {
    ssize_t (*real)(int, const void *, size_t, off_t) =
        (ssize_t (*)(int, const void *, size_t, off_t)) dlsym(RTLD_NEXT, "pwrite64");
    char how = manner();
    if (how == 'e' || how == 'f') { errno = how == 'e' ? EIO : ENOSPC; return -1; }
    return real(fd, from, n, at);
}
"#;

/// The journal's bound for a disk.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);
/// Less than that again, which a refusal would wait for its own record.
const AT_ONCE: Duration = Duration::from_secs(1);

/// A disk that can be broken.
struct Breakable {
    library: PathBuf,
    broken: PathBuf,
}

impl Breakable {
    fn build(dir: &Path) -> Checked<Self> {
        let (source, library) = (dir.join("between.c"), dir.join("between.so"));
        fs::write(&source, BETWEEN).says("a source")?;
        // The linker that every build of Rust needs.
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(&library);
        let compiled = compiler.arg(&source).arg("-ldl").status();
        if !compiled
            .says("cc, with which the fault is built")?
            .success()
        {
            return fail("cc could not build the fault".to_owned());
        }
        let broken = dir.join("broken");
        Ok(Self { library, broken })
    }

    /// The setup of a run on this disk.
    fn under(&self, mut setup: Setup) -> Checked<Setup> {
        for (name, path) in [
            ("LD_PRELOAD", &self.library),
            ("BROKEN_WHILE", &self.broken),
        ] {
            let path = path.to_str().says("a plain path")?.to_owned();
            setup.environment.push((name.to_owned(), path));
        }
        Ok(setup)
    }

    fn break_by(&self, manner: &str) -> Checked {
        // It appears with what it says.
        let ready = self.broken.with_extension("ready");
        fs::write(&ready, manner).says("a file")?;
        fs::rename(&ready, &self.broken).says("a file")
    }

    fn mend(&self) -> Checked {
        fs::remove_file(&self.broken).says("a file that goes")
    }
}

/// Calls that are refused: the first in the disk's time, the others at once.
fn refused_in_time(run: &mut Run, tool: &str, ids: std::ops::Range<u64>) -> Checked {
    let mut waits = ANSWERS_WITHIN + AT_ONCE;
    for id in ids {
        let asked = Instant::now();
        run.talk.call(id, tool, &json!({"text": "x", "n": id}))?;
        let answer = run.talk.answer(&json!(id), ANSWERED_WITHIN)?;
        refused(&answer, "not_executed", "safe")?;
        if asked.elapsed() > waits {
            return fail(format!("call {id} was refused after {:?}", asked.elapsed()));
        }
        waits = AT_ONCE;
    }
    Ok(())
}

fn stalled(stage: &Stage<'_>) -> Checked {
    let disk = Breakable::build(&stage.place.folder(stage.column.user)?)?;
    let mut run = begin(stage, &disk.under(stage.server(&["plain"]))?)?;
    disk.break_by("stall")?;
    refused_in_time(&mut run, "echo", 2..8)?;
    disk.mend()?;
    run.talk.close();
    let report = concluded(&mut run, 0)?;
    same("sealed", &report["journal"]["sealed"], &json!(true))
}

/// Calls that are in flight when the disk breaks.
const AT_ONCE_IN_FLIGHT: u64 = 40;

fn erring(stage: &Stage<'_>, manner: &str) -> Checked {
    let books = Books::open(stage.place, stage.column, "")?;
    let disk = Breakable::build(&stage.place.folder(stage.column.user)?)?;
    let mut run = begin(stage, &disk.under(books.setup()?)?)?;
    let mut fates = Fates::default();
    for id in 100..100 + AT_ONCE_IN_FLIGHT {
        run.talk.call(id, "count", &json!({"n": id}))?;
    }
    fates.hear(&mut run, 100)?;
    disk.break_by(manner)?;
    for id in 101..100 + AT_ONCE_IN_FLIGHT {
        fates.hear(&mut run, id)?;
    }
    refused_in_time(&mut run, "count", 200..206)?;
    fates.refused.extend(200..206);
    disk.mend()?;
    let until = Instant::now() + SOON;
    let mut id = 300;
    while !fates.ran.contains(&id) {
        if Instant::now() > until {
            return fail("calls are refused on a disk that was mended".to_owned());
        }
        id += 1;
        run.talk.call(id, "count", &json!({"n": id}))?;
        fates.hear(&mut run, id)?;
    }
    run.talk.close();
    let ended = run.ended(SOON)?;
    run.talk.hear_out(SOON)?;
    let report = run.report(SOON)?;
    same("sealed", &report["journal"]["sealed"], &json!(true))
        .map_err(|problem| format!("{problem}; ended {ended:?}"))?;
    books.verify()?;
    fates.judge(&books)
}

/// What the callers of these calls were told.
#[derive(Default)]
struct Fates {
    ran: BTreeSet<u64>,
    refused: BTreeSet<u64>,
    unknown: BTreeSet<u64>,
}

impl Fates {
    fn hear(&mut self, run: &mut Run, id: u64) -> Checked {
        let answer = match run.talk.answers(&json!(id)).pop() {
            Some(answer) => answer,
            None => run.talk.answer(&json!(id), ANSWERED_WITHIN)?,
        };
        let outcome = &answer["result"]["_meta"]["dev.dropgate/outcome"]["outcome"];
        match outcome.as_str() {
            None => {
                same("text", &text_of(&answer)?, &"counted".to_owned())?;
                self.ran.insert(id);
            }
            Some("not_executed") => drop(self.refused.insert(id)),
            Some("unknown") => drop(self.unknown.insert(id)),
            Some(_) => return fail(format!("call {id} was answered with {answer}")),
        }
        Ok(())
    }

    /// What ran is on record, with what its caller was told; what was refused did not run.
    fn judge(&self, books: &Books<'_>) -> Checked {
        let counted = books.counted()?;
        let counted: Vec<u64> = counted.iter().filter_map(|it| it["n"].as_u64()).collect();
        let once: BTreeSet<u64> = counted.iter().copied().collect();
        same("calls that ran twice", &(counted.len() - once.len()), &0)?;
        let refused: Vec<&u64> = once.intersection(&self.refused).collect();
        same("calls that were refused and ran", &refused, &vec![])?;
        let lost: Vec<&u64> = self.ran.difference(&once).collect();
        same("answers of calls that did not run", &lost, &vec![])?;
        let records = books.records()?;
        let calls_of = |kind: &str| -> BTreeSet<&str> {
            let of_kind = records.iter().filter(|record| record["kind"] == kind);
            of_kind.filter_map(|it| it["call"].as_str()).collect()
        };
        let outcomes = |outcome: &str| {
            let these = |record: &&Value| record["outcome"] == outcome;
            records.iter().filter(these).count()
        };
        let (intents, ended) = (calls_of("intent"), calls_of("outcome"));
        if intents.len() < once.len() || !intents.is_subset(&ended) {
            return fail(format!(
                "{} calls ran, {} intents and {} outcomes are on record",
                once.len(),
                intents.len(),
                ended.len()
            ));
        }
        let told = self.ran.len() + self.unknown.len();
        let recorded = outcomes("completed") + outcomes("unknown");
        if recorded < told || outcomes("completed") < self.ran.len() {
            return fail(format!(
                "{told} callers were told of a result or of none, {recorded} are on record"
            ));
        }
        Ok(())
    }
}
