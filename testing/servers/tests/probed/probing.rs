//! One `dropgate probe` of one hostile server.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::Duration;

use dropgate_testing_servers::Muster;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde_json::Value;

use crate::binary::dropgate;

/// Two rounds of cells at the longer of the bounds, on a loaded machine.
const LIMIT: Duration = Duration::from_secs(50);

/// The endings that strike, as the probe names them.
pub(crate) const ENDINGS: [&str; 4] = ["eof", "term", "kill", "host"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guarding {
    Bare,
    Guarded,
}

/// What a probe said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    pub(crate) fn findings(&self) -> Result<Value, String> {
        serde_json::from_str(&self.stdout)
            .map_err(|error| format!("{error} in stdout {:?}; {}", self.stdout, self.stderr))
    }
}

/// Runs the probe to its end; nothing that it started may be there after that.
pub(crate) fn probe(server: &[&str], guarding: Guarding) -> Result<Said, String> {
    let muster = Muster::new().map_err(|error| error.to_string())?;
    let [stdout, stderr] = ["stdout", "stderr"].map(|name| muster.dir().join(name));
    let mut command = Command::new(dropgate());
    command.args(["probe", "--format", "json", "--start-within", "10s"]);
    command.args(match guarding {
        Guarding::Bare => &["--bound", "1500ms"][..],
        Guarding::Guarded => &["--bound", "13s", "--guarded"],
    });
    for ending in ENDINGS {
        command.args(["--ending", ending]);
    }
    let mut child = command
        .args(["--", env!("CARGO_BIN_EXE_dropgate-testing-servers")])
        .args(server)
        .args(muster.options())
        // Scopes are noted where no other run looks for them.
        .env("XDG_RUNTIME_DIR", muster.dir())
        .stdin(Stdio::null())
        .stdout(File::create(&stdout).unwrap())
        .stderr(File::create(&stderr).unwrap())
        .spawn()
        .unwrap();
    let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).unwrap();
    let timeout = Timespec::try_from(LIMIT).unwrap();
    let ended = poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&timeout)).unwrap();
    if ended == 0 {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    let said = Said {
        code: status.code(),
        stdout: fs::read_to_string(&stdout).unwrap(),
        stderr: fs::read_to_string(&stderr).unwrap(),
    };
    if ended == 0 {
        return Err(format!("the probe took over {LIMIT:?}; {}", said.stderr));
    }
    muster
        .settle(0, Duration::ZERO)
        .map_err(|error| format!("the probe left processes: {error}"))?;
    Ok(said)
}
