//! Lines: how a record stands in a segment.
//!
//! `{"v":1,"seq":N,"ts":"…","mono":N,"boot":"…","kind":"…", …,"prev":"…","h":"…"}`,
//! always in this order, without blanks. `h` is the SHA-256 of the 64 letters of
//! `prev` and of the line without its `h` member.

pub(crate) mod entry;
pub(crate) mod hash;
pub(crate) mod scan;
pub(crate) mod tape;
pub(crate) mod text;
pub(crate) mod time;

/// The version of this form of lines.
pub(crate) const VERSION: u64 = 1;
/// The longest line, with its line end, in bytes. A longer one is not ours.
pub const MAX_LINE: usize = 64 * 1024;
