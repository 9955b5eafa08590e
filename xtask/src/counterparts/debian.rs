//! Programs that come from the system: Chromium for the browser server, PostgreSQL, ssh, sudo, debuggers, and what bootstraps the rest.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::failure::Failure;
use crate::step::Step;

/// A program and the Debian package that has it.
const PROGRAMS: &[(&str, &str)] = &[
    ("chromium", "chromium"),
    ("gdb", "gdb"),
    ("git", "git"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("ps", "procps"),
    ("python3", "python3"),
    ("ssh", "openssh-client"),
    ("sshd", "openssh-server"),
    ("strace", "strace"),
    ("sudo", "sudo"),
];

/// `python3 -m venv` is packaged apart from Python itself.
const VENV_PACKAGE: &str = "python3-venv";

/// Debian keeps the programs of a database server out of PATH, in a folder by version.
const POSTGRESQL: &str = "/usr/lib/postgresql";
const POSTGRESQL_PACKAGE: &str = "postgresql";

const APT_LIMIT: Duration = Duration::from_secs(15 * 60);

/// Installs the packages whose programs are absent, which takes root and apt-get.
pub(super) fn install() -> Result<(), Failure> {
    let missing = missing();
    if missing.is_empty() {
        eprintln!("== counterparts from the system: already installed");
        return Ok(());
    }
    if !rustix::process::geteuid().is_root() || find("apt-get").is_none() {
        return Err(absent(&missing));
    }
    apt("fetch Debian's package lists", &["update", "-qq"])?;
    let mut arguments = vec![
        "install",
        "-y",
        "-qq",
        "-o",
        "Dpkg::Use-Pty=0",
        "--no-install-recommends",
    ];
    arguments.extend(&missing);
    apt(
        &format!("install from Debian: {}", missing.join(" ")),
        &arguments,
    )?;
    present()
}

/// Says which packages are missing, if any.
pub(super) fn present() -> Result<(), Failure> {
    let missing = missing();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(absent(&missing))
    }
}

/// The first file of that name in PATH or in the system's program folders.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let listed = std::env::split_paths(&path);
    let system = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    listed
        .chain(system)
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}

fn missing() -> Vec<&'static str> {
    let mut packages: Vec<_> = PROGRAMS
        .iter()
        .filter(|(program, _)| find(program).is_none())
        .map(|(_, package)| *package)
        .collect();
    if !venv_works() {
        packages.push(VENV_PACKAGE);
    }
    if !postgresql_is_there() {
        packages.push(POSTGRESQL_PACKAGE);
    }
    packages
}

fn postgresql_is_there() -> bool {
    let versions = std::fs::read_dir(POSTGRESQL).into_iter().flatten();
    versions
        .flatten()
        .any(|version| version.path().join("bin/initdb").is_file())
}

fn venv_works() -> bool {
    let mut probe = Command::new(super::python::interpreter());
    probe
        .args(["-c", "import ensurepip, venv"])
        .stderr(std::process::Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

fn absent(packages: &[&str]) -> Failure {
    let list = packages.join(" ");
    Failure::failed(format!(
        "these system packages are missing: {list}\n  install them as root with: apt-get update && apt-get install -y --no-install-recommends {list}\n  or run `cargo xtask test --offline`, which skips every test that needs them and says so"
    ))
}

fn apt(what: &str, arguments: &[&str]) -> Result<(), Failure> {
    let mut command = Command::new("apt-get");
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    Step::new(what, APT_LIMIT, command).run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_the_command_that_gets_it() {
        let text = absent(&["gdb", "sudo"]).to_string();
        assert!(text.contains("missing: gdb sudo"), "{text}");
        assert!(
            text.contains("install -y --no-install-recommends gdb sudo"),
            "{text}"
        );
    }

    #[test]
    fn a_program_is_found_in_the_system_folders() {
        assert!(find("sh").is_some());
        assert!(find("a-program-that-nobody-has").is_none());
    }
}
