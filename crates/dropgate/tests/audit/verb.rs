//! Exit codes, order, and what a folder may hold without harm.

use std::fs::File;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::place::{BAD, Place};

const LOUD: &str = include_str!("../../../analyzer/tests/fixtures/ts/IO-001/bad.ts");
const GOOD: &str = include_str!("../../../analyzer/tests/fixtures/ts/LIFE-002/good.ts");

/// Longer than any of these folders takes, and far shorter than reading what is in them would.
const SOON: Duration = Duration::from_secs(60);

#[test]
fn codes_tell_passed_failed_and_not_known() {
    let place = Place::with("bad/server.ts", BAD);
    place.write("good/server.ts", GOOD);
    place.write("none/sum.ts", "export const one = 1;\n");
    place.write("broken/server.ts", BAD);
    place.write("broken/more.ts", "export function ( {");
    place.write("empty/readme.txt", "x");
    place.write(
        "bundle/server.js",
        format!("{}\n", "var a=1;".repeat(200_000)),
    );
    let rows: &[(&[&str], i32)] = &[
        (&["bad"], 0),
        (&["bad", "--fail-on", "high"], 1),
        (&["bad", "--fail-on", "grade=A"], 1),
        (&["bad", "--fail-on", "grade=D", "--fail-on", "low"], 1),
        (&["good", "--fail-on", "high"], 0),
        (&["bad/server.ts", "--fail-on", "high"], 1),
        (&["none"], 2),
        (&["none", "--allow-empty"], 0),
        (&["empty"], 2),
        (&["empty", "--allow-empty"], 0),
        (&["broken", "--fail-on", "high"], 2),
        (&["broken", "--allow-empty"], 2),
        (&["broken", "--exclude", "more.ts", "--fail-on", "high"], 1),
        (&["bundle"], 2),
        (&["nothing-such"], 2),
        (&["bad", "--fail-on", "awful"], 64),
        (&["--explain", "LIFE-002"], 0),
        (&["--explain", "nothing-such"], 64),
        (&["--explain-score"], 0),
        (&["--list-rules"], 0),
        (&["--schema"], 0),
    ];
    for (arguments, code) in rows {
        let ran = place.audit(arguments);
        assert_eq!(ran.code(), *code, "{arguments:?}: {}", ran.stderr());
    }
    let page = place.json(&["broken"]);
    assert!(page["grade"].is_null() && page["unanalysable"][0]["file"] == "more.ts");
    let explained = place.audit(&["--explain", "LIFE-002"]).stdout();
    assert!(explained.contains(BAD.trim_end()) && explained.contains(GOOD.trim_end()));
    assert!(
        place
            .audit(&["--explain-score"])
            .stdout()
            .contains("high 20")
    );
}

#[test]
fn the_same_source_gives_the_same_bytes() {
    let place = Place::with("src/server.ts", BAD);
    for name in ["a", "b", "c"] {
        place.write(&format!("src/{name}.ts"), BAD);
    }
    for format in [
        "text",
        "json",
        "sarif",
        "html",
        "github",
        "gitlab",
        "junit",
        "badge",
        "badge-svg",
    ] {
        let once = place.audit(&["--format", format]).stdout();
        assert!(!once.is_empty());
        for _ in 0..3 {
            assert_eq!(
                place.audit(&["--format", format]).stdout(),
                once,
                "{format}"
            );
        }
    }
}

#[test]
fn reports_for_ci_tell_what_a_gate_would() {
    let place = Place::with("bad/src/server.ts", BAD);
    let gitlab = place.audit(&["bad", "--format", "gitlab", "--fail-on", "high"]);
    assert_eq!(gitlab.code(), 1);
    let issues: serde_json::Value = serde_json::from_str(&gitlab.stdout()).unwrap();
    let issue = issues
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["check_name"] == "LIFE-002");
    let issue = issue.unwrap();
    assert_eq!(issue["location"]["path"], "bad/src/server.ts");
    assert_eq!(issue["severity"], "critical");
    let junit = place.audit(&["bad", "--format", "junit", "--fail-on", "high"]);
    assert_eq!(junit.code(), 1);
    let report = junit.stdout();
    assert!(report.starts_with("<?xml "));
    assert!(
        report.contains("<testcase classname=\"LIFE-002\""),
        "{report}"
    );
    assert!(report.contains("file=\"bad/src/server.ts\""), "{report}");
    let badge = place.audit(&["bad", "--format", "badge-svg"]).stdout();
    assert!(badge.starts_with("<svg "), "{badge}");
}

#[test]
fn the_schema_is_of_what_is_written() {
    let place = Place::with("src/server.ts", BAD);
    let schema: serde_json::Value =
        serde_json::from_str(&place.audit(&["--schema"]).stdout()).unwrap();
    let page = place.json(&[]);
    for member in schema["required"].as_array().unwrap() {
        assert!(page.get(member.as_str().unwrap()).is_some(), "{member}");
    }
    assert_eq!(page["version"], 1);
}

#[test]
fn what_a_disk_does_not_take_is_no_result() {
    let place = Place::with("src/server.ts", BAD);
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_dropgate"))
        .args(["audit", "--format", "json"])
        .current_dir(place.folder())
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(74));
}

#[test]
fn links_pipes_and_archives_are_passed_by() {
    let place = Place::with("src/server.ts", GOOD);
    let outside = Place::with("secret.ts", BAD);
    for (to, name) in [(".", "src/self"), ("..", "src/up"), ("loop", "src/loop")] {
        symlink(to, place.folder().join(name)).unwrap();
    }
    symlink(outside.folder(), place.folder().join("src/out")).unwrap();
    symlink("/dev/zero", place.folder().join("src/zero.ts")).unwrap();
    let pipe = place.folder().join("src/pipe.ts");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    for name in ["bomb.zip", "bomb.tgz", "server.whl"] {
        // Sparse: reading it whole would take what memory there is.
        let file = File::create(place.folder().join(name)).unwrap();
        file.set_len(64 << 30).unwrap();
    }
    let began = Instant::now();
    let page = place.json(&[]);
    assert!(began.elapsed() < SOON);
    assert_eq!(page["analysed"]["files"], 1, "{page}");
    assert_eq!(page["unanalysable"].as_array().unwrap().len(), 0, "{page}");
    assert_eq!(place.audit(&["--fail-on", "high"]).code(), 0);
}

#[test]
fn what_is_too_large_or_too_deep_is_told() {
    let place = Place::with("src/server.ts", GOOD);
    let huge = File::create(place.folder().join("src/huge.ts")).unwrap();
    huge.set_len(64 << 30).unwrap();
    let deep = "d/".repeat(60);
    place.write(&format!("{deep}far.ts"), BAD);
    for (language, text) in [
        ("ts", "(".repeat(200_000)),
        ("py", "[".repeat(200_000)),
        ("rs", format!("fn f() {{ {} }}", "{".repeat(200_000))),
        ("go", format!("package a\nvar x = {}", "(".repeat(200_000))),
    ] {
        place.write(&format!("src/nested.{language}"), text);
    }
    let began = Instant::now();
    let page = place.json(&[]);
    assert!(began.elapsed() < SOON);
    let told = page["unanalysable"].as_array().unwrap();
    for name in [
        "huge.ts",
        "nested.ts",
        "nested.py",
        "nested.rs",
        "nested.go",
    ] {
        let file = format!("src/{name}");
        assert!(told.iter().any(|it| it["file"] == file), "{file}: {page}");
    }
    assert!(
        told.iter().any(|it| it["why"]
            .as_str()
            .unwrap()
            .starts_with("more than 40 folders down")
            && it["file"].as_str().unwrap().starts_with("d/d/")),
        "{page}"
    );
    assert!(page["grade"].is_null());
    assert_eq!(place.audit(&[]).code(), 2);
}

/// Work that grows with the square of the source: each place that serves is followed through all that runs with it.
#[test]
fn a_file_that_takes_too_much_is_given_up_and_told() {
    let serving = |at: usize| {
        format!(
            "async function serve{at}() {{ await server.connect(new StdioServerTransport()); }}\nawait serve{at}();\n"
        )
    };
    let many: String = (0..4_000).map(serving).collect();
    let place = Place::with("src/server.ts", format!("{BAD}{many}"));
    place.write("src/other.ts", BAD);
    let began = Instant::now();
    let ran = place.audit(&["--fail-on", "high"]);
    assert!(began.elapsed() < SOON);
    assert_eq!(ran.code(), 2, "{}", ran.stdout());
    for part in [
        "src/server.ts",
        "takes more work than one file may, which is 4000000 places for the places that serve",
        "--exclude",
    ] {
        assert!(ran.stderr().contains(part), "{part}: {}", ran.stderr());
    }
    let page = place.json(&[]);
    assert!(page["grade"].is_null());
    assert_eq!(page["unanalysable"][0]["file"], "src/server.ts");
    let of_other = page["findings"].as_array().unwrap().iter();
    assert!(of_other.clone().all(|it| it["file"] == "src/other.ts") && of_other.count() > 0);
}

#[test]
fn a_lean_build_has_no_analyser() {
    let tree = |flags: &[&str]| {
        let output = Command::new(env!("CARGO"))
            .args([
                "tree",
                "--offline",
                "--locked",
                "-e",
                "normal",
                "--prefix",
                "none",
                "-p",
                "dropgate",
            ])
            .args(flags)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let heavy = [
        "dropgate-analyzer ",
        "oxc_",
        "ruff_",
        "tree-sitter",
        "ast-grep",
    ];
    let (full, lean) = (tree(&[]), tree(&["--no-default-features"]));
    for name in heavy {
        assert!(full.contains(name), "{name} is nowhere");
        assert!(!lean.contains(name), "{name} is in a lean build");
    }
}

/// Runners of CI obey what stands at the beginning of a line of a log.
#[test]
fn a_name_of_a_file_can_not_write_a_line_of_its_own() {
    let place = Place::with("src/a\n::error::b\u{1b}[2J.ts", BAD);
    place.write("src/c\n::error::d\u{1b}[2J.ts", "function (");
    place.write("src/e\n::error::f\u{1b}[2J.ts", LOUD);
    for format in ["text", "json", "github", "gitlab", "junit"] {
        let ran = place.audit(&["--format", format]);
        assert_eq!(ran.code(), 2);
        assert!(
            ran.stderr().contains("src/c ::error::d"),
            "{}",
            ran.stderr()
        );
        for told in [ran.stdout(), ran.stderr()] {
            assert!(!told.contains('\u{1b}'), "{format}: {told:?}");
            let begun = told.lines().any(|line| line.starts_with("::error::"));
            assert!(!begun, "{format}: {told}");
        }
    }
    let mended = place.audit(&["--fix"]).stderr();
    assert!(mended.contains("mended IO-001"), "{mended}");
    assert!(
        !mended.contains("\n::") && !mended.contains('\u{1b}'),
        "{mended:?}"
    );
}
