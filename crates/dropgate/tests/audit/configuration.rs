//! The table `[audit]`, and rules of the user's own.

use std::time::{Duration, Instant};

use crate::place::{BAD, Place, rules};

/// Far longer than a bounded look takes, and far shorter than an unbounded one.
const SOON: Duration = Duration::from_secs(60);

const OWN: &str = "\
id: no-console
language: TypeScript
severity: error
message: $A goes to a log
note: Use the logger.
rule:
  pattern: console.error($A)
";

#[test]
fn the_table_weighs_excludes_and_judges() {
    let place = Place::with("src/server.ts", BAD);
    place.write("src/broken.ts", "export function ( {");
    place.write("scripts/tool.ts", BAD);
    assert_eq!(place.audit(&[]).code(), 2);
    place.write(
        "dropgate.toml",
        "[audit]\nexclude = [\"broken.ts\"]\nfail_on = [\"high\"]\n\
         [audit.severity]\nLIFE-002 = \"low\"\nstdin-eof-ignored = \"off\"\n\
         [audit.surface]\n\"scripts/**\" = \"tests\"\n",
    );
    let page = place.json(&[]);
    let findings = page["findings"].as_array().unwrap();
    assert!(!rules(&page).contains(&"LIFE-004".to_owned()), "{page}");
    for finding in findings {
        let in_scripts = finding["file"] == "scripts/tool.ts";
        assert_eq!(finding["surface"] == "tests", in_scripts, "{finding}");
        if finding["rule"] == "LIFE-002" {
            assert_eq!(finding["severity"], "low", "{finding}");
        }
    }
    assert_eq!(place.audit(&[]).code(), 0, "{}", place.audit(&[]).stdout());
    assert_eq!(place.audit(&["--fail-on", "low"]).code(), 1);
}

#[test]
fn the_source_does_not_configure_its_judge() {
    let place = Place::with("server/src/server.ts", BAD);
    place.write(
        "server/dropgate.toml",
        "[audit.severity]\nLIFE-002 = \"off\"\n",
    );
    assert_eq!(place.audit(&["server", "--fail-on", "high"]).code(), 1);
    let named = ["server", "--config", "server/dropgate.toml"];
    assert!(!rules(&place.json(&named)).contains(&"LIFE-002".to_owned()));
}

#[test]
fn rules_of_the_users_own_count_like_others() {
    let place = Place::with("src/server.ts", BAD);
    place.write("own/log.yml", OWN);
    place.write("dropgate.toml", "[audit]\nrules = [\"own/log.yml\"]\n");
    let page = place.json(&[]);
    let findings = page["findings"].as_array().unwrap();
    let own = findings
        .iter()
        .find(|it| it["rule"] == "no-console")
        .unwrap();
    assert_eq!(own["severity"], "high");
    assert_eq!(own["message"], "\"shutting down gracefully\" goes to a log");
    assert_eq!(own["fix"], "Use the logger.");
    assert_eq!(place.audit(&["--fail-on", "high"]).code(), 1);

    let accepted = BAD.replace(
        "gracefully\");",
        "gracefully\"); // dropgate-ignore no-console: it is the logger",
    );
    place.write("src/server.ts", accepted);
    assert!(!rules(&place.json(&[])).contains(&"no-console".to_owned()));
    for from in [&[][..], &["--rules", "own/log.yml"]] {
        let explained = place.audit(&[from, &["--explain", "no-console"]].concat());
        assert_eq!(explained.code(), 0, "{}", explained.stderr());
        for part in [
            "$A goes to a log",
            "Severity high; TypeScript",
            "own/log.yml",
            "Fix: Use the logger.",
        ] {
            assert!(
                explained.stdout().contains(part),
                "{part}: {}",
                explained.stdout()
            );
        }
        let listed = place.audit(&[from, &["--list-rules"]].concat()).stdout();
        assert!(
            listed.contains("no-console high   $A goes to a log"),
            "{listed}"
        );
        let rows = place.json(&[from, &["--list-rules"]].concat());
        let rows = rows.as_array().unwrap();
        assert_eq!(rows.last().unwrap()["rule"], "no-console");
        assert_eq!(rows.last().unwrap()["fix"], "Use the logger.");
        assert_eq!(rows[0]["rule"], "LIFE-001");
        place.write("dropgate.toml", "");
    }
    let flag = place.json(&["--rules", "own/log.yml", "--no-suppressions"]);
    assert!(rules(&flag).contains(&"no-console".to_owned()));
}

#[test]
fn mistakes_are_named() {
    let place = Place::with("src/server.ts", BAD);
    for (table, part) in [
        ("exlude = []", "did you mean `exclude`?"),
        ("fail_on = [\"info\"]", "info"),
        (
            "severity = { LIFE-999 = \"off\" }",
            "no rule is called \"LIFE-999\"",
        ),
        ("rules = [\"none.yml\"]", "can't read the rules none.yml"),
        ("exclude = [\"[\"]", "is no glob"),
        ("surface = { \"{\" = \"tests\" }", "is no glob"),
        ("include = [\"{\"]", "is no glob"),
        ("transport = \"pipe\"", "pipe"),
        (
            "names = { access = [\"--\"] }",
            "audit.names.access: `--` holds no word",
        ),
        ("names = { acess = [] }", "did you mean `access`?"),
    ] {
        place.write("dropgate.toml", format!("[audit]\n{table}\n"));
        let ran = place.audit(&[]);
        assert_eq!(ran.code(), 2, "{table}");
        assert!(ran.stderr().contains(part), "{table}: {}", ran.stderr());
    }
    let file = place.folder().join("dropgate.toml");
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("gone.toml", &file).unwrap();
    let ran = place.audit(&[]);
    assert_eq!(ran.code(), 2);
    assert!(
        ran.stderr().contains("can not read dropgate.toml"),
        "{}",
        ran.stderr()
    );
    std::fs::remove_file(&file).unwrap();
    for (yaml, part) in [
        (
            "id: LIFE-002\nlanguage: Go\nrule: {pattern: f()}",
            "another rule is called so",
        ),
        (
            "id: x\nlanguage: Java\nrule: {pattern: f()}",
            "not read here",
        ),
        ("id: x\nlanguage: Go\nrul: {pattern: f()}", "x.yml"),
        ("language: Go\nrule: {pattern: f()}", "id should be a word"),
        ("id: x\nlanguage: Go\nrule: {kind: nothing_such}", "x.yml"),
        (
            "id: x\nlanguage: Go\nrule: {kind: block, regex: '(a'}",
            "unclosed group",
        ),
        ("- [", "x.yml"),
        ("", "x.yml holds no rule"),
        ("# to be written\n", "x.yml holds no rule"),
    ] {
        place.write("x.yml", yaml);
        let ran = place.audit(&["--rules", "x.yml"]);
        assert_eq!(ran.code(), 2, "{yaml}");
        assert!(ran.stderr().contains(part), "{yaml}: {}", ran.stderr());
    }
}

#[test]
fn a_rule_that_finds_everything_is_no_result() {
    let place = Place::with("src/server.ts", BAD);
    place.write("x.yml", OWN.replace("console.error($A)", "f($A)"));
    let lines = |count: usize| format!("{BAD}{}", "f(1);\n".repeat(count));
    place.write("src/server.ts", lines(1_000));
    assert_eq!(place.audit(&["--rules", "x.yml"]).code(), 0);
    place.write("src/server.ts", lines(1_001));
    let ran = place.audit(&["--rules", "x.yml"]);
    assert_eq!(ran.code(), 2);
    assert!(
        ran.stderr().contains("more than 1000 places"),
        "{}",
        ran.stderr()
    );
}

const SERVER: &str = "\
import { Server } from \"@modelcontextprotocol/sdk/server/index.js\";
import { StdioServerTransport } from \"@modelcontextprotocol/sdk/server/stdio.js\";
import registerShutdown from \"our-shutdown\";

const unlock = process.env.NOTES_UNLOCK;
const server = new Server({ name: \"notes\", version: unlock });
registerShutdown({}, () => server.close());
await server.connect(new StdioServerTransport());

export async function grantRead(user: string): Promise<boolean> {
  try {
    return await ask(user);
  } catch {
    return true;
  }
}
";

#[test]
fn words_of_the_source_are_understood_when_they_are_told() {
    let place = Place::with("src/server.ts", SERVER);
    let untold = rules(&place.json(&[]));
    let of_words = ["AUTH-001", "CRED-001"];
    assert!(
        !of_words
            .iter()
            .any(|rule| untold.contains(&(*rule).to_owned())),
        "{untold:?}"
    );
    place.write(
        "dropgate.toml",
        "[audit.names]\naccess = [\"grant\"]\ncredential = [\"unlock\"]\n",
    );
    let told = rules(&place.json(&[]));
    assert!(
        of_words
            .iter()
            .all(|rule| told.contains(&(*rule).to_owned())),
        "{told:?}"
    );
}

#[test]
fn what_a_trusted_package_hides_is_not_told() {
    let place = Place::with("src/server.ts", SERVER);
    assert!(rules(&place.json(&[])).contains(&"LIFE-001".to_owned()));
    place.write("dropgate.toml", "[audit]\ntrust = [\"our-*\"]\n");
    assert!(!rules(&place.json(&[])).contains(&"LIFE-001".to_owned()));
    place.write("dropgate.toml", "[audit]\ntrust = [\"our\"]\n");
    assert!(rules(&place.json(&[])).contains(&"LIFE-001".to_owned()));
}

#[test]
fn only_what_is_started_is_a_server() {
    let place = Place::with("src/server.ts", BAD);
    place.write("other/server.ts", BAD);
    place.write("other/broken.ts", "export function ( {");
    let servers = |table: &str| {
        place.write("dropgate.toml", format!("[audit]\n{table}\n"));
        place.json(&[])["analysed"]["servers"].as_u64().unwrap()
    };
    assert_eq!(servers(""), 2);
    assert_eq!(servers("entry = [\"src/server.ts\"]"), 1);
    assert_eq!(servers("include = [\"src/**\"]"), 1);
    assert_eq!(servers("transport = \"stdio\""), 2);
    assert_eq!(servers("transport = \"http\""), 0);

    place.write("dropgate.toml", "[audit]\ninclude = [\"/src/\"]\n");
    assert_eq!(place.audit(&[]).code(), 0, "{}", place.audit(&[]).stderr());
    place.write(
        "dropgate.toml",
        "[audit]\ninclude = [\"src/**\"]\nentry = [\"main.ts\"]\n",
    );
    assert_eq!(place.audit(&[]).code(), 2);
    let why = place.json(&[])["unanalysable"][0]["why"].to_string();
    assert!(why.contains("named as what starts the server"), "{why}");
}

#[test]
fn an_installed_package_is_known_by_the_name_of_its_folder() {
    let place = Place::with("site-packages/notes/__init__.py", "");
    place.write(
        "site-packages/notes/cli.py",
        "from notes.servers import mcp\n\n\ndef main():\n    mcp.run(transport=\"stdio\")\n",
    );
    place.write(
        "site-packages/notes/servers/__init__.py",
        "from .main import mcp\n",
    );
    place.write(
        "site-packages/notes/servers/main.py",
        "from fastmcp import FastMCP\n\nmcp = FastMCP(\"notes\")\n",
    );
    let page = place.json(&["site-packages/notes"]);
    assert_eq!(page["analysed"]["servers"], 1, "{page}");
}

/// What a rule may look at is counted, so that the same source has the same end everywhere.
#[test]
fn a_rule_that_looks_too_far_around_is_no_result() {
    let place = Place::with("src/server.ts", BAD);
    place.write("src/long.ts", "note(1);\n".repeat(8_000));
    let before = "kind: expression_statement, follows: {stopBy: end, ";
    let all_pairs = format!("{{{before}{before}{before}regex: nothing_such}}}}}}}}");
    let up = "inside: {stopBy: end, kind: statement_block, ";
    let down = "has: {stopBy: end, kind: identifier, ";
    for (rule, code) in [
        (all_pairs, 2),
        (
            format!("{{kind: number, {up}{down}regex: nothing_such}}}}}}"),
            0,
        ),
        (format!("{{{before}regex: exit}}}}"), 2),
    ] {
        let rule = format!("id: far\nlanguage: TypeScript\nmessage: far\nrule: {rule}\n");
        place.write("far.yml", &rule);
        let began = Instant::now();
        let ran = place.audit(&["--rules", "far.yml"]);
        assert!(began.elapsed() < SOON, "{rule}");
        assert_eq!(ran.code(), code, "{rule}: {}", ran.stderr());
        let told = "src/long.ts: the rule far would have to look at too much of it";
        assert_eq!(ran.stderr().contains(told), code == 2, "{}", ran.stderr());
    }
}
