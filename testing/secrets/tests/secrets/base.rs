//! The programs under test, and a folder for each test.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// What is started as host and as server.
pub(crate) const AROUND: &str = env!("CARGO_BIN_EXE_dropgate-testing-secrets");

/// The binary under test: `DROPGATE_BIN`, else a build of this checkout.
pub(crate) fn dropgate() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| match std::env::var_os("DROPGATE_BIN") {
        Some(path) => path.into(),
        None => {
            let build = Command::new(env!("CARGO"))
                .args(["build", "--quiet", "-p", "dropgate"])
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .status();
            assert!(build.expect("cargo runs").success(), "dropgate is built");
            Path::new(AROUND).with_file_name("dropgate")
        }
    })
}

/// The installed counterparts, or a line that the test is skipped.
pub(crate) fn counterparts(test: &str) -> Option<PathBuf> {
    let found = std::env::var_os("DROPGATE_COUNTERPARTS").map(PathBuf::from);
    if found.is_none() {
        // Past the capture of the test's own output.
        let _nobody_listens = writeln!(std::io::stderr(), "skipped: {test}: run cargo xtask test");
    }
    found
}

/// How often each ending is played: a few times, or 50 in the soak.
pub(crate) fn times() -> usize {
    match std::env::var("DROPGATE_LEASES").as_deref() {
        Ok("full") => 50,
        _ if std::env::var_os("DROPGATE_QUICK").is_some() => 1,
        _ => 5,
    }
}

/// Removed when dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("dropgate-secrets-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _left_for_the_system = std::fs::remove_dir_all(&self.0);
    }
}
