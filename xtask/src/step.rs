//! One bounded command: says what it does, ends within its limit, and failing is a failure.

use std::os::fd::AsFd;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::failure::{Doing, Failure};

/// A command with its purpose and its time limit.
pub(crate) struct Step {
    what: String,
    command: Command,
    limit: Duration,
}

impl Step {
    pub(crate) fn new(what: impl Into<String>, limit: Duration, command: Command) -> Step {
        Step {
            what: what.into(),
            command,
            limit,
        }
    }

    /// Runs the command with the terminal as it is.
    ///
    /// # Errors
    /// It could not start, ran past its limit (its tree is killed), or left with a status other than 0.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        let began = Instant::now();
        eprintln!(
            "== {} (at most {} min)",
            self.what,
            self.limit.as_secs().div_ceil(60)
        );
        let mut child = self.command.spawn().doing(format_args!(
            "{}: starting {:?}",
            self.what,
            self.command.get_program()
        ))?;
        let status = wait(&mut child, began + self.limit)?.ok_or_else(|| {
            Failure::failed(format!(
                "{}: not done after {} s, killed",
                self.what,
                self.limit.as_secs()
            ))
        })?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::failed(format!(
            "{}: {status}, from {:?}",
            self.what, self.command
        )))
    }
}

/// Waits for a child until the deadline; kills it with its descendants and gives `None` when that has passed.
pub(crate) fn wait(child: &mut Child, deadline: Instant) -> Result<Option<ExitStatus>, Failure> {
    let pidfd =
        pidfd_open(Pid::from_child(child), PidfdFlags::empty()).doing("watching a child")?;
    if readable(&pidfd, deadline)? {
        return child.wait().map(Some).doing("waiting for a child");
    }
    kill_tree(child);
    Ok(None)
}

/// Kills a child that xtask started, and what it started, and reaps it.
pub(crate) fn kill_tree(child: &mut Child) {
    let mut doomed = vec![Pid::from_child(child)];
    let mut next = 0;
    while let Some(pid) = doomed.get(next).copied() {
        doomed.extend(children(pid));
        next += 1;
    }
    for pid in doomed {
        // A process that has ended by itself in the meantime is what is wanted.
        let _ = kill_process(pid, Signal::KILL);
    }
    let _ = child.wait();
}

/// Waits until a descriptor is readable (for a pidfd: the process has ended); false when the deadline comes first.
pub(crate) fn readable(fd: &impl AsFd, deadline: Instant) -> Result<bool, Failure> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).doing("a time limit")?;
        match poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => return Ok(false),
            Ok(_) => return Ok(true),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).doing("waiting for a child"),
        }
    }
}

fn children(pid: Pid) -> Vec<Pid> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let pids = lists.flat_map(|list| {
        list.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    pids.filter_map(|text| Pid::from_raw(text.parse().ok()?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_command_that_fails_is_a_failure_that_names_the_step() {
        let failure = Step::new("make tea", Duration::from_secs(60), shell("exit 3"))
            .run()
            .unwrap_err()
            .to_string();
        assert!(failure.starts_with("make tea: exit status: 3"), "{failure}");
    }

    #[test]
    fn a_command_past_its_limit_is_a_failure_that_says_so() {
        let failure = Step::new(
            "wait",
            Duration::from_millis(50),
            shell("tail -f /dev/null"),
        )
        .run()
        .unwrap_err();
        assert!(failure.to_string().contains("not done after"), "{failure}");
    }

    #[test]
    fn what_is_killed_takes_its_children_along() {
        let mut command = shell("tail -f /dev/null & echo $!; wait");
        let mut child = command
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
        let grandchild = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
        let grandchild = pidfd_open(grandchild, PidfdFlags::empty()).unwrap();
        assert!(wait(&mut child, Instant::now()).unwrap().is_none());
        assert!(
            readable(&grandchild, Instant::now() + Duration::from_secs(10)).unwrap(),
            "the grandchild lives on"
        );
    }

    #[test]
    fn a_missing_program_is_a_failure() {
        let failure = Step::new(
            "start",
            Duration::from_secs(1),
            Command::new("/nonexistent/program"),
        )
        .run()
        .unwrap_err();
        assert!(
            failure.to_string().contains("/nonexistent/program"),
            "{failure}"
        );
    }
}
