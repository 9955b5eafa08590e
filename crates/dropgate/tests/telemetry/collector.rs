//! A real collector.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rustix::process::Signal;
use serde_json::json;

use crate::stage::{Place, WITHIN};

/// A running rotel, which writes all that it gets to a log; ended when dropped.
struct Rotel {
    child: Child,
    address: String,
    log: PathBuf,
}

impl Rotel {
    /// None, said, where it is not installed.
    fn start(test: &str, folder: &Path) -> Option<Self> {
        let Some(counterparts) = std::env::var_os("DROPGATE_COUNTERPARTS") else {
            // Past the capture of the test's own output.
            let line = format!("skipped: {test}: run cargo xtask test\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            return None;
        };
        // It takes no port of the system's choice.
        let free = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [address, grpc] = free.map(|one| one.local_addr().unwrap().to_string());
        let log = folder.join("rotel.log");
        let child = Command::new(Path::new(&counterparts).join("bin/rotel-agent"))
            .args(["start", "--exporter", "blackhole"])
            .args(["--debug-log", "traces", "--debug-log", "metrics"])
            .args(["--debug-log-verbosity", "detailed"])
            .args(["--otlp-http-endpoint", &address])
            .args(["--otlp-grpc-endpoint", &grpc])
            .stdin(Stdio::null())
            .stdout(File::create(&log).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + WITHIN;
        while TcpStream::connect(&address).is_err() {
            assert!(Instant::now() < until, "rotel does not listen");
            std::thread::yield_now();
        }
        Some(Self {
            child,
            address: format!("http://{address}"),
            log,
        })
    }

    /// Waits until it has logged this; the whole log.
    fn wait_for(&self, text: &str) -> String {
        let until = Instant::now() + WITHIN;
        loop {
            let log = fs::read_to_string(&self.log).unwrap();
            if log.contains(text) {
                return log;
            }
            assert!(Instant::now() < until, "rotel has not got {text}: {log}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Rotel {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended = self.child.wait();
    }
}

#[test]
fn a_real_collector_gets_what_ended_in_the_drain() {
    let place = Place::new("");
    let test = "a_real_collector_gets_what_ended_in_the_drain";
    let Some(rotel) = Rotel::start(test, place.path()) else {
        return;
    };
    place.configure(&format!(
        "[telemetry]\notlp = \"{}\"\n[tools.wait]\non_shutdown = \"finish\"\n",
        rotel.address
    ));
    let mut run = place.run(&[]);
    let waiting = run.send("tools/call", &json!({"name": "wait", "arguments": {}}));
    let mut gate = place.gate();
    run.signal(Signal::TERM);
    run.reach("draining");
    gate.write_all(b"go\n").unwrap();
    run.answer(waiting);
    let report = run.end();
    let telemetry = json!({"spans_exported": 4, "spans_lost": 0, "metrics_lost": false});
    assert_eq!(report["telemetry"], telemetry);
    let log = rotel.wait_for("mcp.server.session.duration");
    for line in [
        "-> mcp.method.name: Str(tools/call)",
        "-> gen_ai.tool.name: Str(wait)",
        "-> dropgate.outcome: Str(completed)",
        "Kind           : SPAN_KIND_SERVER",
        "Kind           : SPAN_KIND_CLIENT",
        "-> Name: mcp.server.operation.duration",
        "-> DataType: Histogram",
    ] {
        assert!(log.contains(line), "{line}: {log}");
    }
}
