import re,os
os.chdir('/work/main')
files={}
def load(p):
    global cur; cur=p
    if p not in files: files[p]=open(p).read()
def rep(old,new,n=1):
    s=files[cur]
    assert old in s,(cur,old[:80])
    files[cur]=s.replace(old,new,n)
def cut(a,b,new):
    s=files[cur]; i=s.index(a); j=s.index(b,i); files[cur]=s[:i]+new+s[j:]
load('crates/process/src/ledger.rs')
cut("/// Reads a file; lines that are torn","impl Line {",'''/// Reads a file; lines that are torn or unknown are left out.
///
/// # Errors
/// When it is not a plain file of this user's: a sweep kills by what it says.
pub(crate) fn read(path: &Path) -> io::Result<Record> {
    use rustix::fs::{Mode, OFlags, open};
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(open(path, flags, Mode::empty())?);
    let meta = file.metadata()?;
    if !meta.is_file() || meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let mut text = String::new();
    file.take(MAX_FILE).read_to_string(&mut text)?;
    Ok(Record::parse(&text))
}

''')
rep('''        .create(place)?;
    let own''','''        .create(place)?;
    is_private(place)
}

/// Fails unless only this user can put files there.
pub(crate) fn is_private(place: &Path) -> io::Result<()> {
    let own''')
load('crates/process/src/cgroup.rs')
cut("    pub(crate) fn existing(","    pub(crate) fn path(&self)",'''    pub(crate) fn existing(path: &Path, cookie: &str) -> Option<Self> {
        const CGROUP2: u64 = 0x6367_7270;
        let ours = path
            .file_name()
            .is_some_and(|name| *name == *format!("{PREFIX}{cookie}"));
        // A path that was forged must not lead the kill to another file.
        let real = fs::canonicalize(path).is_ok_and(|real| real == path);
        let kind = rustix::fs::statfs(path).ok()?.f_type;
        (ours && real && u64::try_from(kind) == Ok(CGROUP2)).then(|| Self {
            path: path.to_owned(),
        })
    }

''')
load('crates/process/src/mark.rs'); rep("const LIMIT_FLOOR","pub(crate) const LIMIT_FLOOR")
load('crates/process/src/procfs.rs')
rep('''    /// Sends a signal to this very process''','''    /// Whether this very process has one of these names.
    pub(crate) fn is_named(self, names: &[&str]) -> bool {
        let name = fs::read_to_string(format!("/proc/{}/comm", self.pid)).unwrap_or_default();
        names.contains(&name.trim_end()) && self.is_alive()
    }

    /// Sends a signal to this very process''')
rep('''/// The process number that was given out last''','''/// Whether this process can see who there is. One that can not, for want of
/// descriptors or of `/proc`, must not take an empty list for a proof.
pub(crate) fn can_look() -> bool {
    fs::read_dir("/proc").is_ok() && Process::of(own_pid()).is_some() && last_pid() > 0
}

/// The process number that was given out last''')
load('crates/process/src/takeover.rs')
rep('''/// Kills all that belongs to the tree until nothing is left, and returns what
/// resisted.
pub(crate) fn empty(mark: &Mark, cgroup: Option<Cgroup>, orphans: Orphans) -> Vec<Process> {''','''/// What came of emptying a tree.
#[derive(Debug)]
pub(crate) enum Emptied {
    /// Nobody is left: looked for, and not found.
    Proved,
    /// These resisted, or nobody could be looked for.
    Not(Vec<Process>),
}

/// Kills all that belongs to the tree until nothing is left.
pub(crate) fn empty(mark: &Mark, cgroup: Option<Cgroup>, orphans: Orphans) -> Emptied {''')
rep("if left.is_empty() && !in_cgroup {","if left.is_empty() && !in_cgroup && procfs::can_look() {")
rep("            return Vec::new();","            return Emptied::Proved;"); rep("            return left;","            return Emptied::Not(left);")
load('crates/process/src/tree.rs')
cut("        let survivors =\n            takeover::empty(" if "        let survivors =\n            takeover::empty(" in files[cur] else "        let survivors = takeover::empty(","    fn reap_guard(&self)",'''        let emptied = takeover::empty(&self.begun.mark, self.cgroup(), self.begun.orphans);
        let mut inner = self.lock();
        let survivors = match emptied {
            Emptied::Proved => {
                if let Ok(path) = &self.begun.ledger {
                    ledger::forget(path);
                }
                inner.end = Some(End::Empty(Force::Killed));
                Vec::new()
            }
            Emptied::Not(mut left) => {
                if left.is_empty() {
                    // Nobody could be looked for, so the leader counts as there.
                    left.push(self.begun.leader);
                }
                inner.end = Some(End::Survivors(left.clone()));
                left
            }
        };
        Stopped {
            survivors,
            force: Force::Killed,
            leader: inner.leader,
        }
    }

''')
rep("use crate::takeover;","use crate::takeover::{self, Emptied};")
load('crates/process/src/sweep.rs')
rep('''    ledger::places()
        .into_iter()
''','''    ledger::places()
        .into_iter()
        .filter(|place| ledger::is_private(place).is_ok())
''')
rep("        all.extend(self.keepers.iter().filter(|keeper| keeper.is_alive()));","        all.extend(self.ours());")
rep('''    fn cgroup(&self, mark: &Mark)''','''    /// Guard and keepers that are still there: the very processes that were
    /// noted, under the names that ours have.
    fn ours(&self) -> impl Iterator<Item = Process> {
        let all = self.keepers.iter().chain(&self.guard);
        all.copied()
            .filter(|process| process.is_named(&["dg-guard", "dg-keeper", "dg-shim"]))
    }

    fn cgroup(&self, mark: &Mark)''')
i=files[cur].index("fn finish("); 
files[cur]=files[cur][:i]+'''fn finish(path: &Path, record: &Record, mode: SweepMode) -> Option<Abandoned> {
    let mark = record.mark.as_ref()?;
    // A mark that no start can have given belongs to somebody else.
    let named = path.file_name().is_some_and(|name| *name == *mark.cookie);
    if !named || mark.limit < LIMIT_FLOOR {
        return None;
    }
    let processes = record.members(mark);
    let survivors = match mode {
        SweepMode::DryRun => Vec::new(),
        SweepMode::Sweep => {
            for ours in record.ours() {
                signalling::send(ours, Signal::KILL);
            }
            match takeover::empty(mark, record.cgroup(mark), Orphans::Leave) {
                Emptied::Proved => {
                    ledger::forget(path);
                    Vec::new()
                }
                Emptied::Not(left) => left,
            }
        }
    };
    Some(Abandoned {
        scope: mark.cookie.clone(),
        processes,
        survivors,
    })
}
'''
rep("use crate::mark::Mark;","use crate::mark::{LIMIT_FLOOR, Mark};"); rep("use crate::takeover;","use crate::takeover::{self, Emptied};")
rep('''pub fn sweep(mode: SweepMode) -> Vec<Abandoned> {''','''pub fn sweep(mode: SweepMode, within: Duration) -> Vec<Abandoned> {
    let until = Instant::now() + within;''')
rep('''    files()
        .filter_map(|path| {''','''    files()
        .take_while(|_| Instant::now() < until)
        .filter_map(|path| {''')
rep("/// Sweeps the trees of this user that have lost both owners.\n","/// Sweeps the trees of this user that have lost both owners, as many as can be\n/// looked at in the given time.\n")
rep("use std::path::{Path, PathBuf};\n","use std::path::{Path, PathBuf};\nuse std::time::{Duration, Instant};\n")
load('crates/dropgate/src/verbs/run.rs')
rep("sweep(SweepMode::Sweep)","sweep(SweepMode::Sweep, SWEEP_WITHIN)")
rep('''/// Runs the server and returns''','''/// How long a start may spend on what others left; `reap` does the rest.
const SWEEP_WITHIN: Duration = Duration::from_secs(1);

/// Runs the server and returns''')
files[cur]=re.sub(r"fs::write\(&path, format!\(\"\{json\}\\n\"\)\)","write_report(&path, &json)",files[cur]); assert 'write_report' in files[cur]
rep('''/// The deadlines that the flags mean.''','''/// Writes the report, and fails rather than waits for a reader of a pipe.
fn write_report(path: &Path, json: &str) -> io::Result<()> {
    let no_wait = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).custom_flags(no_wait);
    writeln!(options.open(path)?, "{json}")
}

/// The deadlines that the flags mean.''')
rep("use std::fs;\n","use std::fs;\nuse std::io::{self, Write as _};\nuse std::os::unix::fs::OpenOptionsExt as _;\nuse std::path::Path;\n")
load('crates/dropgate/src/verbs/reap.rs')
rep("sweep(SweepMode::DryRun)","sweep(SweepMode::DryRun, WITHIN)"); rep("sweep(SweepMode::Sweep)","sweep(SweepMode::Sweep, WITHIN)")
rep('''/// Sweeps; the code is 0''','''/// How long each of the two looks may take.
const WITHIN: Duration = Duration::from_secs(300);

/// Sweeps; the code is 0'''); rep("use std::process::ExitCode;\n","use std::process::ExitCode;\nuse std::time::Duration;\n")
load('crates/process/src/spawn.rs')
cut("        Err(error) => {\n            // The guard ends when its socket does","            Err(error)\n        }\n    }\n}",'''        Err(error) => {
            drop(ours);
            // A guard that was stopped or killed did not clean up after itself.
            signalling::send(guard, Signal::KILL);
            let _reaped = rustix::io::retry_on_intr(|| waitpid(Some(pid), WaitOptions::empty()));
            undo(&mark, spec.orphans, ledger.as_deref().ok());
''')
rep('''fn pipes() -> io::Result''','''/// Ends whatever a failed start had begun, and forgets it once that is proved.
fn undo(mark: &Mark, orphans: Orphans, ledger: Option<&Path>) {
    let noted = ledger
        .and_then(|path| ledger::read(path).ok())
        .and_then(|record| record.cgroup);
    let cgroup = noted.and_then(|path| Cgroup::existing(&path, &mark.cookie));
    match (takeover::empty(mark, cgroup, orphans), ledger) {
        (Emptied::Proved, Some(path)) => ledger::forget(path),
        (Emptied::Proved | Emptied::Not(_), _) => {}
    }
}

fn pipes() -> io::Result''')
rep("use crate::guard::","use crate::cgroup::Cgroup;\nuse crate::guard::")
rep("use crate::protocol::{self, Received, Report};\n","use crate::protocol::{self, Received, Report};\nuse crate::signalling;\n")
rep("use crate::tree::{","use crate::takeover::{self, Emptied};\nuse crate::tree::{")
rep("PidfdFlags, WaitOptions,","PidfdFlags, Signal, WaitOptions,"); rep("use std::os::unix::process::CommandExt as _;\n","use std::os::unix::process::CommandExt as _;\nuse std::path::Path;\n")
rep("Duration::from_secs(15)","Duration::from_secs(8)")
load('crates/process/src/guard/start.rs')
rep("const READY_WITHIN: Duration = Duration::from_secs(5);","const READY_WITHIN: Duration = Duration::from_secs(2);")
load('crates/process/src/guard/mod.rs')
rep('''            stop::empty_after_failure();
''','''            stop::empty_after_failure();
            if let Some(cgroup) = noted.and_then(|path| Cgroup::existing(&path, &cookie)) {
                cgroup.remove();
            }
''')
rep('''    let held = blocked.and_then(|blocked| {
''','''    let cookie = order.mark.cookie.clone();
    let mut noted = None;
    let held = blocked.and_then(|blocked| {
''')
rep('''        if let Some(cgroup) = &blocked.held.cgroup {
''','''        if let Some(cgroup) = &blocked.held.cgroup {
            noted = Some(cgroup.path().to_owned());
''')
rep("use crate::ledger;\n","use crate::cgroup::Cgroup;\nuse crate::ledger;\n")
load('crates/process/src/guard/watch.rs')
rep('''        let ready = poll(&mut fds, timeout.as_ref()).unwrap_or(0);
''','''        let ready = match poll(&mut fds, timeout.as_ref()) {
            Ok(ready) => ready,
            Err(rustix::io::Errno::INTR) => 0,
            // A guard that can not wait is of no use, as when a server took its
            // descriptors away. Its end tells the wrapper to take over.
            Err(_) => crate::sys::fork::exit_now(70),
        };
''')
load('crates/relay/src/lane.rs')
rep('''        if !self.run.is_empty() {
            onto.own
                .extend_from_slice(self.lines.bytes(self.run.clone()));
            self.run = 0..0;
        }
        self.judged = end;
    }
''','''        if !self.run.is_empty() && onto.sink.is_some() {
            onto.own
                .extend_from_slice(self.lines.bytes(self.run.clone()));
        }
        self.run = 0..0;
        self.judged = end;
    }

    /// Whether whoever writes to this intake is gone, though what it wrote may
    /// not be read yet.
    pub(crate) fn writer_is_gone(&self) -> bool {
        self.source.as_ref().is_some_and(Endpoint::peer_is_gone)
    }
''')
rep('''        if intake.cut == Cut::Boundary {
            match self.flush_own() {''','''        if self.sink.is_none() {
            self.own.clear();
            self.own_written = 0;
            intake.release();
            return Outflow::Broken;
        }
        if intake.cut == Cut::Boundary {
            match self.flush_own() {''')
load('crates/relay/src/endpoint.rs')
rep('''    /// Whether a read may bring something; wakes''','''    /// Whether the other side has closed, looked at without reading.
    pub(crate) fn peer_is_gone(&self) -> bool {
        let fd = match &self.fd {
            Registered::Polled(fd) => fd.get_ref().as_fd(),
            Registered::Always(_) => return false,
        };
        let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::RDHUP)];
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        matches!(poll(&mut fds, Some(&now)), Ok(ready) if ready > 0)
            && fds[0]
                .revents()
                .intersects(PollFlags::HUP | PollFlags::RDHUP | PollFlags::ERR)
    }

    /// Whether a read may bring something; wakes''')
rep("use rustix::fs::{","use rustix::event::{PollFd, PollFlags, Timespec, poll};\nuse rustix::fs::{")
load('crates/relay/src/relay.rs')
rep('''        !self.downstream.intake.is_held_up() && !self.downstream.outlet.is_congested()
''','''        !self.downstream.intake.is_held_up()
            && !self.upstream.outlet.has_backlog()
            && !self.downstream.outlet.is_congested()
''')
rep('''        !self.upstream.intake.is_held_up() && !self.downstream.outlet.is_congested()
''','''        !self.upstream.intake.is_held_up() && !self.downstream.outlet.has_backlog()
''')
rep("const READS_PER_TURN: usize = 16;","const READS_PER_TURN: usize = 4;")
rep("let all = [closed, self.sleepy_at(), self.trim_at];","let all = [closed, self.sleepy_at(), self.trim_at, self.look_at];")
rep('''    /// When the memory of long messages is''','''    /// When to look whether the host is gone, while nothing of it is read.
    look_at: Option<Duration>,
    /// When the memory of long messages is''')
rep("            trim_at: None,\n","            trim_at: None,\n            look_at: None,\n")
rep('''            match self.flush_upstream() {
                Outflow::Clear | Outflow::Broken => {}
                Outflow::Waiting => return,
            }
''','''            match self.flush_upstream() {
                Outflow::Clear => self.look_at = None,
                // A server that closed its stdin mostly is about to end.
                Outflow::Broken => {
                    self.look_at = None;
                    let now = self.now();
                    self.stdout_closed.get_or_insert(now);
                }
                Outflow::Waiting => {
                    let soon = self.now() + LOOK_EVERY;
                    self.look_at.get_or_insert(soon);
                    return;
                }
            }
''')
rep('''        if self.trim_at.is_some_and(|at| at <= now) {''','''        if self.look_at.is_some_and(|at| at <= now) {
            self.look_at = Some(now + LOOK_EVERY);
            if self.downstream.intake.writer_is_gone() {
                return self.begin(Trigger::Eof);
            }
        }
        if self.trim_at.is_some_and(|at| at <= now) {''')
rep('''/// How long a buffer that grew''','''/// How often that look is taken.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long a buffer that grew''')
load('crates/relay/src/effects.rs')
rep('''            Zero::NotSeen => {
                self.survivors = self.tree.survivors();
                self.force = Force::Killed;
            }''','''            Zero::NotSeen => {
                // The guard did not manage in its time, so this process tries.
                self.force = Force::Killed;
                self.survivors = self.tree.take_over();
                if self.survivors.is_empty() {
                    self.zero = Zero::Seen;
                }
            }''')
for p,s in files.items(): open(p,'w').write(s)
