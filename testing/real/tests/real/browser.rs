//! Chromium, opened through server-puppeteer with a page loaded, at every level.
//!
//! The browser is in a session and a process group of its own, its crash
//! handlers are daemons, and its sandbox makes namespaces: whatever holds it
//! must let all of that work, and still leave nothing.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::bounded;
use crate::counterparts::Counterparts;
use crate::page::Page;
use crate::place::Place;
use crate::record::Record;
use crate::session::{Ending, Run, Session, Streams};
use crate::truth::{Delegation, Truth};
use crate::user::User;
use crate::verdicts::Verdicts;

/// A headless browser with one page: itself, zygotes, GPU, network, renderer, crash handlers.
const FEWEST: usize = 5;

/// What a program that does nothing may take under `strace` or `unshare`.
const PROBE: Duration = Duration::from_secs(30);

const ENDINGS: [(Ending, Streams); 4] = [
    (Ending::KillWrapper, Streams::Pipes),
    (Ending::KillHost, Streams::Pipes),
    (Ending::KillHost, Streams::Lent),
    (Ending::Eof, Streams::Pipes),
];

#[test]
fn a_browser_at_auto() {
    at("a_browser_at_auto", Rung::Auto);
}

#[test]
fn a_browser_at_guard() {
    at("a_browser_at_guard", Rung::Guard);
}

#[test]
fn a_browser_at_cgroup() {
    at("a_browser_at_cgroup", Rung::Cgroup);
}

#[test]
fn a_browser_at_ptrace() {
    at("a_browser_at_ptrace", Rung::Ptrace);
}

#[test]
fn a_browser_at_pidns() {
    at("a_browser_at_pidns", Rung::Pidns);
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rung {
    Auto,
    Guard,
    Cgroup,
    Ptrace,
    Pidns,
}

/// What the machine must make of it, found out without dropgate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Level(&'static str),
    /// A weaker level than could be, which dropgate must say.
    SteppedDown {
        from: &'static str,
        to: &'static str,
    },
    Refused,
}

fn at(test: &'static str, rung: Rung) {
    let Some(counterparts) = Counterparts::find(test) else {
        return;
    };
    let page = Page::serve();
    let mut verdicts = Verdicts::of(test);
    for user in User::available() {
        for (ending, streams) in ENDINGS {
            let row = format!("{} {} {streams:?}", user.name(), ending.name());
            verdicts.row(
                &row,
                browse(&counterparts, &page, rung, *user, ending, streams),
            );
        }
    }
    verdicts.close();
}

fn browse(
    counterparts: &Counterparts,
    page: &Page,
    rung: Rung,
    user: User,
    ending: Ending,
    streams: Streams,
) -> Result<String, String> {
    let place = Place::new(user);
    let server = counterparts.server("puppeteer", &place, user);
    let delegation = match rung {
        Rung::Cgroup => Delegation::Given,
        Rung::Auto | Rung::Guard | Rung::Ptrace | Rung::Pidns => Delegation::Kept,
    };
    let run = Run {
        server: &server,
        flags: &["--containment", rung.name()],
        user,
        delegation,
        streams,
    };
    let mut session = Session::start(&run, &place);
    let due = rung.due(user, &session.actor.truth);
    let opened = session.open();
    let told = |why: String| format!("{why}; {}", Record::read(&place.log()).tail());
    if due == Due::Refused {
        return refused(&mut session, opened);
    }
    opened.map_err(told)?;
    session
        .call("puppeteer_navigate", &json!({"url": page.url()}))
        .map_err(told)?;
    let title = session.call("puppeteer_evaluate", &json!({"script": "document.title"}))?;
    if !title.contains(Page::TITLE) {
        return Err(format!("the page is not loaded: {title}"));
    }
    let members = session.actor.truth.members();
    let browser = members
        .iter()
        .filter(|process| process.name().starts_with("chrom"))
        .count();
    if browser < FEWEST {
        return Err(format!("only {browser} processes of the browser run"));
    }
    check_level(&Record::read(&place.log()), due)?;
    let figures = session.end(ending, &place).map_err(told)?;
    Ok(format!("{due:?}, {browser} of the browser, {figures}"))
}

fn check_level(record: &Record, due: Due) -> Result<(), String> {
    let level = record.level().unwrap_or("none");
    match due {
        Due::Level(due) if level == due => Ok(()),
        Due::SteppedDown { from, to } if level == to && record.stepped_down_from(from) => Ok(()),
        Due::Level(_) | Due::SteppedDown { .. } | Due::Refused => {
            Err(format!("{due:?} was due; {}", record.tail()))
        }
    }
}

/// A level that can't be had must be refused before the server has run, in so many words.
fn refused(session: &mut Session, opened: Result<usize, String>) -> Result<String, String> {
    let Err(why) = opened else {
        return Err("it ran at a level that this machine does not have".to_owned());
    };
    if !why.contains("containment") {
        return Err(format!("the refusal does not say why: {why}"));
    }
    let status = session.actor.end(Duration::from_secs(5))?;
    if status.code() != Some(78) {
        return Err(format!("refused with {status}, not 78"));
    }
    Ok("refused: this machine does not have it".to_owned())
}

impl Rung {
    fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Guard => "guard",
            Self::Cgroup => "cgroup",
            Self::Ptrace => "ptrace",
            Self::Pidns => "pidns",
        }
    }

    fn due(self, user: User, truth: &Truth) -> Due {
        let own_group = truth.group().is_some();
        match self {
            Self::Auto if own_group && user.to_become().is_none() => Due::Level("cgroup"),
            Self::Auto => Due::SteppedDown {
                from: "cgroup",
                to: "guard",
            },
            Self::Guard => Due::Level("guard"),
            Self::Cgroup if own_group => Due::Level("cgroup"),
            Self::Ptrace if works(user, &["strace", "-o", "/dev/null", "true"]) => {
                Due::Level("ptrace")
            }
            Self::Pidns if works(user, UNSHARE) => Due::Level("pidns"),
            Self::Cgroup | Self::Ptrace | Self::Pidns => Due::Refused,
        }
    }
}

const UNSHARE: &[&str] = &[
    "unshare",
    "--user",
    "--map-root-user",
    "--pid",
    "--fork",
    "--mount-proc",
    "true",
];

/// Whether this user may do what the command needs.
fn works(user: User, argv: &[&str]) -> bool {
    let mut command = Command::new(argv[0]);
    command
        .args(&argv[1..])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some(id) = user.to_become() {
        command.uid(id).gid(id);
    }
    bounded::run(command, PROBE).is_ok_and(|status| status.success())
}
