//! A short program of the system's, run to its end within bounds: for questions like those to `git`, not for servers.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// How much is read at once, bytes.
const CHUNK: usize = 64 * 1024;

/// The most of its standard error that is kept, bytes.
const MAX_COMPLAINT: usize = 4_096;

/// A program with its arguments and bounds.
#[derive(Debug)]
pub struct Errand {
    command: Command,
    input: Vec<u8>,
    within: Duration,
    most_output: usize,
}

/// What came of it.
#[derive(Debug)]
pub struct Done {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub output: Vec<u8>,
    /// The beginning of what it wrote to standard error.
    pub complaint: String,
}

/// Why nothing came of it. The program has ended in each case.
#[derive(Debug, thiserror::Error)]
pub enum ErrandError {
    /// It could not be started, or a pipe to it failed.
    #[error("{0}")]
    System(#[from] io::Error),
    /// It took too long.
    #[error("it took longer than {0:?}")]
    TooSlow(Duration),
    /// It wrote too much.
    #[error("it wrote more than {0} bytes")]
    TooMuch(usize),
}

impl Errand {
    /// A program, found by PATH, that gets `within` to end and may write `most_output` bytes.
    pub fn new(program: impl AsRef<OsStr>, within: Duration, most_output: usize) -> Self {
        Self {
            command: Command::new(program),
            input: Vec::new(),
            within,
            most_output,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.command.env(name, value.into());
        self
    }

    /// Sets its working folder.
    #[must_use]
    pub fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Sets what it reads from standard input; nothing by default.
    #[must_use]
    pub fn input(mut self, input: Vec<u8>) -> Self {
        self.input = input;
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// When it can't be started, or passes one of its bounds; it is killed then.
    pub fn run(mut self) -> Result<Done, ErrandError> {
        // A file in memory instead of a pipe: nobody has to feed it.
        let mut input = File::from(memfd_create("errand", MemfdFlags::CLOEXEC).map_err(system)?);
        input.write_all(&self.input)?;
        input.rewind()?;
        let mut child = self
            .command
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let told = listen(&mut child, self.within, self.most_output);
        if told.is_err() {
            // It may have ended by itself since.
            let _ended = child.kill();
        }
        let status = child.wait()?;
        let (output, complaint) = told?;
        Ok(Done {
            status,
            output,
            complaint: String::from_utf8_lossy(&complaint).trim().to_owned(),
        })
    }
}

/// Reads both of its outputs until they are closed and it has ended.
fn listen(
    child: &mut Child,
    within: Duration,
    most: usize,
) -> Result<(Vec<u8>, Vec<u8>), ErrandError> {
    let deadline = Instant::now() + within;
    let mut stdout = child.stdout.take();
    let mut stderr = child.stderr.take();
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other("it has no number"))?;
    let ended = pidfd_open(pid, PidfdFlags::empty()).map_err(system)?;
    let (mut output, mut complaint) = (Vec::new(), Vec::new());
    let mut chunk = vec![0; CHUNK];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrandError::TooSlow(within));
        }
        let open = [
            stdout.as_ref().map(AsFd::as_fd),
            stderr.as_ref().map(AsFd::as_fd),
        ];
        let mut waited: Vec<PollFd<'_>> = open
            .into_iter()
            .flatten()
            .map(|stream| PollFd::from_borrowed_fd(stream, PollFlags::IN))
            .collect();
        let silent = waited.is_empty();
        if silent {
            waited.push(PollFd::new(&ended, PollFlags::IN));
        }
        let wait = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        match poll(&mut waited, Some(&wait)) {
            Ok(0) | Err(Errno::INTR) => continue,
            Ok(_) if silent => return Ok((output, complaint)),
            Ok(_) => {}
            Err(error) => return Err(system(error).into()),
        }
        let mut readable = waited.iter().map(|one| !one.revents().is_empty());
        let stdout_ready = stdout.is_some() && readable.next() == Some(true);
        let stderr_ready = stderr.is_some() && readable.next() == Some(true);
        drop(readable);
        drop(waited);
        if stdout_ready && let Some(stream) = &mut stdout {
            match stream.read(&mut chunk)? {
                0 => stdout = None,
                count if output.len() + count > most => return Err(ErrandError::TooMuch(most)),
                count => output.extend_from_slice(&chunk[..count]),
            }
        }
        if stderr_ready && let Some(stream) = &mut stderr {
            match stream.read(&mut chunk)? {
                0 => stderr = None,
                count => {
                    let room = MAX_COMPLAINT.saturating_sub(complaint.len());
                    complaint.extend_from_slice(&chunk[..count.min(room)]);
                }
            }
        }
    }
}

fn system(error: Errno) -> io::Error {
    error.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn shell(script: &str, within: Duration, most: usize) -> Errand {
        Errand::new("sh", within, most).args(["-c", script])
    }

    #[test]
    fn input_and_outputs_pass_whatever_their_size() {
        let input = vec![b'x'; 1 << 20];
        let done = shell("cat; echo oh >&2; exit 3", LONG, 1 << 20)
            .input(input.clone())
            .run()
            .unwrap();
        assert_eq!(done.status.code(), Some(3));
        assert_eq!(done.complaint, "oh");
        assert!(done.output == input);
    }

    #[test]
    fn bounds_end_it() {
        let much = shell("cat /dev/zero", LONG, 1_000).run();
        assert!(matches!(much, Err(ErrandError::TooMuch(1_000))), "{much:?}");
        let slow = shell("exec sleep 1000", Duration::from_millis(50), 1_000).run();
        assert!(matches!(slow, Err(ErrandError::TooSlow(_))), "{slow:?}");
        let exact = shell("printf 1234", LONG, 4).run().unwrap();
        assert_eq!(exact.output, b"1234");
        let none = Errand::new("/nonexistent/program", LONG, 1).run();
        assert!(matches!(none, Err(ErrandError::System(_))));
    }

    #[test]
    fn a_flood_of_complaints_is_cut() {
        let script = "head -c 1000000 /dev/zero | tr '\\0' e >&2";
        let done = shell(script, LONG, 10).run().unwrap();
        assert_eq!(done.complaint.len(), 4_096);
    }
}
