//! The binary under test: `DROPGATE_BIN`, else a build of this checkout.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

pub(crate) fn dropgate() -> &'static PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| std::env::var_os("DROPGATE_BIN").map_or_else(built, PathBuf::from))
}

fn built() -> PathBuf {
    // TARGET/PROFILE/deps/probed-HASH is this test.
    let own = std::env::current_exe().expect("a test knows its own path");
    let target = own
        .ancestors()
        .nth(3)
        .expect("cargo puts tests into a target folder");
    let profile = match std::env::var_os("DROPGATE_QUICK") {
        Some(_) => ["dev", "debug"],
        None => ["release", "release"],
    };
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--profile", profile[0]])
        .args(["-p", "dropgate", "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(status.success(), "cargo build -p dropgate: {status}");
    target.join(profile[1]).join("dropgate")
}
