//! A host that waits for a server which is not there is told why.
//!
//! Without an event loop, since what is to be told may be that there is none: one stream is waited
//! for at a time, and each wait has the same end.

use std::io::{self, IsTerminal as _};
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use dropgate_wire::{Direction, Envelope, Limits, LineBuffer, reply, scan_buffered};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::downstream::stdio::Downstream;
use crate::relay::line_span;

/// How long a host may take to send its first request before a failed start is
/// told by the exit code alone.
const FIRST_REQUEST_WITHIN: Duration = Duration::from_millis(500);
/// The same where only requests count that are there already: so long it may take to see them.
const WHAT_IS_THERE_WITHIN: Duration = Duration::from_millis(50);

/// Which request is told that there is no server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The host's first, if it comes soon.
    TheFirst,
    /// One that the host has sent already.
    IfThere,
}

/// Answers a request of the host's with a reason, where there is nothing to start. Comes to an end
/// soon, whether or not there is one. Somebody at a terminal is not waited for.
pub fn refuse(limits: Limits, text: &str, which: Refused) {
    const INTERNAL_ERROR: i64 = -32603;
    let within = match which {
        Refused::TheFirst if !io::stdin().is_terminal() => FIRST_REQUEST_WITHIN,
        Refused::TheFirst | Refused::IfThere => WHAT_IS_THERE_WITHIN,
    };
    let until = Instant::now() + within;
    if let Some(id) = first_id(limits, until) {
        let answer = reply::error(Some(&id), INTERNAL_ERROR, text, None);
        Downstream::say_at_once(&answer, |stdout| wait(stdout, PollFlags::OUT, until));
    }
}

/// The id of the first request that comes in time, as it was written.
fn first_id(limits: Limits, until: Instant) -> Option<Vec<u8>> {
    let stdin = rustix::stdio::stdin();
    let mut lines = LineBuffer::new(limits);
    loop {
        wait(stdin, PollFlags::IN, until)?;
        let ended = match rustix::io::read(stdin, lines.spare()) {
            Ok(0) => true,
            Ok(count) => {
                lines.filled(count);
                false
            }
            Err(Errno::INTR | Errno::AGAIN) => continue,
            Err(_) => true,
        };
        while let Some(line) = if ended {
            lines.finish()
        } else {
            lines.next_line()
        } {
            let scanned = scan_buffered(&lines, &line, &limits, Direction::FromHost);
            if let Ok(Envelope::Request(request)) = scanned {
                return Some(request.id.raw().to_vec());
            }
            lines.release(line_span(&line).1);
        }
        if ended {
            return None;
        }
    }
}

/// Waits until a stream can be used, or has an error to tell.
fn wait(stream: BorrowedFd<'_>, events: PollFlags, until: Instant) -> Option<()> {
    loop {
        // A host that says more and more is not heard any longer either.
        let left = until.checked_duration_since(Instant::now())?;
        let left = Timespec::try_from(left).ok()?;
        match poll(&mut [PollFd::from_borrowed_fd(stream, events)], Some(&left)) {
            Ok(0) => return None,
            Ok(_) => return Some(()),
            Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}
