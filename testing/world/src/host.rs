//! The host: the process that starts dropgate, as an MCP host would. It is the test program itself,
//! started again, so that it can be killed, run as another user and put into a cgroup.
//!
//! It obeys over a Unix socket: at `go` it starts the command with the streams that it was given,
//! lets go of these, and tells `wrapper PID`, then `exit CODE` or `signal NUMBER`. It ends with
//! the socket.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, exit};
use std::thread;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, setsid};
use rustix::termios::tcsetpgrp;

use crate::problem::{Checked, Says as _};

/// First argument that makes a test program a host.
pub(crate) const ENTRY: &str = "__host";

/// The word that the host waits for.
pub(crate) const GO: &str = "go";

/// Stands for the host's number in the command.
pub(crate) const HOST: &str = "{host}";

/// Where the command is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Launch {
    /// In a process group of its own.
    Group,
    /// As the foreground group of the terminal with this path.
    Terminal(String),
}

/// Becomes a host if this process was started as one; returns otherwise.
pub fn run_if_host() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(ENTRY) {
        let arguments: Vec<String> = arguments.collect();
        match run(&arguments) {
            Ok(()) => exit(0),
            Err(problem) => {
                let _nobody_listens = writeln!(std::io::stderr(), "host: {problem}");
                exit(70)
            }
        }
    }
}

pub(crate) fn arguments(socket: &str, launch: &Launch, command: &[String]) -> Vec<String> {
    let terminal = match launch {
        Launch::Group => "",
        Launch::Terminal(path) => path,
    };
    let mut all = vec![ENTRY.to_owned(), socket.to_owned(), terminal.to_owned()];
    all.extend_from_slice(command);
    all
}

fn run(arguments: &[String]) -> Checked {
    let [socket, terminal, program, args @ ..] = arguments else {
        return Err("host needs SOCKET TERMINAL COMMAND".to_owned());
    };
    let mut control = UnixStream::connect(socket).says(socket)?;
    let mut lines = BufReader::new(control.try_clone().says("control")?);
    let mut word = String::new();
    lines.read_line(&mut word).says("control")?;
    if word.trim_end() != GO {
        return Ok(());
    }
    let terminal = if terminal.is_empty() {
        None
    } else {
        setsid().says("setsid")?;
        // A session leader without a terminal gets the one that it opens.
        let opened = rustix::fs::open(terminal.as_str(), OFlags::RDWR, Mode::empty());
        Some(opened.says(terminal)?)
    };
    let own = std::process::id().to_string();
    let mut command = Command::new(program);
    command.args(args.iter().map(|arg| arg.replace(HOST, &own)));
    command.process_group(0);
    let mut child = command.spawn().says(program)?;
    if let Some(terminal) = &terminal {
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        tcsetpgrp(terminal, group.says("a child without a pid")?).says("tcsetpgrp")?;
    }
    let null = rustix::fs::open("/dev/null", OFlags::RDWR, Mode::empty()).says("/dev/null")?;
    rustix::stdio::dup2_stdin(&null).says("stdin")?;
    rustix::stdio::dup2_stdout(&null).says("stdout")?;
    rustix::stdio::dup2_stderr(&null).says("stderr")?;
    writeln!(control, "wrapper {}", child.id()).says("control")?;
    thread::spawn(move || {
        let mut rest = String::new();
        let _any_end_is_the_end = lines.read_line(&mut rest);
        exit(0)
    });
    let status = child.wait().says("wait")?;
    match (status.code(), status.signal()) {
        (Some(code), _) => writeln!(control, "exit {code}"),
        (None, signal) => writeln!(control, "signal {}", signal.unwrap_or(0)),
    }
    .says("control")?;
    // The test looks at a host that is still there, and ends it by its socket.
    loop {
        thread::park();
    }
}
