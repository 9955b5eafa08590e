//! What ends a start that takes long: nobody is left who would use the server, or somebody asks this process to end.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionread};

use crate::spawn::host_end;
use crate::spec::HostWatch;
use crate::sys::signals;

/// Why a start is not gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departed {
    /// SIGTERM, SIGINT, SIGHUP or SIGQUIT came.
    Signal,
    /// The process that started this one has ended.
    Host,
    /// Standard input has ended, and the requests in it have waited long enough.
    Input,
}

/// A watch on the host and on signals, for waits before there is an event loop. It never forgets: what was noticed once
/// is noticed by every later wait.
#[derive(Debug, Default)]
pub struct Departure {
    host: Option<OwnedFd>,
    signals: Option<OwnedFd>,
    input: Option<Input>,
}

/// What is known of standard input.
#[derive(Debug)]
struct Input {
    /// How long requests that were sent before its end may wait.
    patience: Duration,
    /// When that is over; set once the end was seen.
    over: OnceLock<Instant>,
}

impl Departure {
    /// Watches from here on. SIGTERM, SIGINT, SIGHUP and SIGQUIT are held back in this thread and all that it begins
    /// until [`release_signals`]. To be called while there is only one thread. An end of standard input counts at once,
    /// or after `patience` if requests stand before it.
    ///
    /// # Errors
    /// The system gives no descriptor.
    pub fn watch(host: HostWatch, patience: Duration) -> io::Result<Self> {
        Ok(Self {
            host: match host {
                HostWatch::StartedBy(host) => host_end(host)?,
                HostWatch::Off => None,
            },
            signals: Some(signals::hold_back_stops()?),
            input: Some(Input {
                patience,
                over: OnceLock::new(),
            }),
        })
    }

    /// Waits until a descriptor is ready, at most until the given instant.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`]; [`io::ErrorKind::ConnectionAborted`] if this process should rather end.
    pub fn wait(&self, fd: BorrowedFd<'_>, flags: PollFlags, until: Instant) -> io::Result<()> {
        loop {
            let (departed, ready) = self.look(Some((fd, flags)), until)?;
            if let Some(departed) = departed {
                return Err(departed.into());
            }
            if ready {
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }

    /// Why this process should rather end, if it should.
    #[must_use]
    pub fn has_come(&self) -> Option<Departed> {
        let (departed, _) = self.look(None, Instant::now()).ok()?;
        departed
    }

    /// Waits once, for whatever comes first.
    fn look(
        &self,
        wanted: Option<(BorrowedFd<'_>, PollFlags)>,
        until: Instant,
    ) -> io::Result<(Option<Departed>, bool)> {
        let stdin = rustix::stdio::stdin();
        let over = self.input.as_ref().and_then(|input| input.over.get());
        let input = self
            .input
            .as_ref()
            .filter(|input| input.over.get().is_none());
        let until = over.map_or(until, |over| until.min(*over));
        // An end shows itself without being asked for; half of one has to be.
        let sources = [
            (self.signals.as_ref().map(AsFd::as_fd), PollFlags::IN),
            (self.host.as_ref().map(AsFd::as_fd), PollFlags::IN),
            (input.map(|_| stdin.as_fd()), PollFlags::RDHUP),
            (
                wanted.map(|(fd, _)| fd),
                wanted.map_or(PollFlags::empty(), |(_, flags)| flags),
            ),
        ];
        let mut fds = Vec::with_capacity(sources.len());
        let places = sources.map(|(fd, flags)| {
            let fd = fd?;
            fds.push(PollFd::from_borrowed_fd(fd, flags));
            Some(fds.len() - 1)
        });
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [signal, host, ended, ready] = places.map(|place| {
            place
                .and_then(|place| fds.get(place))
                .is_some_and(|fd| !fd.revents().is_empty())
        });
        if let (true, Some(input)) = (ended, input) {
            let left = match ioctl_fionread(stdin) {
                Ok(0) | Err(_) => Duration::ZERO,
                Ok(_) => input.patience,
            };
            let _once = input.over.set(Instant::now() + left);
        }
        let over = self.input.as_ref().and_then(|input| input.over.get());
        let departed = if signal {
            Some(Departed::Signal)
        } else if host {
            Some(Departed::Host)
        } else {
            over.filter(|over| Instant::now() >= **over)
                .map(|_| Departed::Input)
        };
        Ok((departed, ready))
    }
}

/// Lets the signals that a [`Departure`] held back reach this thread. To be called once something else acts on them.
///
/// # Errors
/// The system refuses.
pub fn release_signals() -> io::Result<()> {
    signals::release_stops()
}

impl Departed {
    /// What happened, as half a sentence.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Signal => "a signal asked dropgate to end",
            Self::Host => "the process that started dropgate has ended",
            Self::Input => "standard input has ended",
        }
    }
}

impl From<Departed> for io::Error {
    fn from(departed: Departed) -> Self {
        Self::new(io::ErrorKind::ConnectionAborted, departed.text())
    }
}

#[cfg(test)]
mod tests {
    use rustix::event::{EventfdFlags, eventfd};

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_wait_without_a_watch_ends_by_the_descriptor_or_the_time() {
        let none = Departure::default();
        let ready = eventfd(1, EventfdFlags::CLOEXEC).unwrap();
        let never = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
        none.wait(ready.as_fd(), PollFlags::IN, Instant::now() + LONG)
            .unwrap();
        let late = none.wait(never.as_fd(), PollFlags::IN, Instant::now());
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(none.has_come(), None);
    }

    #[test]
    fn the_end_of_the_host_ends_every_wait() {
        let never = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
        let host = eventfd(1, EventfdFlags::CLOEXEC).unwrap();
        let gone = Departure {
            host: Some(host),
            ..Departure::default()
        };
        for _ in 0..2 {
            let ended = gone.wait(never.as_fd(), PollFlags::IN, Instant::now() + LONG);
            assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
            assert_eq!(gone.has_come(), Some(Departed::Host));
        }
    }
}
