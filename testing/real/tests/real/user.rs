//! Who the processes of a row run as.

use std::os::unix::fs::chown;
use std::path::Path;

/// Linux's `nobody`: it has a name, which node and git ask for, and no rights.
const NOBODY: u32 = 65534;

/// A user that this test can become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum User {
    Root,
    /// Whoever runs the tests when that is not root, else [`NOBODY`].
    Ordinary,
}

impl User {
    /// Both for root, who can become anybody.
    pub(crate) fn available() -> &'static [Self] {
        if runs_as_root() {
            &[Self::Root, Self::Ordinary]
        } else {
            &[Self::Ordinary]
        }
    }

    /// The most powerful of them.
    pub(crate) fn own() -> Self {
        Self::available()[0]
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Ordinary => "ordinary",
        }
    }

    /// The id to change to, if that differs from the present one.
    pub(crate) fn to_become(self) -> Option<u32> {
        (self == Self::Ordinary && runs_as_root()).then_some(NOBODY)
    }

    /// Hands a file or folder over.
    pub(crate) fn give(self, path: &Path) -> std::io::Result<()> {
        match self.to_become() {
            Some(id) => chown(path, Some(id), Some(id)),
            None => Ok(()),
        }
    }
}

pub(crate) fn runs_as_root() -> bool {
    rustix::process::geteuid().is_root()
}
