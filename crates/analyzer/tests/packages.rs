//! Several packages in one tree: what one of them does excuses no other.

#![allow(clippy::expect_used, reason = "a test says what it needs by failing")]

use dropgate_analyzer::analysis::analyze_texts;
use dropgate_analyzer::facts::Name;
use dropgate_analyzer::finding::{Confidence, Finding, Severity};

const SERVER: &str = r#"import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { Pool } from "pg";
import { spawn } from "node:child_process";

const server = new McpServer({ name: "notes", version: "1.0.0" });
await server.connect(new StdioServerTransport());
const pool = new Pool({ max: 2 });
server.tool("rows", async () => {
  const answer = await fetch("https://notes.example.com");
  return { content: [{ type: "text", text: await answer.text() }] };
});
server.tool("child", async () => {
  spawn("kubectl", ["proxy"]);
  return { content: [] };
});
"#;

const CAREFUL: &str = r#"import { McpServer } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import CircuitBreaker from "opossum";

const token = process.env.GITHUB_TOKEN;
const breaker = new CircuitBreaker(async () => token, { timeout: 1000 });
serveStdio(() => new McpServer({ name: "other", version: "1.0.0" }));
"#;

fn found(files: &[(&str, &str)]) -> Vec<Finding> {
    let texts = files
        .iter()
        .map(|(path, text)| (Name::from(*path), (*text).to_owned()))
        .collect();
    let analysis = analyze_texts(texts).expect("threads start");
    assert!(
        analysis.unanalysable.is_empty(),
        "{:?}",
        analysis.unanalysable
    );
    analysis.findings
}

fn of<'f>(findings: &'f [Finding], rule: &str, file: &str) -> Vec<&'f Finding> {
    findings
        .iter()
        .filter(|finding| finding.rule == rule && &*finding.file == file)
        .collect()
}

#[test]
fn what_one_package_does_excuses_no_other() {
    let both = found(&[
        (
            "packages/a/package.json",
            r#"{"name": "a", "type": "module"}"#,
        ),
        ("packages/a/src/index.ts", CAREFUL),
        (
            "packages/b/package.json",
            r#"{"name": "b", "type": "module"}"#,
        ),
        ("packages/b/src/index.ts", SERVER),
    ]);
    let other = "packages/b/src/index.ts";
    assert_eq!(of(&both, "CB-001", other).len(), 1, "the breaker is of a");
    assert_eq!(
        of(&both, "LIFE-004", other).len(),
        1,
        "the SDK of version 2 is of a, and would end no pool"
    );
    assert!(
        of(&both, "CRED-004", other).is_empty(),
        "the secret is of a"
    );
    let one = found(&[
        ("package.json", r#"{"name": "a", "type": "module"}"#),
        ("src/other.ts", CAREFUL),
        ("src/index.ts", SERVER),
    ]);
    // A breaker excuses nothing that does not go through it, in its own package either.
    assert_eq!(of(&one, "CB-001", "src/index.ts").len(), 1);
    // Version 2 of the SDK beside it closes a transport at the end of stdin, and no pool.
    assert_eq!(of(&one, "LIFE-004", "src/index.ts").len(), 1);
    assert_eq!(of(&one, "CRED-004", "src/index.ts").len(), 1);
}

const HANDED: &str = r#"import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { setupGracefulShutdown } from "@notes/runtime";
import { Kysely, PostgresDialect } from "kysely";
import { Pool } from "pg";

const server = new McpServer({ name: "notes", version: "1.0.0" });
const pool = new Pool({ max: 2 });
const database = new Kysely({ dialect: new PostgresDialect({ pool }) });
setupGracefulShutdown({ timeout: 1000 });
await server.connect(new StdioServerTransport());
"#;

const INTERRUPTED: &str = r#"
process.on("SIGINT", async () => {
  await database.destroy();
});
"#;

#[test]
fn what_a_dependency_may_do_is_unknown() {
    let bare = found(&[("src/index.ts", HANDED)]);
    let interrupted = found(&[("src/index.ts", &format!("{HANDED}{INTERRUPTED}"))]);
    let cases = [
        (&bare, "LIFE-001", "@notes/runtime"),
        (&interrupted, "LIFE-003", "@notes/runtime"),
        (&interrupted, "RES-001", "kysely"),
    ];
    for (findings, rule, import) in cases {
        let all: Vec<_> = of(findings, rule, "src/index.ts")
            .iter()
            .map(|one| (one.confidence, one.severity, one.blocked_by.as_deref()))
            .collect();
        assert_eq!(
            all,
            [(Confidence::Unknown, Severity::Info, Some(import))],
            "{rule}"
        );
    }
    let pool = of(&bare, "RES-001", "src/index.ts");
    let known: Vec<_> = pool.iter().map(|one| one.confidence).collect();
    assert_eq!(known, [Confidence::Proved], "nothing closes anything here");
}

const TRACED: &str = r#"
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { Notes } from "@notes/runtime";

const provider = new NodeTracerProvider();
const notes = new Notes({ provider });
process.on("SIGTERM", async () => {
  await notes.destroy();
});
"#;

#[test]
fn a_provider_that_a_dependency_may_shut_down_is_unknown() {
    let findings = found(&[("src/index.ts", TRACED)]);
    let told: Vec<_> = of(&findings, "AUD-004", "src/index.ts")
        .iter()
        .map(|one| (one.confidence, one.blocked_by.clone()))
        .collect();
    let import = Some(String::from("@notes/runtime"));
    assert_eq!(told, [(Confidence::Unknown, import)]);
}

#[test]
fn a_module_below_is_followed_without_self() {
    let tools = r#"use rmcp::{ErrorData as McpError, tool, tool_router};
mod login;
pub struct Notes;
#[tool_router]
impl Notes {
    #[tool(description = "logs in")]
    async fn login(&self) -> Result<String, McpError> {
        login::login().await
    }
}
"#;
    let login = r#"use rmcp::ErrorData as McpError;
pub async fn login() -> Result<String, McpError> {
    let answer = reqwest::get("http://localhost").await;
    answer.map_err(|error| McpError::internal_error(format!("no answer: {error}"), None))?;
    Ok(String::new())
}
"#;
    let findings = found(&[
        ("src/main.rs", "mod tools;\nfn main() {}\n"),
        ("src/tools/mod.rs", tools),
        ("src/tools/login.rs", login),
    ]);
    let lines: Vec<u32> = of(&findings, "ERR-002", "src/tools/login.rs")
        .iter()
        .map(|one| one.line)
        .collect();
    assert_eq!(lines, [4]);
}

/// `const handler = handlers[name]`, where the object and the function stand in files of their own.
#[test]
fn a_tool_that_is_looked_up_by_its_name_is_followed() {
    let server = r#"import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { handlers } from "./tools.js";
const server = new Server({ name: "one", version: "1" });
server.setRequestHandler(CallToolRequestSchema, async (request) => {
  const handler = handlers[request.params.name];
  return await handler(request.params.arguments);
});
"#;
    let list = r#"export async function list() {
  try { return await read(); }
  catch (error) { return { content: [{ type: "text", text: error.message }], isError: true }; }
}
"#;
    let tools =
        "import { list } from \"./list.js\";\nexport const handlers = { list_notes: list };\n";
    let findings = found(&[
        ("server.js", server),
        ("tools.js", tools),
        ("list.js", list),
    ]);
    let leaks = of(&findings, "ERR-002", "list.js");
    let lines: Vec<u32> = leaks.iter().map(|one| one.line).collect();
    assert_eq!(lines, [3]);
}

/// What a file does as a program of its own is no part of a program that imports it.
#[test]
fn a_guard_of_the_main_module_is_of_that_program_alone() {
    const DEVICE: &str = r#"import { fileURLToPath } from "node:url";
export class Device {
  constructor() {
    process.on("SIGTERM", () => process.exit(0));
  }
}
const isMain = process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1];
if (isMain) {
  new Device();
}
"#;
    const PROGRAM: &str = r#"#!/usr/bin/env node
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { Device } from "./device.js";

async function main() {
  if (process.argv[2] === "device") {
    new Device();
    return;
  }
  await new McpServer({ name: "notes", version: "1.0.0" }).connect(new StdioServerTransport());
}
main();
"#;
    let apart = found(&[("src/index.ts", PROGRAM), ("src/device.ts", DEVICE)]);
    assert_eq!(of(&apart, "LIFE-001", "src/index.ts").len(), 1);
    assert!(of(&apart, "LIFE-002", "src/device.ts").is_empty());
    let unguarded = DEVICE.replace("if (isMain)", "if (process.argv[2])");
    let joined = found(&[("src/index.ts", PROGRAM), ("src/device.ts", &unguarded)]);
    assert!(of(&joined, "LIFE-001", "src/index.ts").is_empty());
    assert_eq!(of(&joined, "LIFE-002", "src/device.ts").len(), 1);
}

/// A program that only waits for the answer of a login is no server, where the package has one.
#[test]
fn a_login_beside_a_server_is_none() {
    const LOGIN: &str = r#"import http from "node:http";
http.createServer((request, answer) => answer.end("done")).listen(4000);
process.on("SIGINT", () => process.exit(0));
"#;
    const SERVER: &str = r#"import http from "node:http";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
await new McpServer({ name: "notes", version: "1.0.0" }).connect(transport);
http.createServer((request, answer) => transport.handleRequest(request, answer)).listen(3000);
"#;
    let manifest = ("package.json", r#"{"name": "notes", "type": "module"}"#);
    let both = found(&[manifest, ("src/login.ts", LOGIN), ("src/index.ts", SERVER)]);
    assert!(of(&both, "LIFE-003", "src/login.ts").is_empty());
    assert_eq!(of(&both, "LIFE-001", "src/index.ts").len(), 1);
    let alone = found(&[manifest, ("src/login.ts", LOGIN)]);
    assert_eq!(of(&alone, "LIFE-003", "src/login.ts").len(), 1);
    const CALLER: &str = r#"import { Client } from "@modelcontextprotocol/sdk/client/index.js";
export const client = new Client({ name: "caller", version: "1.0.0" });
"#;
    let caller = found(&[manifest, ("src/login.ts", LOGIN), ("src/call.ts", CALLER)]);
    assert!(of(&caller, "LIFE-003", "src/login.ts").is_empty());
}

/// What starts a server in its place gives it its streams.
#[test]
fn a_launcher_gives_its_stdout_to_the_server() {
    const LAUNCHER: &str = r#"#!/usr/bin/env node
import { execFileSync } from "node:child_process";
console.log("starting");
execFileSync("./notes", process.argv.slice(2), { stdio: "inherit" });
"#;
    let manifest = ("package.json", r#"{"name": "mcp-notes", "type": "module"}"#);
    let findings = found(&[manifest, ("bin/index.js", LAUNCHER)]);
    let told = of(&findings, "IO-001", "bin/index.js");
    let lines: Vec<u32> = told.iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [3], "the text, and not the child");
}

/// A hook of another file for the exit of the process is not where SIGTERM is missing.
#[test]
fn the_exit_hook_of_another_file_is_not_the_start() {
    const CACHE: &str = r#"export const cache = new Map();
process.on("exit", () => cache.clear());
"#;
    const SERVER: &str = r#"import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { cache } from "./cache.js";
cache.set("started", true);
await new McpServer({ name: "notes", version: "1.0.0" }).connect(new StdioServerTransport());
"#;
    let findings = found(&[("src/index.ts", SERVER), ("src/cache.ts", CACHE)]);
    assert_eq!(of(&findings, "LIFE-001", "src/index.ts").len(), 1);
    assert!(of(&findings, "LIFE-001", "src/cache.ts").is_empty());
}
