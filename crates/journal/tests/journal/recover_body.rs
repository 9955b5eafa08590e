//! What must hold for any file in the place of a segment. The fuzz target and the tests run this same body.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::time::Duration;

use dropgate_journal::{Journal, Known, OpenError, Sealed, Settings, verify};

/// Puts `content` into the place of a chain's first segment, below a folder that is empty, and opens the journal.
pub(crate) fn recover_any(folder: &Path, content: &[u8]) {
    let dir = folder.join("journal");
    let chain = dir.join("chain-AAAAAAAAAAAAA");
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&chain)
        .expect("a folder");
    fs::write(chain.join("00000001.jsonl"), content).expect("writable");
    let before = verify(&dir, &Known::default()).expect("readable");
    match Journal::open(Settings::new(&dir), Box::new(|| {})) {
        Ok(journal) => {
            assert!(matches!(
                journal.seal(Duration::from_secs(20)),
                Sealed::Yes(_)
            ));
            let after = verify(&dir, &Known::default()).expect("readable");
            // Opening mends a torn tail; it makes nothing whole that was changed.
            let forged = matches!(before.code(), 1 | 3 | 4);
            assert!(after.code() == 0 || forged, "{before:?} became {after:?}");
        }
        Err(OpenError::Damaged { .. }) => assert_ne!(before.code(), 0),
        Err(error @ (OpenError::Folder(_) | OpenError::Thread(_))) => panic!("{error}"),
    }
    fs::remove_dir_all(&dir).expect("removable");
}
