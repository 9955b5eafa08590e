//! Lines of the server's stdout that are no messages: shown without what should not be told, each and all together up to
//! a limit, since a server that takes stdout for its log may write without end.

use std::time::Duration;

use dropgate_gate::sanitize::{Forward, Sanitizer, StderrFilter};

use crate::cleaning::stopwatch;

/// The most of a line that is shown, and so much of it that a secret at its end is whole.
const MAX_SHOWN: usize = 8 << 10;
pub(crate) const LOOKED_AT: usize = 3 * MAX_SHOWN;
/// What may be shown at once, bytes: what a server says as it starts.
const BURST: usize = 1 << 20;
/// What may be shown after that, bytes per second.
const PER_SECOND: usize = 64 << 10;

/// What is left of what may be shown.
#[derive(Debug)]
pub(crate) struct Strays {
    filter: StderrFilter,
    left: usize,
    counted_up_to: Duration,
    hidden: u64,
}

impl Strays {
    /// For a server that has written nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            filter: StderrFilter::new(),
            left: BURST,
            counted_up_to: Duration::ZERO,
            hidden: 0,
        }
    }

    /// What is shown of a line at the time `now`, perhaps after how many were not.
    pub(crate) fn shown(
        &mut self,
        sanitizer: &Sanitizer,
        line: &[u8],
        now: Duration,
    ) -> Option<String> {
        let cleaned = self.filter.line(sanitizer, line, &stopwatch());
        let text = match &cleaned {
            Forward::Clean => line,
            Forward::Replaced(text) => text,
            // The line before stands for it.
            Forward::Dropped => return None,
        };
        let text = text.get(..MAX_SHOWN).unwrap_or(text);
        let text = String::from_utf8_lossy(text);
        self.refill(now);
        let Some(left) = self.left.checked_sub(text.len().max(1)) else {
            self.hidden += 1;
            return None;
        };
        self.left = left;
        let line = format!("not a message on the server's stdout: {text}");
        Some(match self.take_hidden() {
            Some(hidden) => format!("{hidden}\n{line}"),
            None => line,
        })
    }

    /// How many lines were not shown since that was last told, if any.
    pub(crate) fn take_hidden(&mut self) -> Option<String> {
        let hidden = std::mem::take(&mut self.hidden);
        (hidden > 0).then(|| {
            format!("{hidden} more lines on the server's stdout were no messages and are not shown")
        })
    }

    fn refill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.counted_up_to);
        let gained = passed.as_millis() * PER_SECOND as u128 / 1000;
        let gained = usize::try_from(gained).unwrap_or(BURST);
        if gained > 0 {
            self.left = self.left.saturating_add(gained).min(BURST);
            self.counted_up_to = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use dropgate_gate::sanitize::Settings;

    use super::*;

    const SECRET: &str = "s3cr3t-v4lue-of-it";

    fn sanitizer() -> Sanitizer {
        Sanitizer::new(Settings::default(), std::iter::once(SECRET.as_bytes()))
    }

    #[test]
    fn a_line_is_cut_and_has_no_secrets() {
        let mut strays = Strays::new();
        let line = format!("{}{SECRET}{}", "a".repeat(100), "b".repeat(LOOKED_AT));
        let shown = strays
            .shown(&sanitizer(), line.as_bytes(), Duration::ZERO)
            .expect("it is shown");
        assert!(shown.contains("aa[secret removed]bb"), "{shown}");
        assert!(shown.len() < MAX_SHOWN + 100);
    }

    #[test]
    fn a_flood_is_shown_up_to_the_limit_and_the_rest_is_counted() {
        let sanitizer = sanitizer();
        let mut strays = Strays::new();
        let line = "x".repeat(1024);
        let at = |strays: &mut Strays, now: u64, times: usize| {
            (0..times)
                .filter_map(|_| strays.shown(&sanitizer, line.as_bytes(), Duration::from_secs(now)))
                .collect::<Vec<String>>()
        };
        assert_eq!(at(&mut strays, 1, 2000).len(), BURST / 1024);
        let later = at(&mut strays, 2, 100);
        assert_eq!(later.len(), PER_SECOND / 1024);
        assert!(
            later.first().is_some_and(|one| one.starts_with("976 more")),
            "{:?}",
            later.first()
        );
        assert!(
            strays
                .take_hidden()
                .is_some_and(|one| one.starts_with("36 more"))
        );
        assert_eq!(strays.take_hidden(), None);
        assert_eq!(at(&mut strays, 100, 2000).len(), BURST / 1024);
    }
}
