//! What findings say of how sure they are: proved where every step was seen, else what had to be trusted.

#![allow(clippy::expect_used, reason = "a test says what it needs by failing")]

use dropgate_analyzer::analysis::analyze_texts;
use dropgate_analyzer::facts::Name;
use dropgate_analyzer::finding::{Blocked, Confidence, Followed, Ground, Trusted};

const SERVER: &str = r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { Pool } from "pg";
import { settle } from "@notes/runtime";
const server = new McpServer({ name: "notes", version: "1" });
"#;

/// A rule, what stands behind the head of a server, and what the finding stands on.
const CASES: &[(&str, &str, Ground)] = &[
    (
        "LIFE-002",
        r#"process.on("SIGTERM", () => process.exit(0));"#,
        Ground::Proved(Followed::Hook),
    ),
    (
        "LIFE-002",
        r#"process.on("SIGTERM", async () => { await settle(); process.exit(0); });"#,
        Ground::Likely(Trusted::Unread),
    ),
    (
        "RES-001",
        r#"const pool = new Pool(); process.on("SIGTERM", () => server.close());"#,
        Ground::Proved(Followed::Stop),
    ),
    (
        "RES-001",
        r#"const pool = new Pool(); process.on("SIGTERM", () => globalThis.kept.forEach((one) => one.close()));"#,
        Ground::Likely(Trusted::Unread),
    ),
    (
        "AUTH-001",
        r#"
async function passes(user) { try { return await ask(user); } catch { return true; } }
server.registerTool("a", {}, async (user) => { if (!(await passes(user))) throw new Error("forbidden"); return {}; });
"#,
        Ground::Proved(Followed::Value),
    ),
    (
        "AUTH-001",
        r#"
async function checkAccess(user) { try { return await ask(user); } catch { return true; } }
server.registerTool("a", {}, async (user) => ({ seen: await checkAccess(user) }));
"#,
        Ground::Likely(Trusted::Name),
    ),
    (
        "TIME-001",
        r#"server.registerTool("a", {}, async () => { await fetch("https://a.example"); return {}; });"#,
        Ground::Proved(Followed::Call),
    ),
    (
        "TIME-001",
        r#"
class Notes { async load() { await fetch("https://a.example"); } }
server.registerTool("a", {}, async () => { await globalThis.notes.load(); return {}; });
"#,
        Ground::Likely(Trusted::Reach),
    ),
    (
        "TIME-001",
        r#"export async function load(options) { return fetch("https://a.example", { ...options, method: "GET" }); }"#,
        Ground::Unknown(Blocked::Options),
    ),
    (
        "TIME-001",
        r#"export async function load(init) { return fetch("https://a.example", init); }"#,
        Ground::Unknown(Blocked::Options),
    ),
];

#[test]
fn proved_is_what_was_seen_on_every_step() {
    let mut wrong = Vec::new();
    for (rule, source, ground) in CASES {
        let text = format!("{SERVER}{source}\nawait server.connect(new StdioServerTransport());\n");
        let analysis =
            analyze_texts(vec![(Name::from("src/server.ts"), text)]).expect("threads start");
        let found: Vec<(Confidence, &str)> = analysis
            .findings
            .iter()
            .filter(|finding| finding.rule == *rule)
            .map(|finding| (finding.confidence, finding.because))
            .collect();
        if found != [(ground.confidence(), ground.reason())] {
            wrong.push(format!("{rule} {source}: {found:?}, not {ground:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
