//! One request on a connection of its own, and its response.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};

use super::events::Event;
use super::response::{Head, Response};

/// How long a connection on this machine may take; only one to a full queue takes any time.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// Reads in one turn, so that a flood on one connection does not starve the others.
const READS: usize = 16;

#[derive(Debug)]
pub(crate) struct Exchange {
    stream: TcpStream,
    outgoing: Vec<u8>,
    response: Response,
}

impl Exchange {
    pub(crate) fn begin(authority: &str, request: Vec<u8>) -> io::Result<Self> {
        let address = authority
            .to_socket_addrs()?
            .next()
            .ok_or(ErrorKind::AddrNotAvailable)?;
        let stream = TcpStream::connect_timeout(&address, CONNECT_WITHIN)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            outgoing: request,
            response: Response::new(),
        })
    }

    pub(crate) fn watch(&self) -> PollFd<'_> {
        let flags = if self.outgoing.is_empty() {
            PollFlags::IN
        } else {
            PollFlags::IN | PollFlags::OUT
        };
        PollFd::new(&self.stream, flags)
    }

    /// Moves what can be moved without waiting and adds the events that are complete.
    pub(crate) fn turn(&mut self, events: &mut Vec<Event>) {
        if !self.outgoing.is_empty() {
            match self.stream.write(&self.outgoing) {
                Ok(written) => drop(self.outgoing.drain(..written)),
                Err(error) if is_for_later(&error) => {}
                // What was answered before may still be read.
                Err(_) => self.outgoing.clear(),
            }
        }
        let mut buffer = [0; 64 << 10];
        for _ in 0..READS {
            if self.is_over() {
                return;
            }
            match self.stream.read(&mut buffer) {
                Ok(count @ 1..) => {
                    self.response
                        .feed(buffer.get(..count).unwrap_or_default(), events);
                }
                Err(error) if is_for_later(&error) => return,
                Ok(0) | Err(_) => self.response.close(events),
            }
        }
    }

    pub(crate) fn head(&self) -> Option<&Head> {
        self.response.head()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.response.is_over()
    }
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
