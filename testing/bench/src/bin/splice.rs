//! The limit of a stdio relay: moves pages between pipes with splice(2) and looks at no byte.
//!
//! `dropgate-bench-splice [--pipes BYTES] COMMAND…` waits with poll(2). Its own two pipes hold 1 MiB and the host's are
//! left as they are; with `--pipes` all four hold so much.

#![forbid(unsafe_code)]

use std::error::Error;
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Command, ExitCode, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};

const PIPE_SIZE: usize = 1 << 20;

const USAGE: &str = "usage: dropgate-bench-splice [--pipes BYTES] COMMAND…";

fn main() -> ExitCode {
    match relay() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("dropgate-bench-splice: {error}");
            ExitCode::FAILURE
        }
    }
}

fn relay() -> Result<ExitCode, Box<dyn Error>> {
    let mut words = std::env::args_os().skip(1).peekable();
    let mut own_size = PIPE_SIZE;
    if words.next_if(|word| word == "--pipes").is_some() {
        let text = words.next().and_then(|word| word.into_string().ok());
        own_size = text.ok_or(USAGE)?.parse()?;
        for stream in [rustix::stdio::stdin(), rustix::stdio::stdout()] {
            fcntl_setpipe_size(stream, own_size)?;
        }
    }
    let program = words.next().ok_or(USAGE)?;
    let (server_stdin, to_server) = pipe_of(own_size)?;
    let (from_server, server_stdout) = pipe_of(own_size)?;
    let mut command = Command::new(program);
    command
        .args(words)
        .stdin(Stdio::from(server_stdin))
        .stdout(Stdio::from(server_stdout));
    let mut server = command.spawn()?;
    // It holds the server's ends of the pipes, which must be the server's alone.
    drop(command);
    let host_in = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let host_out = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
    let mut lanes = [
        Lane::new(host_in, to_server),
        Lane::new(from_server, host_out),
    ];
    while lanes.iter().any(Lane::is_open) {
        for ready in ready(&lanes)? {
            if let Some(lane) = lanes.get_mut(ready) {
                lane.pump()?;
            }
        }
    }
    let status = server.wait()?;
    Ok(ExitCode::from(
        status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(1),
    ))
}

fn pipe_of(size: usize) -> Result<(OwnedFd, OwnedFd), Errno> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
    fcntl_setpipe_size(&writer, size)?;
    Ok((reader, writer))
}

/// Waits, and gives the places of the lanes that can move something.
fn ready(lanes: &[Lane]) -> Result<Vec<usize>, Errno> {
    let (places, mut waits): (Vec<usize>, Vec<PollFd<'_>>) = lanes
        .iter()
        .enumerate()
        .filter_map(|(place, lane)| Some((place, lane.wait()?)))
        .unzip();
    rustix::io::retry_on_intr(|| poll(&mut waits, None))?;
    let waits = places.into_iter().zip(&waits);
    Ok(waits
        .filter(|(_, wait)| !wait.revents().is_empty())
        .map(|(place, _)| place)
        .collect())
}

/// One direction.
struct Lane {
    ends: Option<(OwnedFd, OwnedFd)>,
    waits_for: Side,
}

/// What a lane is waiting for.
#[derive(Clone, Copy)]
enum Side {
    Source,
    Sink,
}

impl Lane {
    fn new(source: OwnedFd, sink: OwnedFd) -> Lane {
        Lane {
            ends: Some((source, sink)),
            waits_for: Side::Source,
        }
    }

    fn is_open(&self) -> bool {
        self.ends.is_some()
    }

    /// Moves what can be moved at once; closes both ends when the source has ended or nobody reads the sink.
    fn pump(&mut self) -> Result<(), Errno> {
        let Some((source, sink)) = &self.ends else {
            return Ok(());
        };
        let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        match splice(source, None, sink, None, PIPE_SIZE, flags) {
            Ok(0) | Err(Errno::PIPE) => self.ends = None,
            Ok(_) => self.waits_for = Side::Source,
            // It does not tell which side it is about: it is the one that was not waited for.
            Err(Errno::AGAIN) => {
                self.waits_for = match self.waits_for {
                    Side::Source => Side::Sink,
                    Side::Sink => Side::Source,
                };
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn wait(&self) -> Option<PollFd<'_>> {
        let (source, sink) = self.ends.as_ref()?;
        Some(match self.waits_for {
            Side::Source => PollFd::from_borrowed_fd(source.as_fd(), PollFlags::IN),
            Side::Sink => PollFd::from_borrowed_fd(sink.as_fd(), PollFlags::OUT),
        })
    }
}
