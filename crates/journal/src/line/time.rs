//! Time as lines hold it: `2026-11-21T07:27:46.123Z`, and milliseconds since boot.

use std::fs::File;
use std::io::Read as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::text::number;

/// Milliseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(pub u64);

/// How long a written stamp is, without quotes.
pub(crate) const STAMP: usize = 24;
/// More than the system's name for a boot has, bytes.
const MAX_BOOT_ID: u64 = 64;

/// The clocks of a writer. The wall clock never goes back in one chain: where
/// the system's does, the last stamp is repeated and `mono` tells the truth.
pub(crate) struct Clock {
    last: Stamp,
    /// Milliseconds since boot, at the last look.
    mono: u64,
    looks: Looks,
    second: u64,
    text: [u8; STAMP],
    boot: Box<str>,
    /// What lines of this time begin with, after their number.
    begins: Vec<u8>,
    begins_at: (Stamp, u64),
}

/// When the system's clocks are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looks {
    /// For each line.
    Always,
    /// Not before the next word: lines that are made together have one time.
    Held,
}

impl Clock {
    pub(crate) fn new(boot: &str, not_before: Stamp) -> Self {
        Self {
            last: not_before,
            mono: since_boot(),
            looks: Looks::Always,
            second: u64::MAX,
            text: *b"0000-00-00T00:00:00.000Z",
            boot: boot.into(),
            begins: Vec::new(),
            begins_at: (Stamp(u64::MAX), 0),
        }
    }

    /// Looks at the clocks now, and not again for the lines that follow.
    pub(crate) fn hold(&mut self) {
        self.look();
        self.looks = Looks::Held;
    }

    /// Lines have the time at which they are made again.
    pub(crate) fn release(&mut self) {
        self.looks = Looks::Always;
    }

    fn look(&mut self) {
        self.last = self.last.max(Stamp::now());
        self.mono = since_boot();
    }

    /// The stamp of what is recorded now.
    pub(crate) fn now(&mut self) -> Stamp {
        if self.looks == Looks::Always {
            self.look();
        }
        self.last
    }

    /// What a line of that stamp begins with: its time by all clocks, and the name of what is its kind.
    pub(crate) fn begins(&mut self, stamp: Stamp) -> &[u8] {
        let at = (stamp, self.mono);
        if self.begins_at != at {
            let mut begins = std::mem::take(&mut self.begins);
            begins.clear();
            begins.extend_from_slice(b",\"ts\":\"");
            begins.extend_from_slice(self.text(stamp));
            begins.extend_from_slice(b"\",\"mono\":");
            number(&mut begins, self.mono);
            begins.extend_from_slice(b",\"boot\":\"");
            begins.extend_from_slice(self.boot.as_bytes());
            begins.extend_from_slice(b"\",\"kind\":\"");
            self.begins = begins;
            self.begins_at = at;
        }
        &self.begins
    }

    /// Its text.
    fn text(&mut self, stamp: Stamp) -> &[u8; STAMP] {
        let second = stamp.0 / 1000;
        if second != self.second {
            self.second = second;
            self.text = stamp.text();
        } else {
            let ms = stamp.0 % 1000;
            digits(&mut self.text, 20, 3, ms);
        }
        &self.text
    }
}

/// Milliseconds since the system was booted, sleep included.
pub(crate) fn since_boot() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    seconds * 1000 + u64::try_from(now.tv_nsec).unwrap_or_default() / 1_000_000
}

/// The first 12 letters of the boot's random id, or zeros where the kernel shows none.
pub(crate) fn boot_id() -> String {
    let mut text = String::new();
    let read = File::open("/proc/sys/kernel/random/boot_id")
        .and_then(|file| file.take(MAX_BOOT_ID).read_to_string(&mut text));
    if read.is_err() {
        text.clear();
    }
    let mut id: String = text
        .chars()
        .filter(char::is_ascii_hexdigit)
        .take(12)
        .collect();
    while id.len() < 12 {
        id.push('0');
    }
    id
}

impl Stamp {
    /// Now, by the system's clock.
    pub fn now() -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// This long before.
    pub fn before(self, by: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)),
        )
    }

    /// As lines hold it.
    pub(crate) fn text(self) -> [u8; STAMP] {
        let mut text = *b"0000-00-00T00:00:00.000Z";
        // The year 9999 is the last that the form can hold.
        let ms = self.0.min(253_402_300_799_999);
        let (days, in_day) = (ms / 86_400_000, ms % 86_400_000);
        let (year, month, day) = civil(days);
        digits(&mut text, 0, 4, year);
        digits(&mut text, 5, 2, month);
        digits(&mut text, 8, 2, day);
        digits(&mut text, 11, 2, in_day / 3_600_000);
        digits(&mut text, 14, 2, in_day / 60_000 % 60);
        digits(&mut text, 17, 2, in_day / 1000 % 60);
        digits(&mut text, 20, 3, in_day % 1000);
        text
    }

    /// Reads what [`Stamp::text`] wrote.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let shape = b"dddd-dd-ddTdd:dd:dd.dddZ";
        let fits = text.len() == STAMP
            && text.iter().zip(shape).all(|(byte, want)| match want {
                b'd' => byte.is_ascii_digit(),
                mark => byte == mark,
            });
        if !fits {
            return None;
        }
        let read = |from: usize, count: usize| {
            text.iter()
                .skip(from)
                .take(count)
                .fold(0_u64, |sum, byte| sum * 10 + u64::from(byte - b'0'))
        };
        let (year, month, day) = (read(0, 4), read(5, 2), read(8, 2));
        if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let in_day =
            read(11, 2) * 3_600_000 + read(14, 2) * 60_000 + read(17, 2) * 1000 + read(20, 3);
        Some(Self(days_of(year, month, day) * 86_400_000 + in_day))
    }
}

impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

fn digits(text: &mut [u8; STAMP], from: usize, count: usize, mut value: u64) {
    for at in (from..from + count).rev() {
        text[at] = b'0' + u8::try_from(value % 10).unwrap_or_default();
        value /= 10;
    }
}

/// Year, month and day of a day since 1970, in eras of 400 years that begin in March.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

fn days_of(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (era, of_era) = (year / 400, year % 400);
    let march_month = (month + 9) % 12;
    let of_year = (153 * march_month + 2) / 5 + day - 1;
    (era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year).saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_read_back() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_246_066_123, "2026-11-21T07:27:46.123Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
        ] {
            assert_eq!(Stamp(ms).to_string(), text);
            assert_eq!(Stamp::parse(text.as_bytes()), Some(Stamp(ms)));
        }
        for day in 0..200_000 {
            let stamp = Stamp(day * 86_400_000 + 1);
            assert_eq!(Stamp::parse(&stamp.text()), Some(stamp));
        }
        for wrong in ["", "2026-11-21 07:27:46.123Z", "2026-13-21T07:27:46.123Z"] {
            assert_eq!(Stamp::parse(wrong.as_bytes()), None);
        }
    }
}
