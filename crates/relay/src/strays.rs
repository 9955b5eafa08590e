//! Lines of the server's stdout that go nowhere: shown without what should not be told, each and all together up to a
//! limit, since a server that takes stdout for its log may write without end.

use std::time::Duration;

use dropgate_gate::sanitize::{Forward, Sanitizer, StderrFilter};

use crate::cleaning::stopwatch;
use crate::log_line::shown;

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
        let mut text = self.cleaned(sanitizer, line)?;
        text.truncate(MAX_SHOWN);
        let text = String::from_utf8_lossy(&text);
        self.within_limit(
            &format!("not a message on the server's stdout: {text}"),
            now,
        )
    }

    /// What is said of an answer that is left out, by the id of its call.
    pub(crate) fn left_out(
        &mut self,
        sanitizer: &Sanitizer,
        id: &str,
        why: &str,
        now: Duration,
    ) -> Option<String> {
        let id = self.cleaned(sanitizer, id.as_bytes())?;
        let id = shown(&String::from_utf8_lossy(&id));
        self.within_limit(&format!("answer to call {id} left out: {why}"), now)
    }

    /// None where the line before stands for it.
    fn cleaned(&mut self, sanitizer: &Sanitizer, line: &[u8]) -> Option<Vec<u8>> {
        match self.filter.line(sanitizer, line, &stopwatch()) {
            Forward::Clean => Some(line.to_vec()),
            Forward::Replaced(text) => Some(text),
            Forward::Dropped => None,
        }
    }

    fn within_limit(&mut self, line: &str, now: Duration) -> Option<String> {
        self.refill(now);
        let Some(left) = self.left.checked_sub(line.len()) else {
            self.hidden += 1;
            return None;
        };
        self.left = left;
        Some(match self.take_hidden() {
            Some(hidden) => format!("{hidden}\n{line}"),
            None => line.to_owned(),
        })
    }

    /// How many lines were not shown since that was last told, if any.
    pub(crate) fn take_hidden(&mut self) -> Option<String> {
        let hidden = std::mem::take(&mut self.hidden);
        (hidden > 0).then(|| {
            format!("{hidden} more lines on the server's stdout went nowhere and are not shown")
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
        let each = "not a message on the server's stdout: ".len() + line.len();
        let at = |strays: &mut Strays, now: u64, times: usize| {
            (0..times)
                .filter_map(|_| strays.shown(&sanitizer, line.as_bytes(), Duration::from_secs(now)))
                .collect::<Vec<String>>()
        };
        assert_eq!(at(&mut strays, 1, 2000).len(), BURST / each);
        let later = at(&mut strays, 2, 100);
        let fit = (BURST % each + PER_SECOND) / each;
        assert_eq!(later.len(), fit);
        let hidden = format!("{} more", 2000 - BURST / each);
        assert!(
            later.first().is_some_and(|one| one.starts_with(&hidden)),
            "{:?}",
            later.first()
        );
        let hidden = format!("{} more", 100 - fit);
        assert!(
            strays
                .take_hidden()
                .is_some_and(|one| one.starts_with(&hidden))
        );
        assert_eq!(strays.take_hidden(), None);
        assert_eq!(at(&mut strays, 100, 2000).len(), BURST / each);
    }

    #[test]
    fn the_id_of_an_answer_is_cut_and_has_no_secrets_and_counts_like_a_line() {
        let sanitizer = sanitizer();
        let mut strays = Strays::new();
        let at = Duration::from_secs(1);
        let id = format!("\"{SECRET}{}\"", "é".repeat(4096));
        let told = strays.left_out(&sanitizer, &id, "nobody waits for it", at);
        let told = told.expect("it is shown");
        assert!(told.contains("[secret removed]é"), "{told}");
        assert!(told.ends_with("é… left out: nobody waits for it"), "{told}");
        assert!(told.len() < 384, "{told}");
        let times = 1 + BURST / told.len();
        let shown =
            (1..=times).filter_map(|_| strays.left_out(&sanitizer, &id, "nobody waits for it", at));
        assert_eq!(shown.count(), times - 2);
        assert!(
            strays
                .take_hidden()
                .is_some_and(|it| it.starts_with("2 more"))
        );
    }
}
