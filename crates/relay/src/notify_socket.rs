//! What systemd is told, by the protocol of sd_notify(3).

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use dropgate_gate::shutdown::Profile;

/// What is asked for beyond the deadline of the shutdown: the report and the journal's seal come
/// after it.
const MARGIN: Duration = Duration::from_secs(2);

/// The service manager's ear. Telling it never waits and never fails a run: a manager that does not
/// read goes by the times of its unit file.
#[derive(Debug)]
pub(crate) enum NotifySocket {
    /// Nobody wants to know.
    None,
    Open(UnixDatagram),
}

impl NotifySocket {
    /// The socket of the unit that this process is the main process of.
    ///
    /// Only with the profile `systemd`: a host that is a unit hands its own `NOTIFY_SOCKET` down to
    /// everything that it starts, and must not be declared to be stopping by one of its servers.
    ///
    /// # Errors
    /// When the variable is set and its socket can't be had.
    pub(crate) fn of_the_unit(profile: Profile) -> io::Result<Self> {
        match (profile, env::var_os("NOTIFY_SOCKET")) {
            (Profile::Systemd, Some(name)) => Self::open(&name).map(Self::Open),
            (Profile::Systemd, None)
            | (Profile::Host | Profile::Shell | Profile::Kubernetes, _) => Ok(Self::None),
        }
    }

    fn open(name: &OsStr) -> io::Result<UnixDatagram> {
        let address = match name.as_bytes().split_first() {
            Some((b'@', rest)) => SocketAddr::from_abstract_name(rest)?,
            Some((b'/', _)) => SocketAddr::from_pathname(name)?,
            Some(_) | None => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "it has to begin with / or @",
                ));
            }
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect_addr(&address)?;
        Ok(socket)
    }

    /// The server was started and calls are taken.
    pub(crate) fn ready(&self) {
        self.tell("READY=1");
    }

    /// The shutdown has begun and is over in `left` at the latest.
    pub(crate) fn stopping(&self, left: Duration) {
        let extended = left.saturating_add(MARGIN).as_micros();
        self.tell(&format!("STOPPING=1\nEXTEND_TIMEOUT_USEC={extended}"));
    }

    fn tell(&self, state: &str) {
        match self {
            Self::None => {}
            Self::Open(socket) => {
                let _a_manager_that_does_not_listen_is_not_waited_for =
                    socket.send(state.as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_socket_is_not_waited_for() {
        let name = format!("dropgate-notify-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        let socket = NotifySocket::Open(NotifySocket::open(format!("@{name}").as_ref()).unwrap());
        // Far more than the queue of a datagram socket takes.
        for _ in 0..10_000 {
            socket.ready();
        }
        socket.stopping(Duration::from_secs(25));
        let mut told = [0; 64];
        let length = manager.recv(&mut told).unwrap();
        assert_eq!(&told[..length], b"READY=1");
    }

    #[test]
    fn a_name_that_is_no_socket_is_an_error() {
        for name in ["", "relative", "/nowhere/at/all"] {
            assert!(NotifySocket::open(name.as_ref()).is_err(), "{name}");
        }
    }
}
