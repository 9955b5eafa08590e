//! Real disks that are full or broken: a small file system, and a library between this program and the kernel.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dropgate_journal::{Known, Redeemed, Sealed, Settings, State, Tier, What, Why, verify};

use crate::stage::{BOUND, Desk, Place, about, intent, outcome};

const FOLDER: &str = "DROPGATE_TEST_DISK";
/// How soon calls must be refused.
const REFUSED_WITHIN: Duration = Duration::from_secs(2);

/// The process on the disk: this test program again, with the folder in its
/// environment. Writes calls until they are refused, finishes those in flight, seals, and says so.
#[test]
fn writes_until_it_is_refused() {
    let Ok(dir) = std::env::var(FOLDER) else {
        return;
    };
    let mut desk = Desk::open(Settings::new(dir));
    let mut stdout = std::io::stdout();
    let mut in_flight = Vec::new();
    let until = Instant::now() + 2 * BOUND;
    let refused = loop {
        assert!(Instant::now() < until, "nothing was refused");
        let state = desk.journal.state(Instant::now());
        if let State::Failing { why, .. } = state {
            break why;
        }
        let call = desk.journal.new_call().expect("a reference");
        let Ok(mut ticket) = desk.journal.intent(intent(call), Tier::Sync) else {
            continue;
        };
        let asked = Instant::now();
        let sent = loop {
            match desk.journal.redeem(ticket) {
                Redeemed::Safe(_) => break true,
                Redeemed::Held(_) | Redeemed::Refused(_) => panic!("no key was given"),
                Redeemed::Pending(pending) => ticket = pending,
            }
            if desk.journal.state(Instant::now()) != State::Sound {
                assert!(asked.elapsed() <= REFUSED_WITHIN + Duration::from_millis(500));
                break false;
            }
            let left = desk
                .journal
                .due()
                .map_or(BOUND, |due| due.saturating_duration_since(Instant::now()));
            let _woken_or_due = desk.wakes.recv_timeout(left);
        };
        if sent {
            writeln!(stdout, "\nsent {call}").expect("a reader");
            in_flight.push(call);
        }
        if in_flight.len() > 8 {
            let call = in_flight.remove(0);
            let ticket = desk
                .journal
                .outcome(outcome(call, What::Completed), Tier::Write);
            drop(ticket.expect("taken"));
        }
    };
    writeln!(stdout, "\nrefused {}", word(&refused)).expect("a reader");
    if refused == Why::NoSpace {
        refuse_many(&mut desk);
    }
    for call in in_flight {
        let ticket = desk
            .journal
            .outcome(outcome(call, What::Completed), Tier::Write);
        drop(ticket.expect("outcomes are taken all the same"));
    }
    let sealed = match desk.journal.seal(BOUND) {
        Sealed::Yes(head) => head.hash.to_string(),
        Sealed::NotCopied(_) | Sealed::No => "no".to_owned(),
    };
    writeln!(stdout, "\nsealed {sealed}").expect("a reader");
}

/// Calls that are refused, more than there is room for. Each is told in time whether it is recorded.
fn refuse_many(desk: &mut Desk) {
    const MANY: usize = 6000;
    for _ in 0..MANY {
        let call = desk.journal.new_call().expect("a reference");
        let mut refusal = outcome(call, What::NotExecuted);
        refusal.about = Some(Box::new(about()));
        let asked = Instant::now();
        let ticket = desk.journal.outcome(refusal, Tier::Write).expect("taken");
        match desk.settled(ticket) {
            Redeemed::Safe(_) | Redeemed::Refused(Why::NoSpace) => {}
            other @ (Redeemed::Refused(_) | Redeemed::Held(_) | Redeemed::Pending(_)) => {
                panic!("{other:?}")
            }
        }
        assert!(asked.elapsed() <= REFUSED_WITHIN);
    }
}

fn word(why: &Why) -> &'static str {
    match why {
        Why::NoSpace => "full",
        Why::Disk(_) => "broken",
        Why::Stalled => "stalled",
        Why::Copy(_) => "copy",
        Why::Gone => "gone",
    }
}

/// What that process said.
struct Said {
    sent: Vec<String>,
    refused: String,
    sealed: String,
}

fn play(command: &mut Command) -> Said {
    let mut child = Killed(command.stdout(Stdio::piped()).spawn().expect("starts"));
    let lines = BufReader::new(child.0.stdout.take().expect("a pipe")).lines();
    let mut said = Said {
        sent: Vec::new(),
        refused: String::new(),
        sealed: String::new(),
    };
    for line in lines.map_while(Result::ok) {
        match line.split_once(' ') {
            Some(("sent", call)) => said.sent.push(call.to_owned()),
            Some(("refused", why)) => why.clone_into(&mut said.refused),
            Some(("sealed", head)) => head.clone_into(&mut said.sealed),
            Some(_) | None => {}
        }
    }
    assert!(child.0.wait().expect("waitable").success(), "it panicked");
    said
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _reaped_already = self.0.wait();
    }
}

fn writer(dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args([
            "--exact",
            "disks::writes_until_it_is_refused",
            "--nocapture",
        ])
        .env(FOLDER, dir);
    command
}

fn check(place: &Place, dir: &Path, said: &Said) {
    let known = Known {
        heads: vec![said.sealed.parse().expect("a head")],
        ..Known::default()
    };
    let verified = verify(dir, &known).expect("readable");
    assert_eq!(verified.code(), 0, "{verified:?}");
    let lines: String = place
        .segments_of(dir)
        .iter()
        .map(|path| std::fs::read_to_string(path).expect("text"))
        .collect();
    for call in &said.sent {
        for kind in ["intent", "outcome"] {
            let record = format!("\"kind\":\"{kind}\",\"call\":\"{call}\"");
            assert!(lines.contains(&record), "{kind} of {call} is lost");
        }
    }
}

/// A file system of 4 MiB; only root can have one.
struct Small(PathBuf);

impl Small {
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir(at).expect("a folder");
        let done = rustix::mount::mount(
            "tmpfs",
            at,
            "tmpfs",
            rustix::mount::MountFlags::empty(),
            c"size=4m,mode=700",
        );
        done.is_ok().then(|| Self(at.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _stays_in_a_temporary_folder =
            rustix::mount::unmount(&self.0, rustix::mount::UnmountFlags::DETACH);
    }
}

#[test]
fn a_full_file_system_refuses_calls_and_still_takes_outcomes_and_the_seal() {
    let place = Place::new();
    let at = place.path().join("small");
    let Some(small) = Small::mount(&at) else {
        // Not by `eprintln!`, which the test harness keeps to itself.
        let line = "skipped: a_full_file_system_refuses_calls_and_still_takes_outcomes_and_the_seal: \
                    only root can mount a file system\n";
        let _nobody_listens = std::io::stderr().write_all(line.as_bytes());
        return;
    };
    let dir = small.0.join("journal");
    let said = play(&mut writer(&dir));
    assert_eq!(said.refused, "full");
    assert!(said.sent.len() > 1000, "{}", said.sent.len());
    check(&place, &dir, &said);
}

/// Stands between a program and the kernel: after so many syncs of segments
/// it makes them fail, or hang, or makes writes find no room. `twice`: an intent can't be written, and
/// once it is synced in another segment, neither can the line after it.
const BETWEEN: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/types.h>
static int syncs, tell, twice, first;
static int after(void) { const char *n = getenv("BETWEEN_AFTER"); return n ? atoi(n) : 1000000; }
static int is(const char *what) { const char *m = getenv("BETWEEN_MANNER"); return m && !strcmp(m, what); }
static int bad(void) { int n = syncs; return n > after() && n <= after() + 5; }
int fdatasync(int fd) {
    int (*real)(int) = (int (*)(int)) dlsym(RTLD_NEXT, "fdatasync");
    __sync_fetch_and_add(&syncs, 1);
    if (bad() && is("fail")) { errno = EIO; return -1; }
    if (syncs == after() + 1 && is("hang")) {
        struct timespec t = { 4, 0 };
        nanosleep(&t, 0);
    }
    return real(fd);
}
ssize_t pwrite64(int fd, const void *from, size_t n, off_t at) {
    ssize_t (*real)(int, const void *, size_t, off_t) =
        (ssize_t (*)(int, const void *, size_t, off_t)) dlsym(RTLD_NEXT, "pwrite64");
    const char *kind = twice ? "\"kind\":\"sent\"" : "\"kind\":\"intent\"";
    if (is("twice") && twice < 2 && syncs > (twice ? first : after()) && memmem(from, n, kind, strlen(kind))) {
        twice++;
        first = syncs;
        errno = EIO;
        return -1;
    }
    if (syncs > after() && tell < 3 && n > 100 && (is("full") || is("eio"))) {
        tell++;
        if (tell == 1) return real(fd, from, n / 2, at);
        errno = is("full") ? ENOSPC : EIO;
        return -1;
    }
    return real(fd, from, n, at);
}
"#;

#[test]
fn errors_of_the_system_itself_never_let_a_call_through_unrecorded() {
    let place = Place::new();
    let source = place.path().join("between.c");
    let library = place.path().join("between.so");
    std::fs::write(&source, BETWEEN).expect("writable");
    // The linker that every build of Rust needs.
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(&source)
        .arg("-ldl")
        .status();
    let compiled = compiled.expect("cc, with which the faults are built");
    assert!(compiled.success(), "cc could not build the faults");
    for (manner, refused) in [
        ("eio", "broken"),
        ("twice", "broken"),
        ("full", "full"),
        ("fail", "broken"),
        ("hang", "stalled"),
    ] {
        let dir = place.path().join(manner);
        let said = play(
            writer(&dir)
                .env("LD_PRELOAD", &library)
                .env("BETWEEN_MANNER", manner)
                .env("BETWEEN_AFTER", "20"),
        );
        assert_eq!(said.refused, refused, "{manner}");
        assert!(!said.sent.is_empty(), "{manner}");
        check(&place, &dir, &said);
    }
}
