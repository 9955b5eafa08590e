//! `--probe`: what a run of the server confirms and refutes.

use std::process::Command;

use crate::place::{BAD, Place, rules};

/// A server in plain Node, which is not on this machine's disk otherwise: the import is for the reader of the source only.
const SERVER: &str = "\
const lines = require('node:readline').createInterface({ input: process.stdin });
const answer = (id, result) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
lines.on('line', (line) => {
  const { id, method } = JSON.parse(line);
  if (method === 'initialize') answer(id, { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'a', version: '1' } });
  if (method === 'tools/list') answer(id, { tools: [] });
  if (method === 'ping') answer(id, {});
});
";

/// What the analyser sees: the same server on the SDK.
const SOURCE: &str = "\
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
const server = new McpServer({ name: 'a', version: '1' });
await server.connect(new StdioServerTransport());
";

fn node_is_there() -> bool {
    Command::new("node").arg("--version").output().is_ok()
}

fn probed(server: &str) -> (Place, serde_json::Value) {
    let place = Place::with("pkg/src/server.ts", SOURCE);
    place.write("run.js", server);
    let page = place.json(&[
        "pkg",
        "--probe",
        "--probe-bound",
        "3s",
        "--",
        "node",
        "run.js",
    ]);
    (place, page)
}

#[test]
fn a_run_confirms_and_refutes() {
    if !node_is_there() {
        eprintln!("skipped: there is no node");
        return;
    }
    let (place, page) = probed(SERVER);
    let finding = &page["findings"][0];
    assert_eq!(rules(&page), ["LIFE-001"], "{page}");
    assert_eq!(finding["confidence"], "proved");
    assert_eq!(finding["probe"]["outcome"], "confirmed");
    drop(place);

    let handled = format!("process.on('SIGTERM', () => process.exit(0));\n{SERVER}");
    let (_place, page) = probed(&handled);
    assert_eq!(rules(&page), Vec::<String>::new(), "{page}");
    let refuted = &page["suppressed"][0];
    assert_eq!(refuted["rule"], "LIFE-001");
    assert_eq!(refuted["suppression"]["kind"], "refuted");
    assert_eq!(page["grade"], "A");
}

#[test]
fn mistakes_are_named() {
    let place = Place::with("pkg/src/server.ts", SOURCE);
    assert_eq!(place.audit(&["pkg", "--probe"]).code(), 64);
    assert_eq!(place.audit(&["pkg", "--", "node", "run.js"]).code(), 64);
    let none = place.audit(&["pkg", "--probe", "--", "/nonexistent/server"]);
    assert_eq!(none.code(), 2, "{}", none.stderr());
    if node_is_there() {
        place.write("run.js", SERVER);
        let call = ["--probe-call", "nothing_such", "{}"];
        let mut line = vec!["pkg", "--probe"];
        line.extend(call);
        line.extend(["--", "node", "run.js"]);
        let unknown = place.audit(&line);
        assert_eq!(unknown.code(), 64, "{}", unknown.stderr());
        let told = "--probe-call: the server has no tool \"nothing_such\"; it lists none";
        assert!(unknown.stderr().contains(told), "{}", unknown.stderr());
    }
    let silent = place.audit(&["pkg", "--probe", "--", "true"]);
    assert_eq!(silent.code(), 2, "{}", silent.stderr());
}

/// Some servers ship inside the program; one dies by its signal with its calls.
#[test]
fn a_call_in_flight_settles_what_an_idle_run_does_not() {
    let place = Place::with("pkg/src/server.ts", BAD);
    let settled = |call: &[&str], server: &str| {
        let dropgate = env!("CARGO_BIN_EXE_dropgate");
        let before = ["pkg", "--probe", "--probe-bound", "3s"];
        let after = ["--", dropgate, "__server", server];
        place.json(&[&before, call, &after].concat())
    };
    let long = ["--probe-call", "slow", r#"{"ms":60000}"#];
    let short = ["--probe-call", "echo", r#"{"text":"x"}"#];
    let outcome = |page: &serde_json::Value| {
        assert_eq!(rules(page), ["LIFE-002"], "{page}");
        page["findings"][0]["probe"]["outcome"].clone()
    };
    assert_eq!(outcome(&settled(&long, "plain")), "confirmed");
    // Idle, or with a call that was answered before the signal, it shows nothing of calls in flight.
    assert!(outcome(&settled(&[], "plain")).is_null());
    assert!(outcome(&settled(&short, "plain")).is_null());

    if node_is_there() {
        let waits = format!(
            "{SERVER}
let held;
lines.on('line', (line) => {{
  const {{ id, method }} = JSON.parse(line);
  if (method === 'tools/call') held = id;
}});
process.on('SIGTERM', () => {{
  answer(held, {{ content: [] }});
  setTimeout(() => process.exit(0), 100);
}});
"
        );
        place.write(
            "run.js",
            waits.replace(
                "{ tools: [] }",
                "{ tools: [{ name: 'slow', inputSchema: {} }] }",
            ),
        );
        let before = ["pkg", "--probe", "--probe-bound", "3s"];
        let page = place.json(&[&before[..], &long, &["--", "node", "run.js"]].concat());
        assert_eq!(rules(&page), Vec::<String>::new(), "{page}");
        assert_eq!(page["suppressed"][0]["rule"], "LIFE-002");
        assert_eq!(page["suppressed"][0]["suppression"]["kind"], "refuted");
    }
}
