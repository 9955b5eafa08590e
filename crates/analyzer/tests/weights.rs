//! How bad a finding is where a rule knows more than one degree.

#![allow(clippy::expect_used, reason = "a test says what it needs by failing")]

use dropgate_analyzer::analysis::analyze_texts;
use dropgate_analyzer::facts::Name;
use dropgate_analyzer::finding::Severity;

fn weight(rule: &str, source: &str) -> Vec<Severity> {
    let texts = vec![(Name::from("server/main.py"), source.to_owned())];
    let analysis = analyze_texts(texts).expect("threads start");
    let found = analysis.findings.iter().filter(|one| one.rule == rule);
    found.map(|one| one.severity).collect()
}

const IDLE: &str = r#"from mcp.server.fastmcp import FastMCP

mcp = FastMCP("notes")


@mcp.tool()
def double(number: int) -> int:
    return number * 2


mcp.run()
"#;

const READING: &str = r#"from mcp.server.fastmcp import FastMCP

mcp = FastMCP("notes")


@mcp.tool()
def read(path: str) -> str:
    try:
        return open(path).read()
    except OSError as error:
        return f"failed: {error}"


mcp.run()
"#;

#[test]
fn a_server_that_keeps_nothing_loses_less_by_a_signal() {
    assert_eq!(weight("LIFE-001", IDLE), [Severity::Medium]);
    assert_eq!(weight("LIFE-001", READING), [Severity::High]);
}

#[test]
fn the_text_of_a_failure_of_files_names_paths() {
    assert_eq!(weight("ERR-002", READING), [Severity::High]);
    let inner = READING.replace("open(path).read()", "path.upper()");
    assert_eq!(weight("ERR-002", &inner), [Severity::Medium]);
}
