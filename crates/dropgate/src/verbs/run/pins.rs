//! `[tools] pin`: the pins of a server, kept where `dropgate trust` finds them.

use std::io;
use std::path::PathBuf;

use dropgate_gate::pins::{Mode, PinStore, Pins};
use dropgate_relay::{KeepsPins, PinnedTools};

use crate::config::written::Pin;
use crate::verbs::trust::store::{self, StoreError};

/// What was pinned of a server's tools; nothing if that is switched off.
///
/// # Errors
/// There is no place for pins, or what is there can't be read.
pub(super) fn pinned(pin: Option<Pin>, server: &str) -> Result<Option<PinnedTools>, StoreError> {
    let mode = match pin {
        Some(Pin::Off) => return Ok(None),
        Some(Pin::Warn) | None => Mode::Warn,
        Some(Pin::Enforce) => Mode::Enforce,
    };
    let path = store::file(&store::folder()?, server)?;
    Ok(Some(PinnedTools {
        pins: Pins::new(mode, store::read(&path)?),
        keeper: Box::new(PinFile { path }),
    }))
}

/// The file that other runs of the same server, and `dropgate trust`, read and change as well.
struct PinFile {
    path: PathBuf,
}

impl KeepsPins for PinFile {
    fn update(&mut self, change: &mut dyn FnMut(&mut PinStore)) -> io::Result<()> {
        store::update(&self.path, change).map_err(io::Error::other)
    }
}
