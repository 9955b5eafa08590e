//! What the repository offers to other tools: the script of its action, and the hook.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::place::{BAD, Place};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The script of the action, as a workflow would run it: exit code and log.
fn action(place: &Place, inputs: &[(&str, &str)]) -> (i32, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_dropgate"));
    let mut path = program.parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let output = Command::new("bash")
        .arg(repository().join("action/audit.sh"))
        .current_dir(place.folder())
        .env("PATH", path)
        .env("GITHUB_STEP_SUMMARY", place.folder().join("summary.md"))
        .envs(inputs.iter().copied())
        .output()
        .unwrap();
    let log = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), log)
}

#[test]
fn the_action_annotates_sums_up_and_gates() {
    let place = Place::with("a b/src/server.ts", BAD);
    let inputs = [("AUDIT_PATH", "a b"), ("AUDIT_FAIL_ON", "high grade=B")];
    let (code, log) = action(&place, &inputs);
    assert_eq!(code, 1, "{log}");
    assert!(
        log.contains("::error file=a b/src/server.ts,line=9"),
        "{log}"
    );
    let sarif: Value = serde_json::from_str(&place.read("dropgate.sarif")).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let summary = place.read("summary.md");
    assert!(
        summary.contains("[LIFE-002]") && summary.contains("grade "),
        "{summary}"
    );

    assert_eq!(action(&place, &[("AUDIT_PATH", "a b")]).0, 0);
    assert_eq!(action(&place, &[("AUDIT_PATH", "none")]).0, 2);
    let trap = "$(touch sprung); touch sprung";
    assert_eq!(
        action(&place, &[("AUDIT_PATH", trap), ("AUDIT_BASELINE", trap)]).0,
        2
    );
    assert!(!place.folder().join("sprung").exists());
}

#[test]
fn the_action_hands_every_input_to_its_script() {
    let read = |name: &str| std::fs::read_to_string(repository().join(name)).unwrap();
    let (action, script) = (read("action.yml"), read("action/audit.sh"));
    let (inputs, steps) = action.split_once("\nruns:\n").unwrap();
    let declared = inputs.lines().filter_map(|line| {
        let name = line.strip_prefix("  ")?.strip_suffix(':')?;
        (!name.starts_with(' ')).then_some(name)
    });
    for name in declared {
        let expression = format!("inputs.{name} ");
        assert!(steps.contains(&expression), "{name} is given to no step");
    }
    let variables = steps.lines().filter_map(|line| {
        let (name, _) = line.trim().split_once(": ${{ inputs.")?;
        name.starts_with("AUDIT_").then_some(name)
    });
    let variables: Vec<&str> = variables.collect();
    assert_eq!(variables.len(), 6, "{variables:?}");
    for name in variables {
        assert!(script.contains(name), "the script does not read {name}");
    }
}

#[test]
fn the_hook_is_a_command_that_works() {
    let hooks = std::fs::read_to_string(repository().join(".pre-commit-hooks.yaml")).unwrap();
    let entry = hooks
        .lines()
        .find_map(|line| line.trim().strip_prefix("entry: "));
    let args = hooks
        .lines()
        .find_map(|line| line.trim().strip_prefix("args: "));
    assert_eq!(entry, Some("dropgate audit"));
    let args = args.unwrap().trim_matches(['[', ']']);
    let args: Vec<&str> = args.split(", ").collect();
    let place = Place::with("src/server.ts", BAD);
    assert_eq!(place.audit(&args).code(), 1);
}
