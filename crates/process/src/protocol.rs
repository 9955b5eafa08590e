//! What wrapper and guard say to each other: one line of text a packet, over a
//! socket whose end is also the sign that the other side is gone.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use crate::level::Level;
use crate::procfs::Process;

/// The largest packet, bytes. The longest text is a list of reasons.
const MAX_PACKET: usize = 8 * 1024;
/// The most descriptors in a packet.
const MAX_DESCRIPTORS: usize = 8;

/// From the wrapper to the guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Send this signal to every process of the tree.
    Signal(i32),
    /// SIGTERM to the tree after `term_ms`, SIGKILL after `kill_ms`.
    Stop { term_ms: u32, kill_ms: u32 },
    /// The wrapper has seen that the host is gone and will be done in this time.
    Alive { done_in_ms: u32 },
    /// The wrapper knows that the tree is empty and needs the guard no more.
    Release,
}

/// From the guard to the wrapper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// The server runs, held at `level`.
    Started {
        level: Level,
        leader: Process,
        keepers: Vec<i32>,
        cgroup: String,
    },
    /// A stronger level was tried before and refused.
    Skipped { level: Level, why: String },
    /// The program could not be started; the value is an errno.
    ProgramFailed(i32),
    /// None of the levels asked for can be had.
    Uncontained,
    /// The server itself ended with this raw wait status.
    LeaderEnded(i32),
    /// The process that started the wrapper is gone.
    HostDied,
    /// No process of the tree is left; whether SIGKILL was needed.
    Empty(Force),
    /// These can not be killed (for example they hang in the kernel).
    Survivors(Vec<Process>),
}

/// Whether a tree ended by itself or by SIGTERM, or had to be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// No SIGKILL was sent to any live process.
    None,
    /// At least one process was killed with SIGKILL.
    Killed,
}

impl Command {
    pub(crate) fn encode(&self) -> String {
        match self {
            Self::Signal(signal) => format!("signal {signal}"),
            Self::Stop { term_ms, kill_ms } => format!("stop {term_ms} {kill_ms}"),
            Self::Alive { done_in_ms } => format!("alive {done_in_ms}"),
            Self::Release => "release".to_owned(),
        }
    }

    pub(crate) fn decode(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let command = match words.next()? {
            "signal" => Self::Signal(words.next()?.parse().ok()?),
            "stop" => Self::Stop {
                term_ms: words.next()?.parse().ok()?,
                kill_ms: words.next()?.parse().ok()?,
            },
            "alive" => Self::Alive {
                done_in_ms: words.next()?.parse().ok()?,
            },
            "release" => Self::Release,
            _unknown => return None,
        };
        words.next().is_none().then_some(command)
    }
}

impl Report {
    pub(crate) fn encode(&self) -> String {
        match self {
            Self::Started {
                level,
                leader,
                keepers,
                cgroup,
            } => format!(
                "started {level} {} {} {cgroup}",
                encode_processes(std::slice::from_ref(leader)),
                keepers
                    .iter()
                    .map(i32::to_string)
                    .collect::<Vec<_>>()
                    .join(","),
            ),
            Self::Skipped { level, why } => format!("skipped {level} {}", why.replace('\n', " ")),
            Self::ProgramFailed(errno) => format!("program {errno}"),
            Self::Uncontained => "uncontained".to_owned(),
            Self::LeaderEnded(status) => format!("leader {status}"),
            Self::HostDied => "host".to_owned(),
            Self::Empty(Force::None) => "empty".to_owned(),
            Self::Empty(Force::Killed) => "emptied".to_owned(),
            Self::Survivors(all) => format!("survivors {}", encode_processes(all)),
        }
    }

    pub(crate) fn decode(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
        Some(match kind {
            "started" => {
                let mut words = rest.splitn(4, ' ');
                Self::Started {
                    level: words.next()?.parse().ok()?,
                    leader: *decode_processes(words.next()?)?.first()?,
                    keepers: words
                        .next()?
                        .split(',')
                        .filter_map(|pid| pid.parse().ok())
                        .collect(),
                    cgroup: words.next()?.to_owned(),
                }
            }
            "skipped" => {
                let (level, why) = rest.split_once(' ')?;
                Self::Skipped {
                    level: level.parse().ok()?,
                    why: why.to_owned(),
                }
            }
            "program" => Self::ProgramFailed(rest.parse().ok()?),
            "uncontained" => Self::Uncontained,
            "leader" => Self::LeaderEnded(rest.parse().ok()?),
            "host" => Self::HostDied,
            "empty" => Self::Empty(Force::None),
            "emptied" => Self::Empty(Force::Killed),
            "survivors" => Self::Survivors(decode_processes(rest)?),
            _unknown => return None,
        })
    }
}

fn encode_processes(all: &[Process]) -> String {
    // Enough for any report, few enough for one packet.
    let shown = all.iter().take(100);
    shown
        .map(|one| format!("{}:{}", one.pid, one.started_ticks))
        .collect::<Vec<_>>()
        .join(",")
}

fn decode_processes(text: &str) -> Option<Vec<Process>> {
    text.split(',')
        .map(|one| {
            let (pid, ticks) = one.split_once(':')?;
            Some(Process {
                pid: pid.parse().ok()?,
                started_ticks: ticks.parse().ok()?,
            })
        })
        .collect()
}

/// Sends one packet, with descriptors if there are any.
pub(crate) fn send(
    socket: impl AsFd,
    text: &str,
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let mut end = text.len().min(MAX_PACKET);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let packet = [IoSlice::new(&text.as_bytes()[..end])];
    sendmsg(
        socket,
        &packet,
        &mut ancillary,
        SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
    )?;
    Ok(())
}

/// A packet, or the news that there is none now, or never will be.
#[derive(Debug)]
pub(crate) enum Received {
    Packet(String, Vec<OwnedFd>),
    NothingYet,
    Closed,
}

/// Takes one packet, waiting for it only as the flags say.
pub(crate) fn receive(socket: impl AsFd, flags: RecvFlags) -> Received {
    let mut buffer = [0; MAX_PACKET];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let taken = loop {
        let mut packet = [IoSliceMut::new(&mut buffer)];
        match recvmsg(
            &socket,
            &mut packet,
            &mut ancillary,
            flags | RecvFlags::CMSG_CLOEXEC,
        ) {
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => return Received::NothingYet,
            Err(_) => return Received::Closed,
            Ok(message) if message.bytes == 0 => return Received::Closed,
            Ok(message) => break message.bytes,
        }
    };
    let descriptors = ancillary
        .drain()
        .filter_map(|message| {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                Some(fds.collect::<Vec<_>>())
            } else {
                None
            }
        })
        .flatten()
        .collect();
    Received::Packet(
        String::from_utf8_lossy(&buffer[..taken]).into_owned(),
        descriptors,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_packet_reads_back() {
        let process = Process {
            pid: 7,
            started_ticks: 99,
        };
        for command in [
            Command::Signal(15),
            Command::Stop {
                term_ms: 0,
                kill_ms: 700,
            },
            Command::Alive { done_in_ms: 3000 },
            Command::Release,
        ] {
            assert_eq!(Command::decode(&command.encode()), Some(command));
        }
        for report in [
            Report::Started {
                level: Level::Pidns,
                leader: process,
                keepers: vec![3, 4],
                cgroup: String::new(),
            },
            Report::Started {
                level: Level::Cgroup,
                leader: process,
                keepers: vec![],
                cgroup: "/sys/fs/cgroup/a b/dropgate-00".to_owned(),
            },
            Report::Skipped {
                level: Level::Ptrace,
                why: "not permitted".to_owned(),
            },
            Report::ProgramFailed(2),
            Report::Uncontained,
            Report::LeaderEnded(256),
            Report::HostDied,
            Report::Empty(Force::None),
            Report::Empty(Force::Killed),
            Report::Survivors(vec![process, process]),
        ] {
            assert_eq!(Report::decode(&report.encode()), Some(report));
        }
    }

    #[test]
    fn nonsense_is_no_packet() {
        for text in [
            "",
            "stop",
            "stop 1",
            "stop 1 2 3",
            "signal x",
            "started",
            "survivors 1",
        ] {
            assert_eq!(Command::decode(text), None, "{text:?}");
            assert_eq!(Report::decode(text), None, "{text:?}");
        }
    }
}
