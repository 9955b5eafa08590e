//! Servers that are polite, or that take the wrong time: for starting, ending or writing.

use std::fs;
use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use dropgate_probe::servers::protocol::{End, Manners, Message, Peer, Turn, Usual};
use dropgate_probe::servers::roll::Launch;
use dropgate_probe::servers::tools::{Call, MAX_SLOW_MS, Reply, Tool};
use dropgate_probe::servers::{AtEof, conclude, offspring, say, signals};
use rustix::process::{Signal, getpid, kill_process};
use serde_json::json;

use crate::manners::INITIALIZED;
use crate::stage::{Failure, no_tools, talk, talk_and_exit};

/// What `epipe-spinner` says on stderr when it begins to spin.
const SPINNING: &str = "stream lost; spinning";

const MAX_MS: u64 = 600_000;
const SLOW_INIT_MS: u64 = 3_000;
const FLUSH_MS: u64 = 200;
const FLOOD_BYTES: u64 = 16_000_000;
const MAX_FLOOD_BYTES: u64 = 1 << 30;
const REPORT_MS: u64 = 100;
const MAX_REPORTS: u64 = 1_000;

pub(crate) fn polite(launch: &Launch) -> Result<ExitCode, Failure> {
    Ok(talk_and_exit("polite", launch, &mut Usual))
}

pub(crate) fn ignterm(launch: &Launch) -> Result<ExitCode, Failure> {
    signals::ignore(&signals::catchable())?;
    let end = talk("ignterm", launch, no_tools, &mut Usual);
    Ok(conclude(end, AtEof::Stay))
}

pub(crate) fn slow_init(launch: &Launch) -> Result<ExitCode, Failure> {
    let pause = Duration::from_millis(launch.number(0, SLOW_INIT_MS, MAX_MS)?);
    Ok(talk_and_exit("slow-init", launch, &mut SlowInit { pause }))
}

struct SlowInit {
    pause: Duration,
}

impl Manners for SlowInit {
    fn asked(&mut self, request: &Message<'_>, _: &Peer) -> Turn {
        if request.method.as_deref() == Some("initialize") {
            thread::sleep(self.pause);
        }
        Turn::Usual
    }
}

pub(crate) fn never_init(launch: &Launch) -> Result<ExitCode, Failure> {
    launch.roll.enter_self("never-init");
    offspring::rest();
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn epipe_spinner(launch: &Launch) -> Result<ExitCode, Failure> {
    match talk("epipe-spinner", launch, no_tools, &mut Usual) {
        End::Left(code) => return Ok(ExitCode::from(code)),
        End::Eof | End::Broken => say(SPINNING),
    }
    let until = Instant::now() + offspring::LIFETIME;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn eof_flusher(launch: &Launch) -> Result<ExitCode, Failure> {
    let file = launch.text(0, "the file to write")?;
    let pause = Duration::from_millis(launch.number(1, FLUSH_MS, MAX_MS)?);
    let end = talk("eof-flusher", launch, no_tools, &mut Usual);
    thread::sleep(pause);
    fs::write(file, "flushed\n")?;
    Ok(conclude(end, AtEof::Exit))
}

pub(crate) fn stopped(launch: &Launch) -> Result<ExitCode, Failure> {
    Ok(talk_and_exit("stopped", launch, &mut Stopped))
}

struct Stopped;

impl Manners for Stopped {
    fn answered(&mut self, method: &str) -> Turn {
        if method == "initialize" && kill_process(getpid(), Signal::STOP).is_err() {
            return Turn::Leave(1);
        }
        Turn::Usual
    }
}

pub(crate) fn flood_stdout(launch: &Launch) -> Result<ExitCode, Failure> {
    let bytes = launch.number(0, FLOOD_BYTES, MAX_FLOOD_BYTES)?;
    let mut flood = Flood {
        bytes,
        peer: Peer::stdout(),
    };
    Ok(talk_and_exit("flood-stdout", launch, &mut flood))
}

struct Flood {
    bytes: u64,
    peer: Peer,
}

impl Flood {
    fn pour(&self) -> io::Result<()> {
        let line = format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\
             \"params\":{{\"level\":\"debug\",\"data\":\"{}\"}}}}\n",
            "x".repeat(900)
        );
        for _ in 0..self.bytes.div_ceil(line.len() as u64) {
            self.peer.raw(line.as_bytes())?;
        }
        Ok(())
    }
}

impl Manners for Flood {
    fn notified(&mut self, method: &str) -> Turn {
        if method == INITIALIZED && self.pour().is_err() {
            return Turn::Leave(1);
        }
        Turn::Usual
    }
}

pub(crate) fn reporter(launch: &Launch) -> Result<ExitCode, Failure> {
    let progress = |peer: &Peer| {
        let peer = peer.clone();
        vec![Tool::threaded(
            "progress",
            "Reports progress some times, then answers",
            &[("every_ms", "integer"), ("times", "integer")],
            move |call| report(call, &peer).unwrap_or_else(|reply| reply),
        )]
    };
    let end = talk("reporter", launch, progress, &mut Usual);
    Ok(conclude(end, AtEof::Exit))
}

fn report(call: &Call, peer: &Peer) -> Result<Reply, Reply> {
    let pause = Duration::from_millis(call.number("every_ms", REPORT_MS, MAX_SLOW_MS)?);
    let times = call.number("times", 1, MAX_REPORTS)?;
    let token = call.progress_token.as_ref();
    let token =
        token.ok_or_else(|| Reply::ToolError("the call has no progressToken".to_owned()))?;
    for done in 1..=times {
        thread::sleep(pause);
        let params = json!({"progressToken": token, "progress": done, "total": times});
        let told = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params});
        peer.raw(format!("{told}\n").as_bytes())
            .map_err(|error| Reply::ToolError(error.to_string()))?;
    }
    Ok(Reply::Text(format!("reported {times} times")))
}
