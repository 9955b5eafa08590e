//! What a server writes to stderr, line by line.
//!
//! stderr is the operator's log, so by default the frames and paths of a trace stay: without them nobody can mend the
//! server. Secrets go always. Hosts that show stderr to users or models want [`Profile::Strict`], which cleans it like
//! an error text; a run of frames leaves one mark, remembered across lines.

use super::Sanitizer;
use super::budget::{Budget, Fault, Time};
use super::clean::{Depth, clean};
use super::secret::{ends_key_block, opens_key_block};
use super::settings::Profile;
use super::span::Redactions;
use super::stack::{Part, Tracker};

/// Most lines that a block of a key may have.
const MAX_KEY_LINES: u32 = 400;
const KEY_REMOVED: &[u8] = b"[secret removed]";
const STACK_REMOVED: &[u8] = b"[stack removed]";
const WITHHELD: &[u8] = b"[line withheld]";

/// What becomes of a line of stderr.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a line that is not looked at must not leave"]
pub enum Forward {
    /// It leaves as the bytes that came.
    Clean,
    /// These bytes leave in its place, without a line end.
    Replaced(Vec<u8>),
    /// Nothing leaves: an earlier line stands for it.
    Dropped,
}

/// What the lines before said of the next one. Bounded; one for each server.
#[derive(Clone, Debug)]
pub struct StderrFilter {
    tracker: Tracker,
    stack: Stack,
    key: Key,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stack {
    Outside,
    Inside,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Outside,
    Inside { lines: u32 },
}

impl Default for StderrFilter {
    fn default() -> Self {
        Self::new()
    }
}

impl StderrFilter {
    /// For a server that has written nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tracker: Tracker::new(),
            stack: Stack::Outside,
            key: Key::Outside,
        }
    }

    /// What becomes of the next line, without its line end. A line may be a piece of a longer one; a secret that is cut
    /// by the end of a piece is not found, so pieces should be long.
    pub fn line(&mut self, sanitizer: &Sanitizer, line: &[u8], time: &dyn Fn() -> Time) -> Forward {
        match self.key {
            Key::Outside => {}
            Key::Inside { lines } => {
                self.key = if ends_key_block(line) || lines >= MAX_KEY_LINES {
                    Key::Outside
                } else {
                    Key::Inside { lines: lines + 1 }
                };
                return Forward::Dropped;
            }
        }
        let Some(start) = opens_key_block(line) else {
            return self.outside_key(sanitizer, line, time);
        };
        self.key = Key::Inside { lines: 0 };
        let head = line.get(..start).unwrap_or_default();
        let mut kept = match self.outside_key(sanitizer, head, time) {
            Forward::Clean => head.to_vec(),
            Forward::Replaced(head) => head,
            Forward::Dropped => Vec::new(),
        };
        kept.extend_from_slice(KEY_REMOVED);
        Forward::Replaced(kept)
    }

    fn outside_key(
        &mut self,
        sanitizer: &Sanitizer,
        line: &[u8],
        time: &dyn Fn() -> Time,
    ) -> Forward {
        let depth = match sanitizer.settings.profile {
            Profile::Standard => Depth::Secrets,
            Profile::Strict => Depth::All,
        };
        if depth == Depth::All
            && let Some(forward) = self.in_stack(line)
        {
            return forward;
        }
        let cleaned = clean(
            line,
            depth,
            sanitizer.settings.profile,
            &sanitizer.values,
            &mut Redactions::default(),
            &mut Budget::new(time),
        );
        match cleaned {
            Ok(None) => Forward::Clean,
            Ok(Some(line)) => Forward::Replaced(line),
            Err(Fault::TimeUp | Fault::TooLong | Fault::Unreadable) => {
                Forward::Replaced(WITHHELD.to_vec())
            }
        }
    }

    fn in_stack(&mut self, line: &[u8]) -> Option<Forward> {
        match self.tracker.is_frame(line) {
            Part::Frame | Part::FrameAfterName | Part::Bare => {
                let before = std::mem::replace(&mut self.stack, Stack::Inside);
                Some(match before {
                    Stack::Outside => Forward::Replaced(STACK_REMOVED.to_vec()),
                    Stack::Inside => Forward::Dropped,
                })
            }
            Part::Between => None,
            Part::Text | Part::Head(_) | Part::Tail(_) | Part::Statement => {
                self.stack = Stack::Outside;
                None
            }
        }
    }
}
