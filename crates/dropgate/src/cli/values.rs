//! Values of flags, checked as they are read.

use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

use dropgate_gate::doomed::OnShutdown;
use dropgate_journal::{Stamp, What, is_verifier_key};

use crate::config::texts;

/// The longest duration that a flag takes. Nobody waits longer for a server,
/// and it keeps all sums of deadlines far from overflowing.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A duration such as `2s`, `150ms` or `1m30s`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|_| "write a duration such as 2s, 150ms or 1m30s".to_owned())?;
    if duration > LONGEST {
        return Err("at most 24h".to_owned());
    }
    Ok(duration)
}

/// A size such as `64MiB`, `512KiB` or a number of bytes.
pub(crate) fn size(text: &str) -> Result<usize, String> {
    const SMALLEST: usize = 4096;
    const LARGEST: usize = 1 << 30;
    bytes(text)
        .and_then(|bytes| usize::try_from(bytes).ok())
        .filter(|bytes| (SMALLEST..=LARGEST).contains(bytes))
        .ok_or_else(|| "write a size from 4KiB to 1GiB, such as 64MiB".to_owned())
}

/// A number of bytes, with or without a unit.
pub(crate) fn bytes(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _unknown => return None,
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
}

/// A chain's first key.
pub(crate) fn first_key(text: &str) -> Result<String, String> {
    if is_verifier_key(text) {
        Ok(text.to_owned())
    } else {
        Err(
            "that is no key: give the whole of what `journal verify` prints after \"key\", \
             dropgate/journal/chain-…+…"
                .to_owned(),
        )
    }
}

/// A name that is plain as the name of a folder.
pub(crate) fn name(text: &str) -> Result<String, String> {
    const LONGEST: usize = 64;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let fits = (1..=LONGEST).contains(&text.len()) && text.bytes().all(plain);
    if fits && !text.starts_with('.') {
        Ok(text.to_owned())
    } else {
        Err(
            "write 1 to 64 letters, digits, hyphens, underscores and dots, not first a dot"
                .to_owned(),
        )
    }
}

/// An outcome of a call, by the word that records hold.
pub(crate) fn outcome(text: &str) -> Result<What, String> {
    What::of_word(text).ok_or_else(|| {
        let words: Vec<&str> = What::ALL.into_iter().map(What::word).collect();
        format!("write one of {}", words.join(", "))
    })
}

/// A time such as `2026-11-21T07:27:46Z`, or how long ago, such as `2h`.
pub(crate) fn since(text: &str) -> Result<Stamp, String> {
    if let Ok(ago) = humantime::parse_duration(text) {
        return Ok(Stamp::now().before(ago));
    }
    humantime::parse_rfc3339_weak(text)
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .map(Stamp)
        .ok_or_else(|| {
            "write how long ago, such as 2h or 7d, or a time such as 2026-11-21T07:27:46Z"
                .to_owned()
        })
}

/// A path into the arguments of a call, and the value there.
pub(crate) fn argument(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((path, value)) if path.starts_with('/') => Ok((path.to_owned(), value.to_owned())),
        Some(_) | None => Err(
            "write /NAME=VALUE, or /NAME/NAME=VALUE for an argument further in (~0 is ~, ~1 is /)"
                .to_owned(),
        ),
    }
}

/// How many things to do at once.
pub(crate) fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    const MOST: usize = 64;
    text.parse::<NonZeroUsize>()
        .ok()
        .filter(|jobs| jobs.get() <= MOST)
        .ok_or_else(|| format!("write a number from 1 to {MOST}"))
}

/// `TOOL=finish` or `TOOL=cancel`, where the tool's name may hold `*`.
#[derive(Clone, Debug)]
pub(crate) struct ToolOnShutdown {
    pub(crate) pattern: String,
    pub(crate) setting: OnShutdown,
}

impl FromStr for ToolOnShutdown {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write TOOL=finish or TOOL=cancel, such as delete_*=finish".to_owned();
        let (pattern, setting) = text.rsplit_once('=').ok_or_else(wrong)?;
        let setting = match setting {
            "finish" => OnShutdown::Finish,
            "cancel" => OnShutdown::Cancel,
            _unknown => return Err(wrong()),
        };
        if pattern.is_empty() {
            return Err(wrong());
        }
        texts::tool_pattern(pattern)?;
        Ok(Self {
            pattern: pattern.to_owned(),
            setting,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_and_a_limit() {
        assert_eq!(duration("150ms"), Ok(Duration::from_millis(150)));
        assert_eq!(duration("24h"), Ok(LONGEST));
        for wrong in [
            "",
            "3",
            "-1s",
            "25h",
            "1 fortnight",
            "99999999999999999999s",
        ] {
            assert!(duration(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn sizes_have_limits_at_both_ends() {
        assert_eq!(size("4KiB"), Ok(4096));
        assert_eq!(size("1GiB"), Ok(1 << 30));
        for wrong in [
            "",
            "MiB",
            "4095",
            "1073741825",
            "2GiB",
            "64mb",
            "99999999999999999999GiB",
        ] {
            assert!(size(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn jobs_have_limits_at_both_ends() {
        assert_eq!(jobs("64").map(NonZeroUsize::get), Ok(64));
        for wrong in ["", "0", "65", "-1", "many"] {
            assert!(jobs(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn names_are_plain() {
        assert_eq!(name("files-1.2_x"), Ok("files-1.2_x".to_owned()));
        for wrong in ["", ".", "..", ".a", "a/b", "a b", "ä", &"x".repeat(65)] {
            assert!(name(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn tools_on_shutdown() {
        let read = "a=b*=cancel"
            .parse::<ToolOnShutdown>()
            .expect("the last = separates");
        assert_eq!(read.pattern, "a=b*");
        assert_eq!(read.setting, OnShutdown::Cancel);
        for wrong in [
            "",
            "x",
            "=finish",
            "x=",
            "x=maybe",
            "[[=finish",
            "\0=finish",
        ] {
            assert!(wrong.parse::<ToolOnShutdown>().is_err(), "{wrong:?}");
        }
    }
}
