//! One run of the demonstration: start, call, kill, look.

use std::ffi::OsString;
use std::fs::{DirBuilder, File};
use std::io::Read as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use dropgate_probe::servers::ENTRY;
use dropgate_probe::servers::host::{HOST_ENTRY, Start};
use dropgate_process::{
    Containment, Event, Grace, Level, Process, Signal, Spec, StandardStreams, Tree,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::conversation::{self, Talk};
use super::record::Record;

/// How long a bare server gets to leave by itself.
const WATCH: Duration = Duration::from_secs(3);
/// How long the program may take to start.
const START_WITHIN: Duration = Duration::from_secs(5);

/// Who owns the server, and whom the kill hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    /// The host owns the server; the host is killed.
    Bare,
    /// dropgate owns the server; dropgate is killed.
    Guarded,
    /// dropgate owns the server; its host is killed.
    GuardedHostKilled,
}

/// A process that was left.
pub(super) struct Left {
    pub(super) pid: i32,
    pub(super) command: String,
}

/// What was seen of one run.
pub(super) struct Account {
    pub(super) killed: String,
    pub(super) survivors: Vec<Left>,
    /// Until nobody was left, or until watching ended.
    pub(super) watched: Duration,
    pub(super) caller: String,
    /// What the journal says of the call; none where nothing keeps one.
    pub(super) journal: Option<String>,
    /// The report line, if one was written.
    pub(super) report: Option<String>,
}

impl Setting {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Bare => "without dropgate: the host is killed",
            Self::Guarded => "with dropgate: dropgate itself is killed",
            Self::GuardedHostKilled => "with dropgate: the host is killed",
        }
    }

    fn command(self, own: &OsString, record: &Record) -> Vec<OsString> {
        let server = [own.clone(), ENTRY.into(), "rude".into()];
        match self {
            Self::Bare => server.to_vec(),
            Self::Guarded | Self::GuardedHostKilled => {
                let [config, name] = record.flags();
                let wrapper = [own.clone(), "run".into(), config, name, "--".into()];
                wrapper.into_iter().chain(server).collect()
            }
        }
    }
}

/// Plays one run. The tree that owns it ends all of it afterwards.
pub(super) fn play(setting: Setting) -> Result<Account, String> {
    let own = std::env::current_exe()
        .map_err(|error| error.to_string())?
        .into_os_string();
    let folder = Folder::make(setting)?;
    let record = Record::in_folder(&folder.0)?;
    let word = folder.0.join("word");
    let spawned = Spec::new(own.clone())
        .args([OsString::from(HOST_ENTRY), word.clone().into_os_string()])
        .args(setting.command(&own, &record))
        .containment(Containment::Exactly(Level::Guard))
        .spawn()
        .map_err(|error| error.to_string())?;
    let streams = spawned.streams.ok_or("no pipes to the server")?;
    let account = observe(setting, &spawned.tree, streams, &word);
    let now = Duration::ZERO;
    let stopped = spawned.tree.stop(Grace {
        term_after: now,
        kill_after: now,
    });
    if !stopped.survivors.is_empty() {
        return Err("processes resist SIGKILL".to_owned());
    }
    let mut account = account?;
    if setting != Setting::Bare {
        account.journal = Some(record.account()?);
    }
    Ok(account)
}

/// A folder that only this user can reach, for the length of one run.
struct Folder(PathBuf);

impl Folder {
    fn make(setting: Setting) -> Result<Self, String> {
        let name = format!("dropgate-demo-{}-{setting:?}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // Fails when it is there: somebody else may have made it.
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map(|()| Self(path.clone()))
            .map_err(|error| format!("{}: {error}", path.display()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _removed_by_somebody = std::fs::remove_dir_all(&self.0);
    }
}

fn observe(
    setting: Setting,
    tree: &Tree,
    streams: StandardStreams,
    word: &std::path::Path,
) -> Result<Account, String> {
    let stderr = streams.stderr;
    let mut talk = Talk::new(streams.stdin, streams.stdout);
    talk.begin(Instant::now() + START_WITHIN)?;
    talk.call_that_never_ends()?;
    let Some(Start::Pid(owned)) = Start::read(word) else {
        return Err("the host did not start the program".to_owned());
    };
    let (victim, killed) = match setting {
        Setting::Bare | Setting::GuardedHostKilled => (
            tree.leader(),
            format!("the host, pid {}", tree.leader().pid),
        ),
        Setting::Guarded => {
            let dropgate = Process::of(owned).ok_or("dropgate ended too early")?;
            (dropgate, format!("dropgate, pid {owned}"))
        }
    };
    victim.signal(Signal::KILL);
    let struck = Instant::now();
    wait_until_empty(tree, struck + WATCH);
    let watched = struck.elapsed();
    let survivors = left_of(tree);
    let caller = talk.what_the_caller_got();
    Ok(Account {
        killed,
        survivors,
        watched,
        caller: conversation::describe(&caller),
        journal: None,
        report: report_line(stderr),
    })
}

fn left_of(tree: &Tree) -> Vec<Left> {
    tree.survivors()
        .into_iter()
        .filter(|process| *process != tree.leader())
        .map(|process| Left {
            pid: process.pid,
            command: process.argv().join(" "),
        })
        .collect()
}

fn wait_until_empty(tree: &Tree, until: Instant) {
    while Instant::now() < until {
        if tree
            .take_events()
            .iter()
            .any(|event| matches!(event, Event::Empty(_)))
        {
            return;
        }
        tree.wait_ready(until);
    }
}

/// The last line that dropgate or its guard wrote, without waiting for more.
fn report_line(stderr: std::os::fd::OwnedFd) -> Option<String> {
    const MOST: usize = 1 << 20;
    let mut stderr = File::from(stderr);
    let mut text = Vec::new();
    let mut chunk = [0; 4096];
    while text.len() < MOST {
        let mut fds = [PollFd::new(&stderr, PollFlags::IN)];
        let none = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        if !matches!(poll(&mut fds, Some(&none)), Ok(ready) if ready > 0) {
            break;
        }
        match stderr.read(&mut chunk) {
            Ok(0) | Err(_) => break,
            Ok(count) => text.extend_from_slice(&chunk[..count]),
        }
    }
    let text = String::from_utf8_lossy(&text);
    text.lines()
        .rfind(|line| line.starts_with("dropgate: report "))
        .map(str::to_owned)
}
