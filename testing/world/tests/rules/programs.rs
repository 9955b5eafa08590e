//! Programs that look closely at where they run work at `auto` as they do without dropgate: git
//! over ssh, sudo, strace and gdb, started by a server.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use dropgate_testing_world::checks::say;
use dropgate_testing_world::{Checked, Run, Says as _, User, fail};

use crate::steps::{SOON, same};
use crate::{Reach, Rule, Stage};

pub(crate) const RULES: &[Rule] = &[
    ("git_over_ssh_works_as_without", Reach::Users, git_over_ssh),
    ("sudo_works_as_without", Reach::Users, sudo),
    ("strace_of_a_child_works_as_without", Reach::Users, strace),
    (
        "gdb_attached_to_a_child_works_as_without",
        Reach::Users,
        gdb,
    ),
];

/// Longest run of a program; a debugger reads symbols.
const PROGRAM_WITHIN: Duration = Duration::from_secs(60);

/// What a program did: its exit code and all that it printed.
#[derive(Debug, PartialEq, Eq)]
struct Done {
    code: String,
    output: String,
}

/// The first of these that this machine lacks.
fn lacking(programs: &[&str]) -> Option<String> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let has =
        |program: &&&str| std::env::split_paths(&folders).any(|dir| dir.join(program).is_file());
    let lacks = programs.iter().find(|program| !has(program))?;
    Some((*lacks).to_owned())
}

fn left_out(stage: &Stage<'_>, why: &str) -> Checked {
    say(&format!("left out: {}: {why}", stage.name));
    Ok(())
}

/// Runs a script with and without dropgate, checks that it does the same, and gives that. The
/// script finds its folder in `$0` and what it is given in `$1` and on.
fn same_done(stage: &Stage<'_>, script: &str, arguments: &[&str]) -> Checked<Done> {
    let script = format!(
        r#"cd "$0" || exit 1; ( {script} ) >output 2>&1; echo $? >code
        echo '{{"jsonrpc":"2.0","method":"done"}}'; exec cat >/dev/null"#
    );
    let command: Vec<&str> = ["sh", "-c", &script, "{dir}"]
        .into_iter()
        .chain(arguments.iter().copied())
        .collect();
    let setup = stage.command(&command);
    let bare = Run::start_bare(stage.place, &format!("{}-bare", stage.name), &setup)?;
    let without = done(bare)?;
    let with = done(Run::start(stage.place, &stage.name, &setup)?)?;
    same("the program with dropgate", &with, &without)?;
    Ok(with)
}

fn done(mut run: Run) -> Checked<Done> {
    let line = run.talk.next(PROGRAM_WITHIN)?;
    line.says(format!(
        "the script ended: {}",
        String::from_utf8_lossy(&run.talk.stderr())
    ))?;
    let read = |name: &str| {
        let bytes = fs::read(run.dir.join(name)).says(name)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Checked::Ok(text.replace(&run.dir.display().to_string(), "{dir}"))
    };
    let done = Done {
        code: read("code")?.trim().to_owned(),
        output: read("output")?,
    };
    run.talk.close();
    run.ended(SOON)?;
    Ok(done)
}

fn holds(done: &Done, code: &str, part: &str) -> Checked {
    if done.code == code && done.output.contains(part) {
        Ok(())
    } else {
        fail(format!("expected code {code} and {part:?}, found {done:?}"))
    }
}

fn sudo(stage: &Stage<'_>) -> Checked {
    if let Some(program) = lacking(&["sudo"]) {
        return left_out(stage, &format!("{program} is not installed"));
    }
    let done = same_done(stage, "sudo -n true", &[])?;
    match stage.column.user {
        User::Root => holds(&done, "0", ""),
        // It got as far as its rules, so it had become root.
        User::Ordinary(_) if done.code == "1" => holds(&done, "1", "password"),
        User::Ordinary(_) => holds(&done, "0", ""),
    }
}

fn strace(stage: &Stage<'_>) -> Checked {
    if let Some(program) = lacking(&["strace"]) {
        return left_out(stage, &format!("{program} is not installed"));
    }
    let script = "strace -f -o trace -e trace=write sh -c 'echo traced' && grep -o 'write(1, \"traced.*' trace";
    let done = same_done(stage, script, &[])?;
    holds(&done, "0", "write(1, \"traced")
}

fn gdb(stage: &Stage<'_>) -> Checked {
    if let Some(program) = lacking(&["gdb"]) {
        return left_out(stage, &format!("{program} is not installed"));
    }
    // What it says on the way names processes and addresses.
    let script = r#"tail -f /dev/null & gdb -nx -batch -p $! -ex 'print 6*7' -ex detach >gdb 2>&1; code=$?
        kill $!; grep -o '^.1 = 42\|^ptrace.*\|.*not permitted.*\|^.Inferior . .*detached.$' gdb | sed 's/[0-9]* .*detached/detached/'
        exit $code"#;
    let done = same_done(stage, script, &[])?;
    holds(&done, "0", "$1 = 42")?;
    if done.output.contains("ptrace") {
        return fail(format!("gdb could not attach: {}", done.output));
    }
    holds(&done, "0", "detached")
}

fn git_over_ssh(stage: &Stage<'_>) -> Checked {
    if let Some(program) = lacking(&["git", "ssh", "ssh-keygen"]) {
        return left_out(stage, &format!("{program} is not installed"));
    }
    if !rustix::process::geteuid().is_root() {
        return left_out(stage, "only root can start an ssh server");
    }
    if !Path::new(SSHD).is_file() {
        return left_out(stage, &format!("{SSHD} is not installed"));
    }
    let server = SshServer::start(stage)?;
    // ssh reads its configuration in /etc and refuses it if it seems to be owned by nobody.
    let script = r#"cp "$1" key && chmod 600 key &&
        export GIT_SSH_COMMAND="ssh -i ./key -o IdentitiesOnly=yes -o BatchMode=yes -o LogLevel=ERROR \
            -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null" &&
        git -c init.defaultBranch=main ls-remote "$2" && git clone -q "$2" clone 2>&1 && cat clone/file"#;
    let key = server.key.display().to_string();
    let done = same_done(stage, script, &[&key, &server.url])?;
    holds(&done, "0", "kept over ssh")
}

const SSHD: &str = "/usr/sbin/sshd";

/// Where Debian's sshd wants an empty folder, which its init script makes.
const SEPARATION: &str = "/run/sshd";

/// An ssh server on a loopback port that lets in one key, and a repository.
struct SshServer {
    /// The key that it lets in.
    key: PathBuf,
    /// Where the repository is.
    url: String,
    sshd: Child,
}

impl SshServer {
    fn start(stage: &Stage<'_>) -> Checked<Self> {
        let dir = stage.place.folder(User::Root)?;
        for name in ["host", "client"] {
            succeeds(
                Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", name]),
                &dir,
            )?;
        }
        // Only the key is for the client, so it alone is given to it.
        let key = stage.place.folder(stage.column.user)?.join("client");
        fs::copy(dir.join("client"), &key).says("the key")?;
        if let Some(uid) = stage.column.user.change() {
            chown(&key, Some(uid), Some(uid)).says("the key")?;
        }
        make_repository(&dir)?;
        fs::create_dir_all(SEPARATION).says(SEPARATION)?;
        let free = TcpListener::bind(("127.0.0.1", 0)).says("a port")?;
        let port = free.local_addr().says("a port")?.port();
        drop(free);
        let mut sshd = Command::new(SSHD);
        sshd.args([
            "-D",
            "-e",
            "-f",
            "/dev/null",
            "-o",
            "ListenAddress=127.0.0.1",
        ]);
        for option in [
            format!("Port={port}"),
            format!("HostKey={}", dir.join("host").display()),
            format!("AuthorizedKeysFile={}", dir.join("client.pub").display()),
            "StrictModes=no".to_owned(),
            "PermitRootLogin=prohibit-password".to_owned(),
            "PasswordAuthentication=no".to_owned(),
            "KbdInteractiveAuthentication=no".to_owned(),
            "UsePAM=no".to_owned(),
            "PidFile=none".to_owned(),
        ] {
            sshd.args(["-o", &option]);
        }
        let sshd = sshd.stdin(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut server = Self {
            key,
            url: format!("ssh://root@127.0.0.1:{port}{}/repository", dir.display()),
            sshd: sshd.says(SSHD)?,
        };
        server.await_listening()?;
        Ok(server)
    }

    fn await_listening(&mut self) -> Checked {
        let stderr = self.sshd.stderr.take().says("stderr of sshd")?;
        let (tell, told) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                // Read on to the end, so that it never writes into a closed pipe.
                let _nobody_waits = tell.send(line);
            }
        });
        let until = Instant::now() + SOON;
        let mut said = String::new();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match told.recv_timeout(left) {
                Ok(line) if line.contains("Server listening on") => return Ok(()),
                Ok(line) => said.push_str(&line),
                Err(_) => return fail(format!("sshd does not listen: {said}")),
            }
        }
    }
}

impl Drop for SshServer {
    fn drop(&mut self) {
        let _ended_already = self.sshd.kill();
        let _reaped_already = self.sshd.wait();
    }
}

fn make_repository(dir: &Path) -> Checked {
    let script = "git -c init.defaultBranch=main init -q repository && cd repository && echo 'kept over ssh' >file && \
        git add file && git -c user.name=world -c user.email=world@localhost commit -q -m one";
    succeeds(Command::new("sh").args(["-c", script]), dir)
}

fn succeeds(command: &mut Command, dir: &Path) -> Checked {
    let output = command
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .says("start")?;
    if output.status.success() {
        return Ok(());
    }
    fail(format!(
        "{command:?}: {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    ))
}
