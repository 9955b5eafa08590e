//! The programs under test and beside it, built when nobody said where they are.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::bounded;

/// A cold release build with rmcp in it on a slow machine.
const BUILD: Duration = Duration::from_secs(20 * 60);

/// The binary under test: `DROPGATE_BIN`, else a build of this checkout.
pub(crate) fn dropgate() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| match named() {
        Some(path) => path,
        None => built("dropgate"),
    })
}

/// The host on rmcp's client, which is built beside the binary under test.
pub(crate) fn rmcp_client() -> &'static Path {
    const NAME: &str = "dropgate-testing-rmcp-client";
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let beside = named().map(|path| path.with_file_name(NAME));
        beside
            .filter(|path| path.exists())
            .unwrap_or_else(|| built(NAME))
    })
}

/// The process above `dropgate run`, and what puts it into a cgroup.
pub(crate) fn above() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_dropgate-testing-real"))
}

fn named() -> Option<PathBuf> {
    std::env::var_os("DROPGATE_BIN").map(PathBuf::from)
}

/// Builds one package, whose program has its name.
fn built(package: &str) -> PathBuf {
    // TARGET/PROFILE/deps/real-HASH is this test.
    let own = std::env::current_exe().expect("a test knows its own path");
    let target = own
        .ancestors()
        .nth(3)
        .expect("cargo puts tests into a target folder");
    let profile = match std::env::var_os("DROPGATE_QUICK") {
        Some(_) => ["dev", "debug"],
        None => ["release", "release"],
    };
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--quiet", "--profile", profile[0], "-p", package])
        .arg("--target-dir")
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let status = bounded::run(cargo, BUILD).expect("cargo runs");
    assert!(status.success(), "cargo build -p {package}: {status}");
    target.join(profile[1]).join(package)
}
