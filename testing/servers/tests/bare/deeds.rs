//! What single servers do beside surviving.

use std::fs;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

use dropgate_testing_servers::{Muster, run};
use rustix::process::{Pid, Signal};
use serde_json::json;

use crate::client::{Client, OwnedArgs, SOON};

/// A server whose first argument is a file of the run.
fn with_file(name: &str, more: &[&str]) -> (Client, std::path::PathBuf) {
    let muster = Muster::new().unwrap();
    let file = muster.dir().join("file");
    let path = file.display().to_string();
    let client = Client::start_with(muster, |_| {
        let args: Vec<&str> = [name, &path]
            .into_iter()
            .chain(more.iter().copied())
            .collect();
        OwnedArgs::from(args.as_slice())
    });
    (client, file)
}

#[test]
fn a_flusher_writes_its_file_only_after_the_end_of_its_input() {
    let (mut client, file) = with_file("eof-flusher", &["100"]);
    client.initialize();
    assert!(!file.exists());
    let closed = Instant::now();
    client.close_stdin();
    assert!(client.wait().success());
    assert!(closed.elapsed() >= Duration::from_millis(100));
    assert_eq!(fs::read_to_string(file).unwrap(), "flushed\n");
}

#[test]
fn a_flusher_that_is_killed_writes_nothing() {
    let (mut client, file) = with_file("eof-flusher", &["60000"]);
    client.initialize();
    client.close_stdin();
    client.signal(Signal::TERM);
    assert!(!client.wait().success());
    assert!(!file.exists());
}

#[test]
fn a_counter_counts_each_call_once() {
    let (mut client, file) = with_file("counter", &[]);
    client.initialize();
    for number in 0..3 {
        assert_eq!(client.call("count", &json!({ "n": number })), "counted");
    }
    client.signal(Signal::KILL);
    client.wait();
    assert_eq!(
        fs::read_to_string(file).unwrap(),
        "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n"
    );
}

#[test]
fn a_record_holds_every_byte_that_was_received() {
    let (mut client, file) = with_file("record", &[]);
    client.initialize();
    let block = client.ask_tool("block", &json!({}));
    let cancel = format!(
        r#"{{"jsonrpc" : "2.0", "method":"notifications/cancelled","params":{{"requestId":{block}}}}}"#
    );
    client.send(&cancel);
    client.send("not json \u{1F980}");
    client.ping();
    let record = fs::read_to_string(file).unwrap();
    assert!(
        record.contains(&format!("\n{cancel}\nnot json \u{1F980}\n")),
        "{record}"
    );
}

#[test]
fn a_mirror_gives_back_the_bytes_of_params() {
    let mut client = Client::start(&["mirror"]);
    client.initialize();
    for params in [
        r#"{"name":"x","arguments":{"a":1.50,"a":2, "b" : 10000000000000000000000001}}"#,
        r#"{"s":"\u00e9é\/","z":-0.0e+01}"#,
        "{ }",
        "[1, 2]",
    ] {
        client.send(&format!(
            r#"{{"jsonrpc":"2.0","id":"a\u002F","method":"x/y","params":{params}}}"#
        ));
        let line = String::from_utf8(client.stdout.next(SOON).unwrap().unwrap()).unwrap();
        assert_eq!(
            line,
            format!(
                r#"{{"jsonrpc":"2.0","id":"a\u002F","result":{{"content":[],"params":{params}}}}}"#
            )
        );
    }
    client.ask(
        "tools/call",
        &json!({ "name": "emit", "arguments": { "hex": "ff000d0a" } }),
    );
    assert_eq!(client.stdout.next(SOON).unwrap().unwrap(), b"\xff\0\r");
    assert_eq!(
        client.hear()["result"]["content"][0]["text"],
        "wrote 4 bytes"
    );
}

#[test]
fn a_slow_start_reads_nothing_before_its_time() {
    let mut client = Client::start(&["slow-init", "200"]);
    let started = Instant::now();
    client.initialize();
    assert!(started.elapsed() >= Duration::from_millis(200));
    client.ping();
}

#[test]
fn a_server_that_never_starts_answers_nothing() {
    let mut client = Client::start(&["never-init"]);
    client.muster.next(SOON).unwrap();
    client.ask("initialize", &json!({}));
    let silence = client.stdout.next(Duration::from_millis(200)).unwrap_err();
    assert_eq!(silence.kind(), ErrorKind::TimedOut);
}

#[test]
fn a_spinner_burns_the_cpu_once_its_input_has_ended() {
    let mut client = Client::start(&["epipe-spinner"]);
    client.initialize();
    client.close_stdin();
    client.says("stream lost; spinning");
    let deadline = Instant::now() + SOON;
    // Twenty ticks are 200 ms of CPU: far more than the start and one request take.
    while cpu_ticks(client.pid()) < 20 {
        assert!(Instant::now() < deadline, "the server is idle");
        std::thread::yield_now();
    }
}

#[test]
fn a_stopped_server_is_stopped_and_goes_on_when_told() {
    let mut client = Client::start(&["stopped"]);
    client.initialize();
    client.await_stop();
    client.signal(Signal::CONT);
    client.ping();
}

#[test]
fn a_flood_on_stdout_is_notifications_of_the_length_asked_for() {
    let mut client = Client::start(&["flood-stdout", "200000"]);
    client.initialize();
    client.initialized();
    let ping = client.ask("ping", &json!({}));
    let mut flooded = 0;
    loop {
        let line = client.stdout.next(SOON).unwrap().unwrap();
        let message: serde_json::Value = serde_json::from_slice(&line).unwrap();
        if message["id"] == ping {
            break;
        }
        assert_eq!(message["method"], "notifications/message");
        flooded += line.len() + 1;
    }
    assert!((200_000..202_000).contains(&flooded), "{flooded}");
}

#[test]
fn counts_over_their_limit_are_refused() {
    for args in [
        ["forkbomb-lite", "501"],
        ["hop", "2001"],
        ["hydra", "-1"],
        ["slow-init", "x"],
        ["regicide", "1"],
    ] {
        let code = run(&args.map(str::to_owned));
        assert_eq!(
            format!("{code:?}"),
            format!("{:?}", std::process::ExitCode::from(64))
        );
    }
}

fn stat(pid: Pid) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1.to_owned()
}

/// User and system time of a process.
fn cpu_ticks(pid: Pid) -> u64 {
    let stat = stat(pid);
    let mut fields = stat
        .split(' ')
        .skip(11)
        .map(|field| field.parse::<u64>().unwrap());
    fields.next().unwrap() + fields.next().unwrap()
}
