//! A connection with a deadline.

use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;

use super::address::{Address, Scheme};
use super::reply::Reply;
use super::tls;

/// Whom to believe that it is the Vault; only asked over https.
#[derive(Clone, Debug)]
pub(crate) enum Trust {
    Plain,
    Tls(Arc<ClientConfig>),
}

impl Trust {
    /// For an address: certificates of `roots` (PEM), or of the system without them.
    pub(crate) fn of(address: &Address, roots: Option<&[u8]>) -> Result<Self, String> {
        match address.scheme {
            Scheme::Http => Ok(Self::Plain),
            Scheme::Https => tls::configuration(roots).map(Self::Tls),
        }
    }
}

pub(super) struct Stream {
    socket: TcpStream,
    host: String,
}

impl Stream {
    pub(super) fn connect(to: &Address, until: Instant) -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in (to.host.as_str(), to.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, left(until)?) {
                Ok(socket) => {
                    socket.set_nodelay(true)?;
                    return Ok(Self {
                        socket,
                        host: to.host.clone(),
                    });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Sends, and reads until the reply is whole or the other side closes; the length of it.
    pub(super) fn exchange(
        self,
        trust: &Trust,
        request: &[u8],
        reply: &mut [u8],
        until: Instant,
    ) -> io::Result<usize> {
        match trust {
            Trust::Plain => self.plainly(request, reply, until),
            Trust::Tls(config) => {
                let host = self.host.clone();
                tls::exchange(self, config, &host, request, reply, until)
            }
        }
    }

    fn plainly(&self, request: &[u8], reply: &mut [u8], until: Instant) -> io::Result<usize> {
        self.send(request, until)?;
        let mut length = 0;
        loop {
            let free = reply.get_mut(length..).unwrap_or_default();
            match self.receive(free, until)? {
                0 => return Ok(length),
                read => length += read,
            }
            if Reply::is_whole(reply.get(..length).unwrap_or_default()) {
                return Ok(length);
            }
        }
    }

    /// Writes all of it, by plain `write(2)`.
    pub(super) fn send(&self, bytes: &[u8], until: Instant) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            self.socket.set_write_timeout(Some(left(until)?))?;
            match rustix::io::write(self.socket.as_fd(), rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(late(error)),
            }
        }
        Ok(())
    }

    /// Reads some, by plain `read(2)`; 0 at the end, or when there is no room.
    pub(super) fn receive(&self, into: &mut [u8], until: Instant) -> io::Result<usize> {
        loop {
            self.socket.set_read_timeout(Some(left(until)?))?;
            match rustix::io::read(self.socket.as_fd(), &mut *into) {
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(late(error)),
                Ok(read) => return Ok(read),
            }
        }
    }
}

/// A socket's own time limit shows as if it would block.
fn late(error: rustix::io::Errno) -> io::Error {
    match error {
        rustix::io::Errno::WOULDBLOCK => io::ErrorKind::TimedOut.into(),
        other => other.into(),
    }
}

fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(left)
}
