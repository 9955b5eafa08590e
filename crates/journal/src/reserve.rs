//! Space held back, so that a full disk still takes the last words.

use std::fs::File;

use rustix::fs::FallocateFlags;

use crate::folder::Folder;

/// A file that holds nothing but space.
pub(crate) struct Reserve {
    file: Option<File>,
    held: Held,
}

/// Whether the space is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    Yes,
    No,
}

/// Whether there was anything to release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Released {
    Now,
    Before,
}

/// Enough for the outcomes of thousands of calls, and the seal.
const BYTES: u64 = 1 << 20;
const FILE: &str = "reserve";

impl Reserve {
    /// Takes the space, if the disk has it.
    pub(crate) fn hold(folder: &Folder) -> Self {
        let mut reserve = Self {
            file: folder.write_or_create(FILE).ok(),
            held: Held::No,
        };
        reserve.hold_again();
        reserve
    }

    pub(crate) fn hold_again(&mut self) -> Held {
        if self.held == Held::No {
            self.held = match &self.file {
                Some(file) => {
                    match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, BYTES) {
                        Ok(()) => Held::Yes,
                        Err(rustix::io::Errno::NOSPC | rustix::io::Errno::DQUOT) => {
                            let _gives_back_what_it_got = file.set_len(0);
                            Held::No
                        }
                        // Where space can't be set aside there is none to hold; the
                        // journal works, but a full disk stops it earlier.
                        Err(_) => Held::Yes,
                    }
                }
                None => Held::Yes,
            };
        }
        self.held
    }

    /// Gives the space to whoever writes next: this journal, since it writes at once.
    pub(crate) fn release(&mut self) -> Released {
        if self.held == Held::No {
            return Released::Before;
        }
        self.give_back();
        Released::Now
    }

    pub(crate) fn give_back(&mut self) {
        if let Some(file) = &self.file {
            let _stays_held = file.set_len(0);
        }
        self.held = Held::No;
    }
}
