//! Lines in the making: rendered one after another into one buffer, each chained to the one before.

use sha2::{Digest as _, Sha256};

use super::hash::{Hash, Head};
use super::scan::Line;
use super::text;
use super::time::{Clock, Stamp};

/// Rendered lines that are not yet known to be on the disk, and the head after them.
pub(crate) struct Tape {
    bytes: Vec<u8>,
    head: Head,
    line: usize,
}

impl Tape {
    pub(crate) fn after(head: Head) -> Self {
        Self {
            bytes: Vec::new(),
            head,
            line: 0,
        }
    }

    pub(crate) fn head(&self) -> Head {
        self.head
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets the lines, which are safe, and keeps the room they took.
    pub(crate) fn clear(&mut self) {
        const ROOM: usize = 4 << 20;
        self.bytes.clear();
        self.bytes.shrink_to(ROOM);
        self.line = 0;
    }

    /// Writes one line: what `members` adds stands between `kind` and `prev`.
    pub(crate) fn line(
        &mut self,
        clock: &mut Clock,
        kind: &str,
        members: impl FnOnce(&mut Vec<u8>),
    ) -> Stamp {
        let now = clock.now();
        self.line_of(clock, now, kind, members);
        now
    }

    /// As [`Self::line`], with the stamp of a line that follows.
    pub(crate) fn line_at(
        &mut self,
        clock: &mut Clock,
        stamp: Stamp,
        kind: &str,
        members: impl FnOnce(&mut Vec<u8>),
    ) {
        clock.now();
        self.line_of(clock, stamp, kind, members);
    }

    fn line_of(
        &mut self,
        clock: &mut Clock,
        stamp: Stamp,
        kind: &str,
        members: impl FnOnce(&mut Vec<u8>),
    ) {
        self.begin();
        let out = &mut self.bytes;
        out.extend_from_slice(clock.begins(stamp));
        out.extend_from_slice(kind.as_bytes());
        out.push(b'"');
        members(out);
        self.end();
    }

    /// Chains a line of another tape to this one: same content, new number and hash.
    pub(crate) fn adopt(&mut self, line: &Line<'_>) {
        self.begin();
        self.bytes.extend_from_slice(line.content);
        self.end();
    }

    fn begin(&mut self) {
        self.line = self.bytes.len();
        self.bytes.extend_from_slice(b"{\"v\":1,\"seq\":");
        text::number(&mut self.bytes, self.head.seq + 1);
    }

    fn end(&mut self) {
        self.bytes.extend_from_slice(b",\"prev\":\"");
        self.bytes.extend_from_slice(self.head.hash.text());
        self.bytes.push(b'"');
        // The line ends here for its hash.
        self.bytes.push(b'}');
        let mut digest = Sha256::new();
        digest.update(self.head.hash.text());
        digest.update(&self.bytes[self.line..]);
        self.bytes.pop();
        self.head = Head {
            seq: self.head.seq + 1,
            hash: Hash::of(digest),
        };
        self.bytes.extend_from_slice(b",\"h\":\"");
        self.bytes.extend_from_slice(self.head.hash.text());
        self.bytes.extend_from_slice(b"\"}\n");
    }
}
