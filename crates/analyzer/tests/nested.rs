//! Source that is written to take long: the work does not multiply with each call inside a call.

#![allow(clippy::expect_used, reason = "a test says what it needs by failing")]

use std::sync::mpsc::channel;
use std::time::Duration;

use dropgate_analyzer::Analysis;
use dropgate_analyzer::analysis::analyze_texts;
use dropgate_analyzer::facts::Name;

/// Far over what either source takes, and far below what it took if every call were followed once
/// for each call around it.
const WITHIN: Duration = Duration::from_secs(60);

fn of(catch: &str, functions: &str) -> Analysis {
    let source = format!(
        r#"import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ StdioServerTransport }} from "@modelcontextprotocol/sdk/server/stdio.js";
const server = new McpServer({{ name: "nested", version: "1" }});
{functions}
server.registerTool("query", {{}}, async () => {{
  try {{
    return await read();
  }} catch (error) {{
    return {{ content: [{{ type: "text", text: {catch} }}] }};
  }}
}});
await server.connect(new StdioServerTransport());
"#
    );
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let files = vec![(Name::from("src/server.ts"), source)];
        let _received_in_time = sender.send(analyze_texts(files).expect("threads start"));
    });
    receiver.recv_timeout(WITHIN).expect("an end in time")
}

fn leaks(analysis: &Analysis) -> bool {
    let mut findings = analysis.findings.iter();
    findings.any(|finding| finding.rule == "ERR-002")
}

#[test]
fn calls_inside_calls_end() {
    let depth = 60;
    let catch = format!("{}error.message{}", "f(".repeat(depth), ")".repeat(depth));
    let analysis = of(&catch, "function f(x) { return x; }");
    assert!(leaks(&analysis), "the message arrives through all of them");
}

#[test]
fn functions_that_call_each_other_often_end() {
    let calls = "g(x), ".repeat(400);
    let functions = format!("function g(x) {{ return [{calls}\"\"]; }}");
    let analysis = of("g(error.message)", &functions);
    assert_eq!(analysis.analysed.servers, 1);
}
