//! A disk that does not answer: calls are refused when its time is up, and each later one at once.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use dropgate_testing_world::endings::ANSWERED_WITHIN;
use dropgate_testing_world::{Checked, Says as _, fail};
use serde_json::json;

use crate::steps::{begin, concluded, refused, same};
use crate::{Reach, Rule, Stage};

pub(crate) const RULES: &[Rule] = &[(
    "a_stalled_disk_refuses_each_call_in_time",
    Reach::Root,
    stalled,
)];

/// Stands between dropgate and the kernel: while a file is there, no sync comes back.
const BETWEEN: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
int fdatasync(int fd) {
    int (*real)(int) = (int (*)(int)) dlsym(RTLD_NEXT, "fdatasync");
    const char *path = getenv("STALLED_WHILE");
    while (path && access(path, F_OK) == 0) {
        struct timespec t = { 0, 5000000 };
        nanosleep(&t, 0);
    }
    return real(fd);
}
"#;

/// The journal's bound for a disk.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);
/// Less than that again, which a refusal would wait for its own record.
const AT_ONCE: Duration = Duration::from_secs(1);

fn stalled(stage: &Stage<'_>) -> Checked {
    let dir = stage.place.folder(stage.column.user)?;
    let (source, library) = (dir.join("between.c"), dir.join("between.so"));
    let stalled = dir.join("stalled");
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
    let mut setup = stage.server(&["plain"]);
    for (name, path) in [("LD_PRELOAD", &library), ("STALLED_WHILE", &stalled)] {
        let path = path.to_str().says("a plain path")?.to_owned();
        setup.environment.push((name.to_owned(), path));
    }
    let mut run = begin(stage, &setup)?;
    fs::write(&stalled, "").says("a file")?;
    let mut waits = ANSWERS_WITHIN + AT_ONCE;
    for id in 2..8 {
        let asked = Instant::now();
        run.talk.call(id, "echo", &json!({"text": "x"}))?;
        let answer = run.talk.answer(&json!(id), ANSWERED_WITHIN)?;
        refused(&answer, "not_executed", "safe")?;
        if asked.elapsed() > waits {
            return fail(format!("call {id} was refused after {:?}", asked.elapsed()));
        }
        waits = AT_ONCE;
    }
    fs::remove_file(&stalled).says("a file that goes")?;
    run.talk.close();
    let report = concluded(&mut run, 0)?;
    same("sealed", &report["journal"]["sealed"], &json!(true))
}
