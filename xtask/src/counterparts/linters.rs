//! Linters and scanners that the analyser is measured beside: installed for `cargo xtask bench` only.

use std::path::PathBuf;
use std::process::Command;

use super::python::{interpreter, uv};
use super::{INSTALL_LIMIT, Place, remove, write};
use crate::failure::Failure;
use crate::step::Step;
use crate::workspace;

/// The programs, and rules that semgrep does not bring itself.
const LISTS: &[&str] = &["linters", "semgrep-rules"];

/// The folder that holds them: `bin`, and the rules for semgrep in `rules`. Installs what is missing; uv is there already.
///
/// # Errors
/// A package can't be had.
pub(crate) fn linters() -> Result<PathBuf, Failure> {
    let place = Place::open()?;
    let _lock = place.lock()?;
    let dir = place.dir.join("linters");
    let stamp = place.dir.join("linters.stamp");
    let mut made_from = format!("{}\n", dir.display());
    for name in LISTS {
        let list = place.lists.join(format!("python/{name}.txt"));
        made_from.push_str(&workspace::read(&list)?);
    }
    if std::fs::read_to_string(&stamp).is_ok_and(|old| old == made_from) {
        return Ok(dir);
    }
    remove(&stamp)?;
    remove(&dir)?;
    let mut command = uv(&place, &["venv", "--quiet", "--python"]);
    command.arg(interpreter()).arg(&dir);
    run("make an environment for linters", command)?;
    let mut command = uv(&place, &["pip", "sync", "--quiet", "--python"]);
    command
        .arg(dir.join("bin/python"))
        .arg(place.lists.join("python/linters.txt"));
    run("install linters", command)?;
    let mut command = uv(&place, &["pip", "install", "--quiet", "--no-deps"]);
    command.arg("--python").arg(interpreter());
    command.arg("--target").arg(dir.join("rules"));
    command
        .arg("-r")
        .arg(place.lists.join("python/semgrep-rules.txt"));
    run("install rules for semgrep", command)?;
    write(&stamp, &made_from)?;
    Ok(dir)
}

fn run(what: &str, command: Command) -> Result<(), Failure> {
    Step::new(what, INSTALL_LIMIT, command).run()
}
