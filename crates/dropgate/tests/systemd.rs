//! What a service manager hears from a run, over a socket like the one that it gives its units.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by an attribute that what they share does not have"
)]

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Longer than any step takes on a busy machine.
const SOON: Duration = Duration::from_secs(20);

struct Unit {
    socket: UnixDatagram,
    name: String,
}

impl Unit {
    fn listens(test: &str) -> Self {
        let name = format!("dropgate-unit-{test}-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        socket.set_read_timeout(Some(SOON)).unwrap();
        Self { socket, name }
    }

    fn starts(&self, profile: &str) -> Child {
        Command::new(env!("CARGO_BIN_EXE_dropgate"))
            .args(["run", "--journal", "off", "--profile", profile, "--", "cat"])
            .env("NOTIFY_SOCKET", format!("@{}", self.name))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn hears(&self) -> String {
        let mut bytes = [0; 4096];
        let length = self.socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }
}

#[test]
fn the_manager_hears_of_the_start_and_of_the_end_and_how_long_it_may_take() {
    let manager = Unit::listens("told");
    let mut run = manager.starts("systemd");
    assert_eq!(manager.hears(), "READY=1");
    let pid = Pid::from_raw(run.id().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let end = manager.hears();
    let asked: u64 = end
        .strip_prefix("STOPPING=1\nEXTEND_TIMEOUT_USEC=")
        .unwrap_or_else(|| panic!("{end:?}"))
        .parse()
        .unwrap();
    // The server never answered, so the run needs a second at most; the report has its margin.
    let asked = Duration::from_micros(asked);
    assert!(asked > Duration::from_secs(2), "{asked:?}");
    assert!(asked <= Duration::from_secs(25 + 2), "{asked:?}");
    run.wait().unwrap();
}

#[test]
fn a_host_that_is_a_unit_is_not_spoken_for() {
    let manager = Unit::listens("silent");
    let mut run = manager.starts("host");
    drop(run.stdin.take());
    run.wait().unwrap();
    manager.socket.set_nonblocking(true).unwrap();
    assert!(manager.socket.recv(&mut [0; 64]).is_err());
}
