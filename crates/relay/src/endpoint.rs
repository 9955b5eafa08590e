//! A standard stream that never blocks the loop, whatever it is: a pipe, a
//! socket (some runtimes use socket pairs for a child's streams), a terminal,
//! or a file.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags, fcntl_getfl, fcntl_setfl, fstat, open};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};
use rustix::pipe::fcntl_setpipe_size;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::registration::register;

/// The capacity that a pipe to or from the host is given, bytes: as that of the
/// pipes to the server.
const PIPE_SIZE: usize = 256 << 10;

/// Which way an inherited stream is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Read,
    Write,
}

/// What a read or write without waiting came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    /// So many bytes, at least one.
    Bytes(usize),
    /// Nothing now; the endpoint wakes the loop when there is.
    NotNow,
    /// The other side is gone, or reading reached the end.
    Closed,
}

/// One end of a stream.
#[derive(Debug)]
pub(crate) struct Endpoint {
    fd: Registered,
    kind: Kind,
}

#[derive(Debug)]
enum Registered {
    Polled(AsyncFd<OwnedFd>),
    /// Files and `/dev/null` can not be polled, and never block either.
    Always(OwnedFd),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Socket,
    /// A read that brings less than there was room for has emptied it.
    Pipe,
    Other,
}

impl Kind {
    /// Of what is read and written like a file.
    fn of(file: FileType) -> Self {
        if file == FileType::Fifo {
            Self::Pipe
        } else {
            Self::Other
        }
    }
}

impl Endpoint {
    /// A pipe end of our own.
    pub(crate) fn own(fd: OwnedFd) -> io::Result<Self> {
        set_nonblocking(fd.as_fd())?;
        let kind = Kind::of(FileType::from_raw_mode(fstat(&fd)?.st_mode));
        Self::register(fd, kind)
    }

    /// A stream that this process inherited and whose open file others may
    /// share: its flags stay as they are wherever that is possible, since a
    /// terminal that stops blocking breaks the shell that shares it.
    pub(crate) fn inherited(fd: BorrowedFd<'_>, direction: Use) -> io::Result<Self> {
        let kind = FileType::from_raw_mode(fstat(fd)?.st_mode);
        if kind == FileType::Socket {
            return Self::register(duplicate(fd)?, Kind::Socket);
        }
        if kind == FileType::RegularFile {
            return Ok(Self {
                fd: Registered::Always(duplicate(fd)?),
                kind: Kind::Other,
            });
        }
        if kind == FileType::Fifo {
            // Long messages then cross in fewer pieces. Less is no error.
            let _smaller_then = fcntl_setpipe_size(fd, PIPE_SIZE);
        }
        let access = match direction {
            Use::Read => OFlags::RDONLY,
            Use::Write => OFlags::WRONLY,
        };
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&fd));
        let flags = access | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let reopened = open(path, flags, Mode::empty()).or_else(|_| {
            // Another user's pipe can not be opened again.
            let copy = duplicate(fd)?;
            set_nonblocking(copy.as_fd())?;
            Ok::<_, io::Error>(copy)
        })?;
        Self::register(reopened, Kind::of(kind))
    }

    fn register(fd: OwnedFd, kind: Kind) -> io::Result<Self> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        let fd = match register(fd, interest) {
            Ok(polled) => Registered::Polled(polled),
            Err(refused) => {
                let (fd, error) = refused.into_parts();
                // Epoll refuses what is always ready.
                if error.raw_os_error() != Some(Errno::PERM.raw_os_error()) {
                    return Err(error);
                }
                Registered::Always(fd)
            }
        };
        Ok(Self { fd, kind })
    }

    /// Reads what is there, if the last wait or read left hope for something.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> Moved {
        match &self.fd {
            Registered::Polled(fd) => {
                let mut emptied_by = 0;
                let read = fd.try_io(Interest::READABLE, |fd| {
                    let count = self.read_once(fd.as_fd(), buffer)?;
                    if self.kind == Kind::Pipe && (1..buffer.len()).contains(&count) {
                        // No further read until the system tells of more.
                        emptied_by = count;
                        return Err(io::ErrorKind::WouldBlock.into());
                    }
                    Ok(count)
                });
                match emptied_by {
                    0 => moved(read),
                    count => Moved::Bytes(count),
                }
            }
            Registered::Always(fd) => moved(self.read_once(fd.as_fd(), buffer)),
        }
    }

    /// Reads what is there without regard to what the last wait said: at the
    /// end of a process its last bytes may be there before the news of them.
    pub(crate) fn read_regardless(&self, buffer: &mut [u8]) -> Moved {
        match &self.fd {
            Registered::Polled(fd) => moved(self.read_once(fd.get_ref().as_fd(), buffer)),
            Registered::Always(fd) => moved(self.read_once(fd.as_fd(), buffer)),
        }
    }

    /// Writes what fits.
    pub(crate) fn write(&self, bytes: &[u8]) -> Moved {
        match &self.fd {
            Registered::Polled(fd) => {
                moved(fd.try_io(Interest::WRITABLE, |fd| self.write_once(fd.as_fd(), bytes)))
            }
            Registered::Always(fd) => moved(self.write_once(fd.as_fd(), bytes)),
        }
    }

    fn read_once(&self, fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| match self.kind {
            Kind::Socket => {
                rustix::net::recv(fd, &mut *buffer, RecvFlags::DONTWAIT).map(|(taken, _)| taken)
            }
            Kind::Pipe | Kind::Other => rustix::io::read(fd, &mut *buffer),
        })?)
    }

    fn write_once(&self, fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| match self.kind {
            Kind::Socket => rustix::net::send(fd, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL),
            Kind::Pipe | Kind::Other => rustix::io::write(fd, bytes),
        })?)
    }

    /// Whether the other side has closed, looked at without reading.
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

    /// Whether a read may bring something; wakes the task when it may.
    pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        match &self.fd {
            Registered::Polled(fd) => fd.poll_read_ready(cx).map(drop),
            Registered::Always(_) => Poll::Ready(()),
        }
    }

    /// Whether a write may take something; wakes the task when it may.
    pub(crate) fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        match &self.fd {
            Registered::Polled(fd) => fd.poll_write_ready(cx).map(drop),
            Registered::Always(_) => Poll::Ready(()),
        }
    }
}

fn moved(result: io::Result<usize>) -> Moved {
    match result {
        Ok(0) => Moved::Closed,
        Ok(count) => Moved::Bytes(count),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Moved::NotNow,
        // EPIPE, ECONNRESET, EIO of a terminal that hung up: nobody is there.
        Err(_) => Moved::Closed,
    }
}

fn duplicate(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(fd, 3)?)
}

fn set_nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    Ok(fcntl_setfl(fd, fcntl_getfl(fd)? | OFlags::NONBLOCK)?)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::Write as _;

    use rustix::pipe::{PipeFlags, pipe_with};

    use super::*;

    #[tokio::test]
    async fn what_comes_after_a_pipe_was_emptied_is_heard_of() {
        let (from, to) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
        let endpoint = Endpoint::own(from).expect("registers");
        let mut feed = std::fs::File::from(to);
        let mut room = [0; 8];
        for part in ["one", "eight by", "3"] {
            feed.write_all(part.as_bytes()).expect("fits the pipe");
            poll_fn(|cx| endpoint.poll_readable(cx)).await;
            assert_eq!(endpoint.read(&mut room), Moved::Bytes(part.len()));
            assert_eq!(endpoint.read(&mut room), Moved::NotNow);
        }
        feed.write_all(b"last").expect("fits the pipe");
        drop(feed);
        poll_fn(|cx| endpoint.poll_readable(cx)).await;
        assert_eq!(endpoint.read(&mut room), Moved::Bytes(4));
        poll_fn(|cx| endpoint.poll_readable(cx)).await;
        assert_eq!(endpoint.read(&mut room), Moved::Closed);
    }
}
