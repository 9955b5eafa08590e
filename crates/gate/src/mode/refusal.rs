//! The words in which a writing call is refused while only reading is possible.

use std::time::Duration;

use serde_json::json;

use super::standing::Why;
use crate::refusal::Refusal;

/// The most tools that a refusal names.
const MAX_NAMED: usize = 5;

/// A refusal that names the tools that still read. `since` counts from 1970-01-01 UTC.
pub(super) fn read_only<'a>(
    why: Why,
    since: Duration,
    retry_after: Option<Duration>,
    readers: impl Iterator<Item = &'a str>,
) -> Refusal {
    let reason = match why {
        Why::Operator => "Writing is switched off",
        Why::Journal => "Writing can not be recorded at present",
        Why::Lease => "The credentials for writing are gone",
        Why::Probe | Why::Breakers => "Writing does not work at present",
    };
    let named: Vec<&str> = readers.take(MAX_NAMED).collect();
    let reading = if named.is_empty() {
        String::new()
    } else {
        format!(
            " Reading still works, for example with {}.",
            named.join(", ")
        )
    };
    let text = format!(
        "{reason}, so the call was not started and nothing ran.{reading} \
         It is safe to call again later; until then other calls that write are refused as well."
    );
    let mut degraded = json!({ "mode": "read_only", "why": why.name(), "since": date(since) });
    if let (serde_json::Value::Object(members), Some(after)) = (&mut degraded, retry_after) {
        let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        members.insert("retry_after_ms".to_owned(), millis.into());
    }
    Refusal::read_only(text, degraded, retry_after)
}

/// A time since 1970-01-01 UTC as RFC 3339 writes it, to the second.
fn date(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    // Years begin in March, so that the leap day is the last: 400 of them have 146,097 days.
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let rows = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (1_792_065_906, "2026-10-15T12:05:06Z"),
        ];
        for (seconds, expected) in rows {
            assert_eq!(date(Duration::from_secs(seconds)), expected);
        }
        // The end of time is no panic.
        assert!(date(Duration::MAX).ends_with('Z'));
    }

    #[test]
    fn every_reason_has_its_words_and_five_names_at_most() {
        let names = ["a", "b", "c", "d", "e", "f"];
        for why in Why::ALL {
            let refusal = read_only(
                why,
                Duration::ZERO,
                Some(Duration::from_secs(3)),
                names.into_iter(),
            );
            let text = refusal.text();
            assert!(text.contains("with a, b, c, d, e."), "{text}");
            assert!(text.len() < 300, "{text}");
            let meta = refusal.meta();
            assert_eq!(meta["outcome"], "not_executed");
            assert_eq!(meta["retry_after_ms"], 3000);
            assert_eq!(
                meta["degraded"],
                json!({
                    "mode": "read_only", "why": why.name(),
                    "since": "1970-01-01T00:00:00Z", "retry_after_ms": 3000
                })
            );
        }
        let none = read_only(Why::Operator, Duration::ZERO, None, [].into_iter());
        assert!(!none.text().contains("Reading"));
        assert_eq!(none.meta().get("retry_after_ms"), None);
    }
}
