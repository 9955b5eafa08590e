//! `dropgate doctor` tells of the machine and of the configuration that a run would use.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by an attribute that what they share does not have"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// An empty folder of the test's own, below what cargo keeps for tests.
fn home(test: &str) -> PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("doctor-{test}"));
    let _not_there_yet = fs::remove_dir_all(&home);
    fs::create_dir_all(&home).unwrap();
    home
}

fn doctor(home: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dropgate"))
        .arg("doctor")
        .args(args)
        .env_remove("XDG_STATE_HOME")
        .env_remove("XDG_CONFIG_HOME")
        .env("HOME", home)
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn without_a_configuration_the_usual_place_and_policy_are_told() {
    let home = home("usual");
    let text = told(&doctor(&home, &[]));
    let place = home.join(".local/state/dropgate/journal");
    assert!(text.contains("policy       local-owner\n"), "{text}");
    let journal = format!("journal      {}\n", place.display());
    assert!(text.contains(&journal), "{text}");
}

#[test]
fn the_configuration_decides_what_is_told() {
    let home = home("configured");
    let file = home.join("dropgate.toml");
    fs::write(
        home.join("all.cedar"),
        "permit(principal, action, resource);",
    )
    .unwrap();
    let blocked = home.join("all.cedar/journal");
    let settings = format!(
        "[authorize]\ncedar = [\"all.cedar\"]\n[journal]\ndir = {blocked:?}\n[shutdown]\nprofile = \"kubernetes\"\n"
    );
    fs::write(&file, settings).unwrap();
    let text = told(&doctor(&home, &["--config", file.to_str().unwrap()]));
    assert!(text.contains("policy       cedar\n"), "{text}");
    assert!(text.contains("journal      CAN'T BE WRITTEN"), "{text}");
    assert!(text.contains("is no folder"), "{text}");
    assert!(text.contains("budget       kubernetes: "), "{text}");
}

#[test]
fn a_configuration_that_is_not_right_is_refused() {
    let home = home("refused");
    let file = home.join("dropgate.toml");
    fs::write(&file, "[journal]\ndri = \"/x\"\n").unwrap();
    let output = doctor(&home, &["--config", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(78), "{output:?}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("dri") && stderr.contains("dir"), "{stderr}");
}

#[test]
fn output_that_can_not_be_written_is_a_failure() {
    let home = home("full");
    let output = Command::new(env!("CARGO_BIN_EXE_dropgate"))
        .arg("doctor")
        .env("HOME", home)
        .stdout(fs::File::create("/dev/full").unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(74), "{output:?}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("standard output can't be written"),
        "{stderr}"
    );
}

#[test]
fn a_time_of_zero_is_refused() {
    let home = home("zero");
    let file = home.join("dropgate.toml");
    for table in ["[calls]", "[tools.\"x\"]"] {
        fs::write(&file, format!("{table}\ntimeout = \"0s\"\n")).unwrap();
        let output = doctor(&home, &["--config", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(78), "{output:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains("refuses every call"), "{stderr}");
    }
}
