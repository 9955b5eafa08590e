//! What a run does before there is a server: it notices who leaves, and tells why there will be none.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by an attribute that what they share does not have"
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A start and an answer on a loaded machine.
const WITHIN: Duration = Duration::from_secs(60);
/// Less than any source of a secret is given.
const PROMPTLY: Duration = Duration::from_secs(9);
const MARK: &str = "DROPGATE_START_TEST";
const REQUEST: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":\"one\",\"method\":\"initialize\"}\n";
/// Says that it runs, has a daemon, and does not end.
const ENDLESS: &str = "[secrets.A]\ncommand = [\"sh\", \"-c\", \"(setsid sleep 1000 &); echo runs >&2; sleep 1000\"]\n";

/// A configuration, and a word that all processes of a run carry.
struct Place {
    folder: PathBuf,
    mark: String,
}

impl Place {
    fn new(config: &str) -> Self {
        let mut bits = [0; 8];
        getrandom::fill(&mut bits).unwrap();
        let mark = format!("{:016x}", u64::from_le_bytes(bits));
        let folder = std::env::temp_dir().join(format!("dropgate-start-{mark}"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("dropgate.toml"), config).unwrap();
        Self { folder, mark }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.folder)
            .env("XDG_STATE_HOME", &self.folder)
            .env("XDG_CONFIG_HOME", &self.folder)
            .env("VAULT_TOKEN", "token-of-the-test")
            .env(MARK, &self.mark)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, more: &[&str], server: &[&str]) -> Child {
        self.command(env!("CARGO_BIN_EXE_dropgate"))
            .args(["run", "--config", "dropgate.toml", "--journal", "off"])
            .args(more)
            .arg("--")
            .args(server)
            .spawn()
            .unwrap()
    }

    /// The processes that carry the mark.
    fn left(&self) -> Vec<String> {
        let mark = format!("{MARK}={}", self.mark).into_bytes();
        let all = fs::read_dir("/proc").unwrap().flatten();
        all.filter(|one| {
            let environment = fs::read(one.path().join("environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|it| it == mark)
        })
        .map(|one| fs::read_to_string(one.path().join("cmdline")).unwrap_or_default())
        .collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.folder);
    }
}

/// What a run said, and its code; it must end within the time.
fn end_of(mut child: Child, within: Duration) -> (String, String, Option<i32>) {
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let (mut said, mut log) = (String::new(), String::new());
        out.read_to_string(&mut said).unwrap();
        err.read_to_string(&mut log).unwrap();
        tell.send((said, log)).unwrap();
    });
    let Ok((said, log)) = told.recv_timeout(within) else {
        child.kill().unwrap();
        panic!("it did not end within {within:?}");
    };
    (said, log, child.wait().unwrap().code())
}

/// Waits for a line of the log.
fn await_line(child: &mut Child, wanted: &str) {
    let err = child.stderr.take().unwrap();
    let (tell, told) = channel();
    let wanted = wanted.to_owned();
    std::thread::spawn(move || {
        let mut err = BufReader::new(err);
        let mut line = String::new();
        while err.read_line(&mut line).is_ok_and(|count| count > 0) {
            if line.trim_end() == wanted {
                tell.send(err.into_inner()).unwrap();
                return;
            }
            line.clear();
        }
    });
    child.stderr = Some(told.recv_timeout(WITHIN).unwrap());
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[test]
fn whoever_leaves_while_a_secrets_command_runs_is_noticed() {
    type Act = fn(&mut Child);
    let acts: [(&str, Act, &str); 4] = [
        (
            "eof",
            |it| drop(it.stdin.take()),
            "standard input has ended",
        ),
        (
            "eof behind a request",
            |it| it.stdin.take().unwrap().write_all(REQUEST).unwrap(),
            "standard input has ended",
        ),
        ("sigterm", |it| signal(it, Signal::TERM), "a signal asked"),
        ("sigint", |it| signal(it, Signal::INT), "a signal asked"),
    ];
    for (name, act, why) in acts {
        let place = Place::new(ENDLESS);
        let mut child = place.run(&["--eof-deadline", "1s"], &["cat"]);
        await_line(&mut child, "runs");
        act(&mut child);
        let (said, log, code) = end_of(child, PROMPTLY);
        assert_eq!(code, Some(0), "{name}: {log}");
        assert!(log.contains(why), "{name}: {log}");
        assert_eq!(
            said.contains("\"one\""),
            name == "eof behind a request",
            "{name}: {said}"
        );
        assert_eq!(place.left(), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn the_end_of_the_host_ends_a_secrets_command() {
    let place = Place::new(ENDLESS);
    let script = "exec 3<&0; \"$@\" <&3 & read -r never";
    let mut host = place
        .command("sh")
        .args(["-c", script, "sh", env!("CARGO_BIN_EXE_dropgate"), "run"])
        .args(["--config", "dropgate.toml", "--journal", "off", "--", "cat"])
        .spawn()
        .unwrap();
    // The pipe itself stays open: only the process ends.
    let _stdin = host.stdin.take().unwrap();
    await_line(&mut host, "runs");
    host.kill().unwrap();
    let (_, log, _) = end_of(host, PROMPTLY);
    assert!(
        log.contains("the process that started dropgate has ended"),
        "{log}"
    );
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn whoever_leaves_while_a_vault_says_nothing_is_noticed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let config = format!(
        "[secrets.A]\nkv = \"secret/data/a\"\n[vault]\naddress = \"http://{address}\"\ntimeout = \"5s\"\n"
    );
    let place = Place::new(&config);
    let child = place.run(&[], &["cat"]);
    let (mut silent, _) = listener.accept().unwrap();
    let _begun = silent.read(&mut [0; 64]).unwrap();
    signal(&child, Signal::TERM);
    // The request alone may take 5 s.
    let (_, log, code) = end_of(child, Duration::from_secs(4));
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("a signal asked"), "{log}");
}

/// What is wrong, in which configuration, flags and server; the exit code, and what the host is told.
type Row<'a> = (&'a str, &'a str, &'a [&'a str], &'a str, i32, &'a str);

#[test]
fn the_first_request_is_told_why_there_is_no_server() {
    let guard = ["--containment", "guard", "--require-containment", "pidns"];
    let rows: [Row<'_>; 8] = [
        ("a flag", "", &["--drian", "1s"], "cat", 64, "did you mean"),
        (
            "a slip",
            "[shutdown]\ndrian = \"1s\"\n",
            &[],
            "cat",
            78,
            "did you mean `drain`?",
        ),
        (
            "a policy",
            "[authorize]\ncedar = [\"none.cedar\"]\n",
            &[],
            "cat",
            78,
            "none.cedar",
        ),
        ("a level", "", &guard, "cat", 78, "containment"),
        ("a program", "", &[], "/nonexistent", 69, "/nonexistent"),
        (
            "a zero byte",
            "[secrets.KEY]\ncommand = [\"printf\", 'hun\\0ter2']\n",
            &[],
            "cat",
            69,
            "secret KEY: its value has a zero byte",
        ),
        (
            "a line end",
            "[secrets.KEY]\ncommand = [\"echo\"]\n",
            &[],
            "cat",
            69,
            "it is empty",
        ),
        (
            "a variable",
            "[secrets.KEY]\nenv = \"NONE_OF_IT\"\n",
            &[],
            "cat",
            69,
            "NONE_OF_IT",
        ),
    ];
    for (name, config, flags, server, code, part) in rows {
        let place = Place::new(config);
        let mut child = place.run(flags, &[server]);
        child.stdin.as_mut().unwrap().write_all(REQUEST).unwrap();
        let stdin = child.stdin.take();
        let (said, log, ended) = end_of(child, WITHIN);
        drop(stdin);
        assert_eq!(ended, Some(code), "{name}: {log}");
        assert!(log.contains(part), "{name}: {log}");
        let answer: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(answer["id"], "one", "{name}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(part), "{name}: {message}");
        assert!(!message.contains("hun"), "{name}: {message}");
    }
}

/// Answers its first line, if it is given that.
const ANSWERS: &str =
    r#"read -r line; printf '{"jsonrpc":"2.0","id":"one","result":{}}\n'; read -r never || true"#;

#[test]
fn however_few_files_may_be_open_the_first_request_is_answered() {
    let place = Place::new("");
    let mut served = 0;
    for most in 8..=48 {
        let mut child = place
            .command("sh")
            .args(["-c", "ulimit -n \"$1\" && shift && exec \"$@\"", "sh"])
            .arg(most.to_string())
            .args([env!("CARGO_BIN_EXE_dropgate"), "run", "--config"])
            .args(["dropgate.toml", "--", "sh", "-c", ANSWERS])
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(REQUEST).unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        drop(stdin);
        child.stdout = Some(said.into_inner());
        let (_, log, code) = end_of(child, WITHIN);
        let answer: Value = serde_json::from_str(&line).unwrap_or_default();
        assert_eq!(answer["id"], "one", "{most}: {line:?}: {log}");
        match answer["error"]["message"].as_str() {
            Some(why) => {
                assert_eq!((code, served), (Some(70), 0), "{most}: {log}");
                assert!(why.contains("os error 24"), "{most}: {why}");
            }
            None => {
                assert_eq!(code, Some(0), "{most}: {log}");
                served += 1;
            }
        }
    }
    assert!(served > 0);
}

#[test]
fn a_limit_of_file_sizes_refuses_what_can_not_be_recorded() {
    let place = Place::new("");
    let child = place
        .command("sh")
        .args(["-c", "ulimit -f 0 && exec \"$@\"", "sh"])
        .args([env!("CARGO_BIN_EXE_dropgate"), "run", "--config"])
        .args(["dropgate.toml", "--", "cat"])
        .spawn();
    let mut child = child.unwrap();
    child.stdin.as_mut().unwrap().write_all(REQUEST).unwrap();
    let stdin = child.stdin.take();
    let (said, log, code) = end_of(child, WITHIN);
    drop(stdin);
    assert_eq!(code, Some(74), "{log}");
    let answer: Value = serde_json::from_str(&said).unwrap();
    let why = answer["error"]["message"].as_str().unwrap();
    assert!(why.contains("can not keep the journal"), "{why}");
}

#[test]
fn a_configuration_that_nobody_writes_is_no_empty_one() {
    let place = Place::new("");
    let pipe = place.folder.join("dropgate.toml");
    fs::remove_file(&pipe).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
    let child = place.run(&[], &["cat"]);
    let (_, log, code) = end_of(child, WITHIN);
    assert_eq!(code, Some(78), "{log}");
    assert!(log.contains("nobody wrote"), "{log}");
}

#[test]
fn nobody_is_waited_for_who_has_ended_the_input() {
    let place = Place::new("[shutdown]\ndrian = \"1s\"\n");
    let mut child = place.run(&[], &["cat"]);
    drop(child.stdin.take());
    let (said, log, code) = end_of(child, WITHIN);
    assert_eq!((said.as_str(), code), ("", Some(78)), "{log}");
}

#[test]
fn a_value_with_a_zero_byte_can_go_another_way() {
    let config = "[secrets.KEY]\ncommand = [\"printf\", 'hunt\\0er2']\ninto = \"file\"\n";
    let place = Place::new(config);
    let child = place.run(
        &[],
        &[
            "sh",
            "-c",
            "tr '\\0' + < \"$CREDENTIALS_DIRECTORY/KEY\" >&2",
        ],
    );
    let (_, log, code) = end_of(child, WITHIN);
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("hunt+er2"), "{log}");
}
