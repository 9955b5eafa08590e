//! Every rule finds its bad sources, on the lines marked `FINDING`, and leaves the good ones and the near misses alone.

#![allow(clippy::expect_used, reason = "a test says what it needs by failing")]
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dropgate_analyzer::analysis::analyze_texts;
use dropgate_analyzer::facts::Name;
use dropgate_analyzer::finding::{Finding, Severity};
use dropgate_analyzer::rules::{RULES, Rule};

fn folder(rule: &Rule, language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(language)
        .join(rule.id)
}

/// What all rules find in one file.
fn findings(path: &Path) -> Vec<Finding> {
    let text = std::fs::read_to_string(path).expect("a fixture is readable");
    let name = path
        .file_name()
        .expect("a fixture has a name")
        .to_string_lossy();
    let path = match path.extension().and_then(|end| end.to_str()) {
        Some("rs") => "src/main.rs".to_owned(),
        Some("py") => format!("server/{name}"),
        _ => format!("src/{name}"),
    };
    let analysis = analyze_texts(vec![(Name::from(path), text)]).expect("threads start");
    assert!(
        analysis.unanalysable.is_empty(),
        "{name} can't be read: {:?}",
        analysis.unanalysable
    );
    analysis.findings
}

/// The lines on which the rule finds something in one file, and those on which it should.
fn found(rule: &Rule, path: &Path) -> (BTreeSet<u32>, BTreeSet<u32>) {
    let text = std::fs::read_to_string(path).expect("a fixture is readable");
    let marked = text
        .lines()
        .zip(1u32..)
        .filter(|(line, _)| line.contains("FINDING"))
        .map(|(_, number)| number)
        .collect();
    let lines = findings(path)
        .iter()
        .filter(|finding| finding.rule == rule.id)
        .map(|finding| finding.line)
        .collect();
    (lines, marked)
}

#[test]
fn every_rule_finds_its_bad_sources_and_nothing_else() {
    let only = std::env::var("DROPGATE_RULE").ok();
    let mut wrong = Vec::new();
    for rule in RULES {
        if only.as_deref().is_some_and(|only| only != rule.id) {
            continue;
        }
        for fixture in rule.fixtures {
            let folder = folder(rule, fixture.language.short());
            let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
                .expect("a rule has a folder of fixtures")
                .map(|entry| entry.expect("a folder is readable").path())
                .collect();
            files.sort();
            for file in files {
                let name = file
                    .file_name()
                    .expect("a file has a name")
                    .to_string_lossy()
                    .into_owned();
                let (lines, marked) = found(rule, &file);
                if name.starts_with("bad") {
                    if marked.is_empty() {
                        wrong.push(format!(
                            "{} {}: no line is marked FINDING",
                            rule.id,
                            file.display()
                        ));
                    }
                    if lines != marked {
                        wrong.push(format!(
                            "{} {}: found {lines:?}, marked {marked:?}",
                            rule.id,
                            file.display()
                        ));
                    }
                } else if !lines.is_empty() {
                    wrong.push(format!(
                        "{} {}: found {lines:?}, should be none",
                        rule.id,
                        file.display()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What one rule asks for must not be what another one forbids.
#[test]
fn a_server_that_does_it_all_right_is_left_alone_by_every_rule() {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/whole");
    let files = std::fs::read_dir(whole).expect("the folder is readable");
    let wrong: Vec<String> = files
        .map(|entry| entry.expect("an entry is readable").path())
        .flat_map(|file| {
            findings(&file)
                .into_iter()
                .map(move |finding| format!("{} {}:{}", finding.rule, file.display(), finding.line))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn ids_and_names_of_rules_are_unique() {
    let ids: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    let names: BTreeSet<&str> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(ids.len(), RULES.len());
    assert_eq!(names.len(), RULES.len());
    assert!(
        RULES
            .iter()
            .all(|rule| !rule.fixtures.is_empty() && !rule.cwe.is_empty())
    );
}

/// The languages that the catalogue names for each rule of it that is built.
const CATALOGUE: &[(&str, &str)] = &[
    ("LIFE-001", "ts py rs go"),
    ("LIFE-002", "ts py rs go"),
    ("LIFE-003", "ts py rs go"),
    ("LIFE-004", "ts py rs go"),
    ("LIFE-005", "ts py rs go"),
    ("LIFE-006", "ts py rs go"),
    ("LIFE-007", "ts py rs go"),
    ("LIFE-010", "ts py"),
    ("LIFE-011", "ts py rs go"),
    ("LIFE-013", "rs go py"),
    ("LIFE-015", "ts py"),
    ("LIFE-016", "ts py rs go"),
    ("AUD-001", "ts py rs go"),
    ("AUD-003", "ts py rs go"),
    ("AUD-004", "ts py rs go"),
    ("RES-001", "ts py rs go"),
    ("CRED-001", "ts py rs go"),
    ("CRED-002", "ts py rs go"),
    ("CRED-003", "ts py rs go"),
    ("CRED-004", "ts py rs go"),
    ("AUTH-001", "ts py rs go"),
    ("AUTH-002", "ts py"),
    ("AUTH-003", "ts py rs go"),
    ("AUTH-004", "ts py rs go"),
    ("AUTH-005", "ts py rs"),
    ("AUTH-006", "ts py rs go"),
    ("ERR-001", "ts py rs go"),
    ("ERR-002", "ts py rs go"),
    ("ERR-003", "ts py rs go"),
    ("ERR-004", "ts py rs go"),
    ("CB-001", "ts py rs go"),
    ("TIME-001", "ts py rs go"),
    ("TIME-002", "ts py rs go"),
    ("RETRY-001", "ts py rs go"),
    ("AGG-001", "ts py rs go"),
    ("DEG-001", "ts py rs go"),
    ("IO-001", "ts py rs go"),
    ("LOCK-001", "py go"),
    ("DOC-001", "ts py rs go"),
    ("SUP-001", "ts py rs go"),
];

/// Languages in which a rule of the catalogue has no sense.
const SENSELESS: &[(&str, &str, &str)] = &[
    (
        "LIFE-016",
        "py",
        "a second `signal.signal` replaces the first handler, so two never run",
    ),
    (
        "LIFE-016",
        "rs",
        "streams of one signal all fire, and none of them ends the process by itself",
    ),
    (
        "LIFE-016",
        "go",
        "channels of one signal all receive, and none of them ends the process by itself",
    ),
    (
        "AUTH-005",
        "rs",
        "a future is no `bool`: testing one that is not awaited does not compile",
    ),
];

#[test]
fn every_language_of_the_catalogue_has_its_sources() {
    let mut wrong = Vec::new();
    for rule in RULES {
        let Some((_, claimed)) = CATALOGUE.iter().find(|(id, _)| *id == rule.id) else {
            wrong.push(format!("{} is not in the catalogue", rule.id));
            continue;
        };
        let proved: BTreeSet<&str> = rule
            .fixtures
            .iter()
            .map(|fixture| fixture.language.short())
            .collect();
        let senseless: BTreeSet<&str> = SENSELESS
            .iter()
            .filter(|(id, _, reason)| *id == rule.id && !reason.is_empty())
            .map(|(_, language, _)| *language)
            .collect();
        for language in claimed.split(' ') {
            if proved.contains(language) == senseless.contains(language) {
                wrong.push(format!(
                    "{} {language}: sources or a reason, one of both",
                    rule.id
                ));
            }
        }
    }
    for (id, _) in CATALOGUE {
        if !RULES.iter().any(|rule| rule.id == *id) {
            wrong.push(format!("{id} is not built"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_folder_of_sources_is_left_out() {
    let mut lost = Vec::new();
    for language in ["ts", "py", "rs", "go"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures")
            .join(language);
        for entry in std::fs::read_dir(root).expect("the folder is readable") {
            let name = entry.expect("an entry is readable").file_name();
            let id = name.to_string_lossy();
            let known = RULES.iter().any(|rule| {
                rule.id == id
                    && rule
                        .fixtures
                        .iter()
                        .any(|fixture| fixture.language.short() == language)
            });
            if !known {
                lost.push(format!("{language}/{id}"));
            }
        }
    }
    assert!(lost.is_empty(), "{lost:?}");
}

/// Numbers of the Common Weakness Enumeration that rules may give, with the names that stand there.
const WEAKNESSES: &[(u16, &str)] = &[
    (
        209,
        "Generation of Error Message Containing Sensitive Information",
    ),
    (
        214,
        "Invocation of Process Using Visible Sensitive Information",
    ),
    (
        226,
        "Sensitive Information in Resource Not Removed Before Reuse",
    ),
    (
        244,
        "Improper Clearing of Heap Memory Before Release ('Heap Inspection')",
    ),
    (248, "Uncaught Exception"),
    (252, "Unchecked Return Value"),
    (276, "Incorrect Default Permissions"),
    (
        280,
        "Improper Handling of Insufficient Permissions or Privileges",
    ),
    (316, "Cleartext Storage of Sensitive Information in Memory"),
    (
        362,
        "Concurrent Execution using Shared Resource with Improper Synchronization ('Race Condition')",
    ),
    (364, "Signal Handler Race Condition"),
    (390, "Detection of Error Condition Without Action"),
    (391, "Unchecked Error Condition"),
    (393, "Return of Wrong Status Code"),
    (396, "Declaration of Catch for Generic Exception"),
    (400, "Uncontrolled Resource Consumption"),
    (404, "Improper Resource Shutdown or Release"),
    (459, "Incomplete Cleanup"),
    (460, "Improper Cleanup on Thrown Exception"),
    (479, "Signal Handler Use of a Non-reentrant Function"),
    (
        497,
        "Exposure of Sensitive System Information to an Unauthorized Control Sphere",
    ),
    (
        526,
        "Cleartext Storage of Sensitive Information in an Environment Variable",
    ),
    (532, "Insertion of Sensitive Information into Log File"),
    (613, "Insufficient Session Expiration"),
    (636, "Not Failing Securely ('Failing Open')"),
    (697, "Incorrect Comparison"),
    (705, "Incorrect Control Flow Scoping"),
    (755, "Improper Handling of Exceptional Conditions"),
    (772, "Missing Release of Resource after Effective Lifetime"),
    (778, "Insufficient Logging"),
    (
        835,
        "Loop with Unreachable Exit Condition ('Infinite Loop')",
    ),
    (837, "Improper Enforcement of a Single, Unique Action"),
    (863, "Incorrect Authorization"),
    (1059, "Insufficient Technical Documentation"),
    (
        1088,
        "Synchronous Access of Remote Resource without Timeout",
    ),
    (1116, "Inaccurate Comments"),
    (
        1188,
        "Initialization of a Resource with an Insecure Default",
    ),
    (
        1286,
        "Improper Validation of Syntactic Correctness of Input",
    ),
];

#[test]
fn every_weakness_that_a_rule_gives_is_one_of_the_enumeration() {
    let given: BTreeSet<u16> = RULES.iter().flat_map(|rule| rule.cwe).copied().collect();
    let known: BTreeSet<u16> = WEAKNESSES.iter().map(|(number, _)| *number).collect();
    assert_eq!(given, known, "a number needs its name in the list");
    assert_eq!(known.len(), WEAKNESSES.len(), "one row a number");
}

#[test]
fn a_breaker_is_missed_more_where_many_tools_hang_together() {
    let source = |limit: &str| {
        let tools: String = ["one", "two", "three"]
            .iter()
            .map(|name| {
                format!("server.registerTool(\"{name}\", {{ annotations: {{ readOnlyHint: true }} }}, async () => read(\"{name}\"));\n")
            })
            .collect();
        format!(
            "import {{ McpServer }} from \"@modelcontextprotocol/sdk/server/mcp.js\";\n\
             import {{ StdioServerTransport }} from \"@modelcontextprotocol/sdk/server/stdio.js\";\n\
             const server = new McpServer({{ name: \"notes\", version: \"1\" }});\n\
             const read = async (name) => (await fetch(`https://a.example/${{name}}`{limit})).json();\n\
             {tools}await server.connect(new StdioServerTransport());\n"
        )
    };
    let severity = |text: String| {
        let analysis =
            analyze_texts(vec![(Name::from("src/server.ts"), text)]).expect("threads start");
        let found = analysis.findings.into_iter();
        found
            .filter(|finding| finding.rule == "CB-001")
            .map(|finding| finding.severity)
            .collect::<Vec<_>>()
    };
    assert_eq!(severity(source("")), [Severity::Medium]);
    let limit = ", { signal: AbortSignal.timeout(1000) }";
    assert_eq!(severity(source(limit)), [Severity::Low]);
}
