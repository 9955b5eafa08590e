//! Mended sources parse, have the fault no more, and are not mended again.

#![allow(clippy::expect_used, reason = "a test says what it needs by failing")]

use std::collections::BTreeMap;
use std::path::Path;

use dropgate_analyzer::Analysis;
use dropgate_analyzer::analysis::analyze_texts;
use dropgate_analyzer::facts::Name;
use dropgate_analyzer::fix::{self, MENDABLE, Mended};

fn mend(analysis: &Analysis) -> Vec<Mended> {
    fix::mend(analysis).expect("a thread starts")
}

fn of(path: &str, text: &str) -> Analysis {
    analyze_texts(vec![(Name::from(path), text.to_owned())]).expect("threads start")
}

/// The bad fixtures of a rule: language, path in the analysis, and text.
fn faults(rule: &str) -> Vec<(&'static str, String, String)> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut all = Vec::new();
    for language in ["ts", "py", "rs", "go"] {
        let folder = fixtures.join(language).join(rule);
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("a folder is readable").path();
            let name = path.file_name().expect("a name").to_string_lossy();
            if name.starts_with("bad") {
                let text = std::fs::read_to_string(&path).expect("a fixture is readable");
                let place = if language == "rs" {
                    "src/main.rs"
                } else {
                    &name
                };
                all.push((language, place.to_owned(), text));
            }
        }
    }
    all
}

#[test]
fn what_is_mended_is_mended_for_good() {
    let mut mended: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for rule in MENDABLE {
        for (language, path, text) in faults(rule) {
            let before = of(&path, &text);
            let Some(fixed) = mend(&before).pop() else {
                continue;
            };
            let after = of(&path, &fixed.text);
            assert!(after.unanalysable.is_empty(), "{}", fixed.text);
            assert_eq!(mend(&after), [], "{rule} {path}:\n{}", fixed.text);
            for fixed_rule in MENDABLE {
                let count = |analysis: &Analysis| {
                    let found = analysis.findings.iter();
                    found.filter(|it| it.rule == *fixed_rule).count()
                };
                let fixes = fixed.findings.iter().filter(|it| it.0 == *fixed_rule);
                let fixes = fixes.count();
                assert!(
                    count(&after) <= count(&before) - fixes,
                    "{fixed_rule} is still there:\n{}",
                    fixed.text
                );
                if fixed_rule == rule {
                    *mended.entry((rule, language)).or_default() += fixes;
                }
            }
        }
    }
    for wanted in [
        ("LIFE-003", "ts"),
        ("LIFE-003", "py"),
        ("LIFE-003", "go"),
        ("IO-001", "ts"),
        ("IO-001", "py"),
        ("IO-001", "rs"),
        ("IO-001", "go"),
        ("TIME-001", "ts"),
        ("ERR-004", "ts"),
        ("AUTH-001", "ts"),
        ("AUTH-001", "py"),
        ("AUTH-001", "rs"),
        ("AUTH-001", "go"),
    ] {
        assert!(
            mended.get(&wanted).is_some_and(|count| *count > 0),
            "{wanted:?} was not mended: {mended:?}"
        );
    }
}

const HEAD: &str = "\
import { McpServer } from \"@modelcontextprotocol/sdk/server/mcp.js\";
import { StdioServerTransport } from \"@modelcontextprotocol/sdk/server/stdio.js\";
import { Pool } from \"pg\";

const server = new McpServer({ name: \"notes\", version: \"1.0.0\" });
await server.connect(new StdioServerTransport());
";

#[test]
fn the_end_of_input_calls_what_sigterm_calls() {
    let text = format!(
        "{HEAD}const pool = new Pool();
async function shutdown() {{
  setTimeout(() => process.exit(1), 5_000).unref();
  await server.close();
  await pool.end();
  process.exit(0);
}}
process.once(\"SIGTERM\", shutdown); // and no more
process.once(\"SIGINT\", shutdown);
"
    );
    let fixed = mend(&of("server.ts", &text)).pop().expect("a fix");
    let wanted = "process.once(\"SIGTERM\", shutdown); // and no more\nprocess.stdin.once(\"end\", shutdown);\nprocess.once(\"SIGINT\"";
    assert!(fixed.text.contains(wanted), "{}", fixed.text);
    assert_eq!(mend(&of("server.ts", &fixed.text)), []);
}

#[test]
fn members_keep_to_the_lines_of_the_others() {
    let text = format!(
        "{HEAD}server.tool(\"send\", async ({{ url }}) => {{
  const answer = await fetch(url, {{
    method: \"POST\",
  }});
  const short = await fetch(url, {{}});
  return {{ content: [{{ type: \"text\", text: await answer.text() + await short.text() }}] }};
}});
"
    );
    let fixed = mend(&of("server.ts", &text)).pop().expect("a fix");
    let signal = "signal: AbortSignal.timeout(30_000),";
    let long = format!("fetch(url, {{\n    {signal}\n    method: \"POST\",\n  }});");
    assert!(fixed.text.contains(&long), "{}", fixed.text);
    let short = format!("fetch(url, {{ {signal}}});");
    assert!(fixed.text.contains(&short), "{}", fixed.text);
}

#[test]
fn other_shapes_are_left_alone() {
    for (path, text) in [
        // The name of the loop is taken, and a handler of both signals needs one.
        (
            "a.ts",
            format!(
                "{HEAD}const ending = 1;\nprocess.on(\"SIGINT\", async () => {{ await server.close(); }});\n"
            ),
        ),
        // Not a statement of its own.
        (
            "a.ts",
            format!("{HEAD}const on = process.on(\"SIGINT\", () => server.close());\n"),
        ),
    ] {
        let found = of(path, &text);
        let fixed = mend(&found);
        let signals = fixed.iter().flat_map(|it| &it.findings);
        assert_eq!(
            signals.filter(|it| it.0 == "LIFE-003").count(),
            0,
            "{fixed:#?}"
        );
    }
}

#[test]
fn lines_end_as_those_of_the_file_do() {
    let mut made = 0;
    for rule in MENDABLE {
        for (_, path, text) in faults(rule) {
            let windows = text.replace('\n', "\r\n");
            let plain = mend(&of(&path, &text)).pop().map(|it| it.text);
            let fixed = mend(&of(&path, &windows)).pop().map(|it| it.text);
            let wanted = plain.map(|it| it.replace('\n', "\r\n"));
            assert_eq!(fixed, wanted, "{rule} {path}");
            made += usize::from(fixed.is_some());
        }
    }
    assert!(made > 10, "{made}");
}

#[test]
fn a_package_by_another_name_is_not_taken_for_it() {
    let faults = faults("IO-001");
    let (_, path, text) = faults
        .iter()
        .find(|(language, path, _)| *language == "go" && path == "bad.go")
        .expect("a fixture");
    assert!(!mend(&of(path, text)).is_empty());
    for other in ["system \"os\"", "os \"example.org/os\""] {
        let renamed = text.replace("\t\"os\"\n", "").replacen(
            "import (\n",
            &format!("import (\n\t{other}\n"),
            1,
        );
        assert!(renamed.contains(other), "{renamed}");
        let fixed = mend(&of(path, &renamed));
        let compiles = fixed.iter().all(|it| it.text.contains("\t\"os\"\n"));
        assert!(compiles, "{fixed:#?}");
        assert!(
            other.starts_with("system") || fixed.is_empty(),
            "{fixed:#?}"
        );
    }
}

#[test]
fn a_branch_without_braces_gets_no_second_statement() {
    let text = format!(
        "{HEAD}const shutdown = () => server.close();
if (process.argv.length > 2)
  process.on(\"SIGINT\", shutdown);
"
    );
    let found = of("a.ts", &text);
    assert!(found.findings.iter().any(|it| it.rule == "LIFE-003"));
    let fixed = mend(&found);
    let rules = fixed.iter().flat_map(|it| &it.findings);
    assert_eq!(
        rules.filter(|it| it.0 == "LIFE-003").count(),
        0,
        "{fixed:#?}"
    );
}

/// A parser that recurses would exhaust the stack of a test's thread, which is as small as a caller's may be.
#[test]
fn mending_nested_source_ends() {
    let nested = "keyof\n".repeat(3_900);
    let text = format!("{HEAD}console.log(\"up\");\nlet a: {nested}b;\n");
    let fixed = mend(&of("server.ts", &text));
    assert_eq!(fixed.len(), 1, "one file is mended");
}

/// A generator as an argument takes no second one, and what stands after a comment is part of it.
#[test]
fn a_mend_that_does_not_fit_spoils_no_other() {
    let text = "\
from mcp.server.fastmcp import FastMCP

mcp = FastMCP(\"notes\")


@mcp.tool()
def show(notes: list) -> str:
    print(note for note in notes)
    print(\"first\")
    print(\"second\",  # of three
    )
    print(\"third\")
    return \"shown\"


mcp.run()
";
    let fixed = mend(&of("server.py", text)).pop().expect("a fix");
    assert!(
        fixed.text.contains("print(\"first\", file=sys.stderr)"),
        "{}",
        fixed.text
    );
    assert!(
        fixed.text.contains("print(\"third\", file=sys.stderr)"),
        "{}",
        fixed.text
    );
    assert!(
        fixed.text.contains("print(note for note in notes)"),
        "{}",
        fixed.text
    );
    // The first one brought the import that the others need too.
    assert_eq!(
        fixed.text.matches("import sys\n").count(),
        1,
        "{}",
        fixed.text
    );
    let lines: Vec<u32> = fixed.findings.iter().map(|it| it.1).collect();
    assert_eq!(lines, [9, 12]);
    assert_eq!(mend(&of("server.py", &fixed.text)), []);
}
