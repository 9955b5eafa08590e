//! One host, one dropgate, one server, and the census that watches them.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::chown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use dropgate_process::Process;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};
use serde_json::Value;

use crate::census::{Census, Emptied, Marks};
use crate::host::{self, Launch};
use crate::place::{Column, Place, as_user};
use crate::problem::{Checked, Says as _};
use crate::procfs::{self, Seen};
use crate::talk::Talk;

/// Longest wait for a start.
const STARTED_WITHIN: Duration = Duration::from_secs(20);

/// Stands for the run's folder in a command.
const FOLDER: &str = "{dir}";

/// Whether the user may make cgroups below the run's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delegation {
    /// No, unless it is root.
    #[default]
    Kept,
    /// Yes.
    Given,
}

/// What to run.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Who, and what containment is asked for.
    pub column: Column,
    /// A command to put in front of dropgate.
    pub before: Vec<String>,
    /// Flags of `dropgate run` beyond the containment.
    pub flags: Vec<String>,
    /// The server's command: `{servers}`, `{dir}` and `{host}` are replaced.
    pub server: Vec<String>,
    /// Variables of the environment beyond the few that all have.
    pub environment: Vec<(String, String)>,
    /// Where it is started.
    pub launch: Launch,
    /// Who may make cgroups.
    pub delegation: Delegation,
}

impl Setup {
    /// A server of `dropgate-testing-servers` with its arguments.
    #[must_use]
    pub fn new(column: Column, server: &[&str]) -> Self {
        let server = std::iter::once("{servers}").chain(server.iter().copied());
        Self::command(column, &server.collect::<Vec<_>>())
    }

    /// Any command.
    #[must_use]
    pub fn command(column: Column, command: &[&str]) -> Self {
        Self {
            column,
            before: Vec::new(),
            flags: Vec::new(),
            server: command.iter().map(|&arg| arg.to_owned()).collect(),
            environment: Vec::new(),
            launch: Launch::Group,
            delegation: Delegation::Kept,
        }
    }

    /// Adds flags of `dropgate run`.
    #[must_use]
    pub fn flags(mut self, flags: &[&str]) -> Self {
        self.flags.extend(flags.iter().map(|&flag| flag.to_owned()));
        self
    }

    /// Lets the user make cgroups, as systemd does for its user slices.
    #[must_use]
    pub fn delegated(mut self) -> Self {
        self.delegation = Delegation::Given;
        self
    }
}

/// How the program that a host started has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// A run. Dropping it ends whatever of it is left.
#[derive(Debug)]
pub struct Run {
    /// The conversation.
    pub talk: Talk,
    /// The ground truth.
    pub census: Census,
    /// The run's folder.
    pub dir: PathBuf,
    wrapper: Process,
    wrapper_pidfd: OwnedFd,
    host: Child,
    host_pidfd: OwnedFd,
    control: UnixStream,
    told: Receiver<String>,
    command_line: String,
}

impl Run {
    /// Starts a host, which starts `dropgate run` with the server.
    ///
    /// # Errors
    /// Something could not be started in time.
    pub fn start(place: &Place, name: &str, setup: &Setup) -> Checked<Self> {
        let mut command = setup.before.clone();
        command.extend([
            place.dropgate().display().to_string(),
            "run".to_owned(),
            "--containment".to_owned(),
            setup.column.containment.to_string(),
        ]);
        command.extend_from_slice(&setup.flags);
        command.push("--".to_owned());
        command.extend_from_slice(&setup.server);
        Self::start_command(place, name, setup, &command)
    }

    /// Starts the server without dropgate, under the same host.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_bare(place: &Place, name: &str, setup: &Setup) -> Checked<Self> {
        Self::start_command(place, name, setup, &setup.server)
    }

    fn start_command(
        place: &Place,
        name: &str,
        setup: &Setup,
        command: &[String],
    ) -> Checked<Self> {
        let dir = place.folder(setup.column.user)?;
        let servers = place.servers().display().to_string();
        let command: Vec<String> = command
            .iter()
            .map(|arg| {
                arg.replace("{servers}", &servers)
                    .replace(FOLDER, &dir.display().to_string())
            })
            .collect();
        let socket = dir.join("control");
        let listener = UnixListener::bind(&socket).says("control socket")?;
        if let Some(uid) = setup.column.user.change() {
            chown(&socket, Some(uid), Some(uid)).says("control socket")?;
        }
        let mut host = host_command(place, setup, &dir, &socket, &command);
        let mut host = host.spawn().says("start a host")?;
        let (stdin, stdout, stderr) = (host.stdin.take(), host.stdout.take(), host.stderr.take());
        let talk = Talk::new(
            stdin.says("stdin")?,
            stdout.says("stdout")?,
            stderr.says("stderr")?,
        )?;
        let host_pidfd = hold(host.id())?;
        let census = census(place, name, setup, &dir, &host)?;
        let mut control = accept(&listener)?;
        let told = listen(&control)?;
        writeln!(control, "{}", host::GO).says("tell the host to go")?;
        let word = told.recv_timeout(STARTED_WITHIN).map_err(|_| {
            format!(
                "the host started nothing: {}",
                String::from_utf8_lossy(&talk.stderr())
            )
        })?;
        let pid: u32 = word
            .strip_prefix("wrapper ")
            .and_then(|pid| pid.parse().ok())
            .says(format!("the host said {word:?}"))?;
        if let (Census::Leaf(_), Ok(nursery)) = (&census, &place.nursery) {
            nursery.take_out(host.id())?;
        }
        let wrapper_pidfd = hold(pid)?;
        let wrapper = i32::try_from(pid).ok().and_then(Process::of);
        Ok(Self {
            talk,
            census,
            dir,
            // One that has ended already keeps its number until the host is told of it.
            wrapper: wrapper.unwrap_or(Process {
                pid: i32::try_from(pid).says("pid")?,
                started_ticks: 0,
            }),
            wrapper_pidfd,
            host,
            host_pidfd,
            control,
            told,
            command_line: command.join(" "),
        })
    }

    /// The command line that was started.
    #[must_use]
    pub fn command_line(&self) -> &str {
        &self.command_line
    }

    /// dropgate itself.
    #[must_use]
    pub fn wrapper(&self) -> Process {
        self.wrapper
    }

    /// The host's number.
    #[must_use]
    pub fn host(&self) -> u32 {
        self.host.id()
    }

    /// dropgate's guard, while there is one.
    ///
    /// # Errors
    /// There is none.
    pub fn guard(&self) -> Checked<Process> {
        procfs::children(self.wrapper.pid)
            .into_iter()
            .filter_map(procfs::seen)
            .find(|seen| seen.comm == "dg-guard")
            .map(|seen| seen.process)
            .says("dropgate has no guard")
    }

    /// Tells the census of processes that hide what they carry.
    pub fn know_own(&self) {
        if let (Census::Marks(marks), Ok(guard)) = (&self.census, self.guard()) {
            marks.know(guard);
            for keeper in procfs::children(guard.pid)
                .into_iter()
                .filter_map(procfs::seen)
            {
                marks.know(keeper.process);
            }
        }
    }

    /// Sends a signal to dropgate.
    ///
    /// # Errors
    /// It has ended.
    pub fn signal(&self, signal: Signal) -> Checked {
        pidfd_send_signal(&self.wrapper_pidfd, signal).says("signal dropgate")
    }

    /// Sends a signal to dropgate's process group.
    ///
    /// # Errors
    /// There is none.
    pub fn signal_group(&self, signal: Signal) -> Checked {
        let group = Pid::from_raw(self.wrapper.pid).says("pid")?;
        kill_process_group(group, signal).says("signal dropgate's group")
    }

    /// Stops dropgate and waits until it is stopped.
    ///
    /// # Errors
    /// It did not stop.
    pub fn stop_wrapper(&self) -> Checked {
        self.signal(Signal::STOP)?;
        await_state(self.wrapper.pid, 'T')
    }

    /// Kills the host.
    ///
    /// # Errors
    /// It has ended.
    pub fn kill_host(&mut self) -> Checked {
        pidfd_send_signal(&self.host_pidfd, Signal::KILL).says("kill the host")?;
        self.host.wait().says("wait for the host").map(drop)
    }

    /// Waits until dropgate's process has ended, whoever its parent is by then.
    #[must_use]
    pub fn wrapper_ended_by(&self, until: Instant) -> Emptied {
        ended_by(&self.wrapper_pidfd, until)
    }

    /// How dropgate ended, as its host learned it.
    ///
    /// # Errors
    /// The host did not learn it `within` the time.
    pub fn ended(&self, within: Duration) -> Checked<Ended> {
        let word = self
            .told
            .recv_timeout(within)
            .map_err(|_| "dropgate did not end in time".to_owned())?;
        let number = |text: &str| text.parse::<i32>().says(format!("the host said {word:?}"));
        match word.split_once(' ') {
            Some(("exit", code)) => Ok(Ended::Code(number(code)?)),
            Some(("signal", signal)) => Ok(Ended::Signal(number(signal)?)),
            Some(_) | None => Err(format!("the host said {word:?}")),
        }
    }

    /// The report, from the last line of stderr once that has ended.
    ///
    /// # Errors
    /// stderr did not end, or its last line is no report.
    pub fn report(&self, within: Duration) -> Checked<Value> {
        let stderr = self.talk.all_stderr(within)?;
        let text = String::from_utf8_lossy(&stderr);
        let last = text.lines().last().unwrap_or_default();
        let json = last
            .strip_prefix("dropgate: report ")
            .says(format!("the last line of stderr is no report: {last:?}"))?;
        serde_json::from_str(json).says("the report is no JSON")
    }

    /// Live processes of the run, in words.
    #[must_use]
    pub fn survivors(&self) -> String {
        let mut text = String::new();
        for Seen {
            process,
            comm,
            argv,
        } in self.census.alive()
        {
            let state = procfs::state(process.pid).unwrap_or('?');
            let _infallible = write!(text, "{} {comm} {state} {argv:?}; ", process.pid);
        }
        text
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.talk.close();
        let _ended_already = pidfd_send_signal(&self.host_pidfd, Signal::KILL);
        let _reaped_already = self.host.wait();
        self.census.clear();
        let _closed_already = self.control.shutdown(std::net::Shutdown::Both);
    }
}

/// Waits until a process is in a state; an orderly look, as the kernel tells nobody but its parent.
///
/// # Errors
/// It is not within a second.
pub fn await_state(pid: i32, state: char) -> Checked {
    let until = Instant::now() + Duration::from_secs(1);
    while procfs::state(pid) != Some(state) {
        if Instant::now() >= until {
            return Err(format!("process {pid} is not in state {state}"));
        }
        thread::yield_now();
    }
    Ok(())
}

/// A hold on a process by number.
///
/// # Errors
/// There is none.
pub fn hold(pid: u32) -> Checked<OwnedFd> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pidfd_open(pid.says("pid")?, PidfdFlags::empty()).says("pidfd_open")
}

/// Waits until a process has ended.
#[must_use]
pub fn ended_by(pidfd: &OwnedFd, until: Instant) -> Emptied {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let Ok(timeout) = Timespec::try_from(left) else {
            return Emptied::NotInTime;
        };
        let mut fds = [PollFd::new(pidfd, PollFlags::IN)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) => return Emptied::NotInTime,
            Ok(_) => return Emptied::At(Instant::now()),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return Emptied::NotInTime,
        }
    }
}

fn host_command(
    place: &Place,
    setup: &Setup,
    dir: &Path,
    socket: &Path,
    command: &[String],
) -> Command {
    let socket = socket.display().to_string();
    let mut host = as_user(place.host(), setup.column.user, dir);
    host.args(host::arguments(&socket, &setup.launch, command))
        .envs(setup.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    host
}

fn census(place: &Place, name: &str, setup: &Setup, dir: &Path, host: &Child) -> Checked<Census> {
    let Ok(nursery) = &place.nursery else {
        return Ok(Census::Marks(Marks::new(
            &dir.display().to_string(),
            host.id(),
        )));
    };
    let owner = match setup.delegation {
        Delegation::Given => setup.column.user.change(),
        Delegation::Kept => None,
    };
    let unique = dir.file_name().unwrap_or_default().to_string_lossy();
    let leaf = nursery.leaf(&format!("{unique}-{name}"), owner)?;
    leaf.take_in(host.id())?;
    Ok(Census::Leaf(leaf))
}

fn accept(listener: &UnixListener) -> Checked<UnixStream> {
    let timeout = Timespec::try_from(STARTED_WITHIN).says("timeout")?;
    let mut fds = [PollFd::new(listener, PollFlags::IN)];
    if poll(&mut fds, Some(&timeout)).says("wait for the host")? == 0 {
        return Err("the host did not come to its socket".to_owned());
    }
    Ok(listener.accept().says("accept")?.0)
}

fn listen(control: &UnixStream) -> Checked<Receiver<String>> {
    let lines = BufReader::new(control.try_clone().says("control")?).lines();
    let (tell, told) = channel();
    thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    Ok(told)
}
