//! The workspace obeys every rule, and every rule can be broken.

use super::*;

/// A rule, a sample that breaks it, and where.
struct Bad {
    rule: &'static str,
    path: &'static str,
    text: &'static str,
    line: usize,
}

const BAD: &[Bad] = &[
    Bad {
        rule: "names",
        path: "crates/a/src/tool_helpers.rs",
        text: "",
        line: 0,
    },
    Bad {
        rule: "names",
        path: "crates/a/src/b.rs",
        text: "\npub struct RequestContext;",
        line: 2,
    },
    Bad {
        rule: "names",
        path: "crates/a/src/b.rs",
        text: "mod util;",
        line: 1,
    },
    Bad {
        rule: "unsafe",
        path: "crates/a/src/b.rs",
        text: "// SAFETY: none.\nfn f() { unsafe { g() } }",
        line: 2,
    },
    Bad {
        rule: "unsafe",
        path: "crates/process/src/sys/b.rs",
        text: "fn f() {\n    unsafe { g() }\n}",
        line: 2,
    },
    Bad {
        rule: "lints",
        path: "crates/a/Cargo.toml",
        text: "[lints]\n",
        line: 0,
    },
    Bad {
        rule: "lints",
        path: "crates/a/src/lib.rs",
        text: "//! A.",
        line: 0,
    },
    Bad {
        rule: "spawn",
        path: "crates/relay/src/b.rs",
        text: "use std::process::Command;",
        line: 1,
    },
    Bad {
        rule: "spawn",
        path: "crates/relay/src/b.rs",
        text: "use std::process::{self, Command};",
        line: 1,
    },
    Bad {
        rule: "spawn",
        path: "crates/relay/src/b.rs",
        text: "fn f() { tokio::process::Command::new(x) }",
        line: 1,
    },
    Bad {
        rule: "stdout",
        path: "crates/probe/src/b.rs",
        text: "fn f() {\n    println!(\"x\");\n}",
        line: 2,
    },
    Bad {
        rule: "stdout",
        path: "crates/probe/src/b.rs",
        text: "use std::io::stdout;",
        line: 1,
    },
    Bad {
        rule: "sleep",
        path: "crates/a/tests/b.rs",
        text: "fn f() { thread::sleep(x); }",
        line: 1,
    },
    Bad {
        rule: "sleep",
        path: "crates/a/src/b.rs",
        text: "#[cfg(test)]\nmod t {\n  fn f() { tokio::time::sleep(x).await }\n}",
        line: 3,
    },
    Bad {
        rule: "ignore",
        path: "crates/a/tests/b.rs",
        text: "#[test]\n#[ignore = \"slow\"]\nfn f() {}",
        line: 2,
    },
    Bad {
        rule: "unwrap",
        path: "crates/a/src/b.rs",
        text: "fn f() {\n  g().unwrap();\n}",
        line: 2,
    },
    Bad {
        rule: "unwrap",
        path: "crates/a/src/b.rs",
        text: "fn f() { g().expect(\"x\") }",
        line: 1,
    },
    Bad {
        rule: "platform",
        path: "crates/relay/src/b.rs",
        text: "#[cfg(target_os = \"linux\")]\nfn f() {}",
        line: 1,
    },
    Bad {
        rule: "exit",
        path: "crates/relay/src/b.rs",
        text: "fn f() { std::process::exit(1) }",
        line: 1,
    },
    Bad {
        rule: "unbounded",
        path: "crates/relay/src/b.rs",
        text: "use tokio::sync::mpsc::unbounded_channel;",
        line: 1,
    },
    Bad {
        rule: "bool-parameter",
        path: "crates/a/src/b.rs",
        text: "\nfn f<T: Fn(u8) -> u8>(a: &[(u8, T)], deep: bool) {}",
        line: 2,
    },
    Bad {
        rule: "pins",
        path: "Cargo.toml",
        text: "[workspace.dependencies]\n# Why.\na = \"1.2\"",
        line: 3,
    },
    Bad {
        rule: "pins",
        path: "Cargo.toml",
        text: "[workspace.dependencies]\n\na = { version = \"=1.2\" }",
        line: 3,
    },
    Bad {
        rule: "pins",
        path: "crates/a/Cargo.toml",
        text: "[dev-dependencies]\na = \"1\"",
        line: 2,
    },
    Bad {
        rule: "pins",
        path: "crates/a/Cargo.toml",
        text: "[dependencies.a]\nversion = \"=1\"",
        line: 2,
    },
    Bad {
        rule: "unfinished",
        path: "docs/a.md",
        text: "x\nTODO: more",
        line: 2,
    },
    Bad {
        rule: "unfinished",
        path: "crates/a/src/b.rs",
        text: "// Enough for now.",
        line: 1,
    },
    Bad {
        rule: "foreign",
        path: "docs/a.md",
        text: "see /work/x",
        line: 1,
    },
    Bad {
        rule: "foreign",
        path: "testing/a.json",
        text: "{\n\"url\": \"https://registry.npmjs.org/x\"}",
        line: 2,
    },
    Bad {
        rule: "links",
        path: "docs/a.md",
        text: "\n[x](../b.md)",
        line: 2,
    },
    Bad {
        rule: "links",
        path: "docs/a.md",
        text: "# A\n[x](a.md#b)",
        line: 2,
    },
    Bad {
        rule: "guarantees",
        path: "README.md",
        text: "# A\n## Guarantees\n- It holds.",
        line: 3,
    },
    Bad {
        rule: "guarantees",
        path: "README.md",
        text: "# A\n## Guarantees\n| guarantee | proof |\n|---|---|\n| It holds | [`f`](README.md) |",
        line: 5,
    },
    Bad {
        rule: "guarantees",
        path: "README.md",
        text: "# A\n## Guarantees\n- It holds. [x](README.md)",
        line: 3,
    },
    Bad {
        rule: "guarantees",
        path: "README.md",
        text: "# A",
        line: 0,
    },
    Bad {
        rule: "architecture",
        path: "ARCHITECTURE.md",
        text: "\nSee `crates/none/src/lib.rs`.",
        line: 2,
    },
    Bad {
        rule: "architecture",
        path: "README.md",
        text: "",
        line: 0,
    },
];

fn check(name: &str) -> &'static Check {
    CHECKS.iter().find(|check| check.name == name).unwrap()
}

#[test]
fn every_bad_sample_is_found_at_its_line() {
    for bad in BAD {
        let checkout = Checkout::of(vec![Source::new(bad.path, bad.text)]);
        let lines: Vec<usize> = (check(bad.rule).run)(&checkout)
            .iter()
            .map(|finding| finding.line)
            .collect();
        assert!(
            lines.contains(&bad.line),
            "{}: {:?} gave lines {lines:?}",
            bad.rule,
            bad.text
        );
    }
}

#[test]
fn every_rule_has_a_bad_sample() {
    let elsewhere = ["size", "walls", "fmt"];
    for check in CHECKS {
        let sampled =
            BAD.iter().any(|bad| bad.rule == check.name) || elsewhere.contains(&check.name);
        assert!(sampled, "{} has no bad sample", check.name);
    }
}

#[test]
fn a_file_past_the_limit_and_a_high_median_are_found() {
    let long = "fn f() {}\n// a comment is free\n\n".repeat(801);
    let findings = (check("size").run)(&Checkout::of(vec![Source::new("crates/a/src/b.rs", long)]));
    assert_eq!(findings.len(), 2, "{findings:?}");
    let short = "fn f() {}\n// a comment is free\n\n".repeat(150);
    assert!(
        (check("size").run)(&Checkout::of(vec![Source::new("crates/a/src/b.rs", short)]))
            .is_empty()
    );
}

#[test]
fn a_wall_is_broken_through_a_third_crate() {
    let graph = Graph::from_edges(&[("dropgate-gate", "memchr"), ("memchr", "tokio")]);
    let findings = (check("walls").run)(&Checkout {
        graph,
        ..Checkout::default()
    });
    assert_eq!(findings.len(), 1);
    assert!(
        findings[0]
            .text
            .starts_with("dropgate-gate -> memchr -> tokio"),
        "{}",
        findings[0]
    );
}

#[test]
fn a_walk_that_is_too_long_is_found() {
    let call: String = (0..8)
        .map(|number| format!("1. `crates/a/src/f{number}.rs`\n"))
        .collect();
    let text =
        format!("# A\n## Walk of a call\n{call}\n## Walk of a shutdown\n1. `crates/a/src/f0.rs`\n");
    let mut sources = vec![Source::new("ARCHITECTURE.md", text)];
    sources.extend((0..8).map(|number| Source::new(format!("crates/a/src/f{number}.rs"), "")));
    let findings = (check("architecture").run)(&Checkout::of(sources));
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(
        findings[0].text.contains("8 files, over 7"),
        "{}",
        findings[0]
    );
}

#[test]
fn good_samples_are_left_alone() {
    let samples = [
        (
            "crates/relay/src/b.rs",
            "fn f(stdout: &mut File, on: &bool) { eprintln!(\"println!\"); x.expect_byte(); }",
        ),
        (
            "crates/relay/src/c.rs",
            "#[cfg(test)]\nmod tests {\n fn f(on: bool) { std::process::Command::new(\"a\").spawn().unwrap(); }\n}",
        ),
        (
            "crates/process/src/sys/d.rs",
            "fn f() {\n    // SAFETY: the pointer comes from a reference.\n    unsafe { g() }\n}",
        ),
        (
            "testing/servers/src/e.rs",
            "fn f() { std::thread::sleep(x); }",
        ),
        (
            "README.md",
            "# Dropgate\n## Guarantees\n| guarantee | proof |\n|---|---|\n| Zero | [`zero`](crates/a/tests/b.rs) |\n| One | [`one`](testing/c/tests/rows/main.rs) |\n[top](#dropgate)",
        ),
        ("crates/a/tests/b.rs", "#[test]\nfn zero() {}"),
        (
            "testing/c/Cargo.toml",
            "[lints]\nworkspace = true\n\n[[test]]\nname = \"rows\"\nharness = false",
        ),
        (
            "testing/c/tests/rows/main.rs",
            "const ROWS: &[&str] = &[\"one\"];",
        ),
        (
            "Cargo.toml",
            "[workspace.dependencies]\nown = { path = \"crates/own\", version = \"0.1.0\" }\n# Why.\na = \"=1.2.3\"\nb = { version = \"=1.2.3\" }",
        ),
        (
            "ARCHITECTURE.md",
            "## The walk of a call\n`crates/a/tests/b.rs`\n## The walk of a shutdown\n`crates/a/tests/b.rs`",
        ),
    ];
    let checkout = Checkout::of(
        samples
            .iter()
            .map(|(path, text)| Source::new(*path, *text))
            .collect(),
    );
    let rules = CHECKS.iter().filter(|check| check.name != "fmt");
    let findings: Vec<Finding> = rules.flat_map(|check| (check.run)(&checkout)).collect();
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn the_workspace_is_tidy() {
    let broken = broken(&Checkout::load().unwrap());
    assert!(
        broken.is_empty(),
        "{} findings; `cargo xtask tidy` prints the same\n{}",
        broken.len(),
        broken.join("\n")
    );
}

#[test]
fn clippy_finds_nothing() {
    if !tools::installed("clippy") {
        use std::io::Write;
        writeln!(
            std::io::stderr(),
            "skipped: clippy_finds_nothing: clippy is not installed; `rustup component add clippy` gets it"
        )
        .unwrap();
        return;
    }
    let findings = tools::clippy();
    assert!(findings.is_empty(), "{}", findings[0]);
}
