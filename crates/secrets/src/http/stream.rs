//! A connection with a deadline.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use dropgate_process::Departure;
use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::sockopt::{set_tcp_nodelay, socket_error};
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};
use rustix::pipe::{PipeFlags, pipe_with};
use rustls::ClientConfig;

use super::address::{Address, Scheme};
use super::reply::Reply;
use super::tls;

/// Whom to believe that it is who is meant; only asked over https.
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

pub(super) struct Stream<'a> {
    socket: OwnedFd,
    host: &'a str,
    departure: &'a Departure,
}

impl<'a> Stream<'a> {
    pub(super) fn connect(
        to: &'a Address,
        until: Instant,
        departure: &'a Departure,
    ) -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in resolved(&to.host, to.port, until, departure)? {
            match connected(&address, until, departure) {
                Ok(socket) => {
                    set_tcp_nodelay(&socket, true)?;
                    return Ok(Self {
                        socket,
                        host: &to.host,
                        departure,
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
        request: &[&[u8]],
        reply: &mut [u8],
        until: Instant,
    ) -> io::Result<usize> {
        match trust {
            Trust::Plain => self.plainly(request, reply, until),
            Trust::Tls(config) => {
                let host = self.host;
                tls::exchange(self, config, host, request, reply, until)
            }
        }
    }

    fn plainly(&self, request: &[&[u8]], reply: &mut [u8], until: Instant) -> io::Result<usize> {
        for part in request {
            self.send(part, until)?;
        }
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
            self.departure
                .wait(self.socket.as_fd(), PollFlags::OUT, until)?;
            match rustix::io::write(&self.socket, rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads some, by plain `read(2)`; 0 at the end, or when there is no room.
    pub(super) fn receive(&self, into: &mut [u8], until: Instant) -> io::Result<usize> {
        loop {
            self.departure
                .wait(self.socket.as_fd(), PollFlags::IN, until)?;
            match rustix::io::read(&self.socket, &mut *into) {
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
                Ok(read) => return Ok(read),
            }
        }
    }
}

fn connected(address: &SocketAddr, until: Instant, departure: &Departure) -> io::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    match connect(&socket, address) {
        Ok(()) => return Ok(socket),
        Err(Errno::INPROGRESS | Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    departure.wait(socket.as_fd(), PollFlags::OUT, until)?;
    socket_error(&socket)??;
    Ok(socket)
}

/// The addresses of a host. The system's resolver has times of its own and can't be stopped, so it works aside; what it
/// finds too late is nobody's.
fn resolved(
    host: &str,
    port: u16,
    until: Instant,
    departure: &Departure,
) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let (done, doing) = pipe_with(PipeFlags::CLOEXEC)?;
    let (tell, told) = sync_channel(1);
    let host = host.to_owned();
    std::thread::Builder::new()
        .name("resolver".to_owned())
        .spawn(move || {
            let found = (host.as_str(), port).to_socket_addrs();
            let _nobody_waits = tell.send(found.map(Iterator::collect));
            drop(doing);
        })?;
    departure.wait(done.as_fd(), PollFlags::IN, until)?;
    told.try_recv().map_err(io::Error::other)?
}
