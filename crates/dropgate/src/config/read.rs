//! A file's text becomes a [`Config`], or an error that says what, where and what to write instead.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dropgate_gate::breaker::FailureTexts;

use super::written::Config;
use crate::bounded::{self, NotRead, Pipes};

/// The largest file that is read, bytes.
const MAX_BYTES: u64 = 1 << 20;
/// The shortest time between two probes of the write path.
const MIN_PROBE_EVERY: Duration = Duration::from_millis(100);
/// The shortest time for which a breaker can be held closed.
const MIN_CLOSED_FOR: Duration = Duration::from_millis(10);
/// A name this near to a known one, from 0 to 1, is taken for a slip.
const NEAR: f64 = 0.75;

/// Why a file is not used. Nothing of it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("can not read {path}: {why}{}", bounded::what_to_do(why))]
    Unreadable { path: PathBuf, why: std::io::Error },
    #[error("{path} is larger than 1 MiB; is it the configuration?")]
    TooLarge { path: PathBuf },
    #[error("{path} is not UTF-8 text; save it as that")]
    NotText { path: PathBuf },
    #[error("{path}:{line}:{column}: {what}")]
    Wrong {
        path: PathBuf,
        line: usize,
        column: usize,
        what: String,
    },
}

/// Reads the file at `path`.
///
/// # Errors
/// When it can't be read, or anything in it is not known or not right.
pub(crate) fn load(path: &Path, pipes: Pipes) -> Result<Config, ConfigError> {
    let bytes = bounded::read_with(pipes, path, MAX_BYTES).map_err(|error| match error {
        NotRead::System(why) => ConfigError::Unreadable {
            path: path.to_owned(),
            why,
        },
        NotRead::TooLarge(_) => ConfigError::TooLarge {
            path: path.to_owned(),
        },
    })?;
    let text = String::from_utf8(bytes).map_err(|_| ConfigError::NotText {
        path: path.to_owned(),
    })?;
    parse(&text, path)
}

/// Reads a file's text; `path` is for messages.
///
/// # Errors
/// When anything in it is not known or not right.
pub(crate) fn parse(text: &str, path: &Path) -> Result<Config, ConfigError> {
    let wrong = |at: usize, what: String| {
        let before = text.get(..at.min(text.len())).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        ConfigError::Wrong {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.len() - line_start + 1,
            what,
        }
    };
    let config = toml::from_str::<Config>(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        wrong(at, explained(error.message()))
    })?;
    match out_of_range(&config) {
        None => Ok(config),
        Some((name, what)) => {
            let last = name.rsplit('.').next().unwrap_or(name);
            Err(wrong(
                text.find(last).unwrap_or(0),
                format!("{name}: {what}"),
            ))
        }
    }
}

/// Adds the nearest known name to a message about an unknown one.
fn explained(message: &str) -> String {
    let message = message.replace('\n', " ").replace(char::is_control, "�");
    let Some((before, known)) = message.split_once(", expected ") else {
        return message;
    };
    if before.contains("invalid type: ") || before.contains("invalid value: ") {
        let wanted = match known {
            "u16" => "a whole number from 0 to 65535",
            "u32" => "a whole number from 0 to 4294967295",
            "u64" => "a whole number that is not negative",
            "f64" => "a number",
            "a string" => "a text in quotes",
            "a boolean" => "true or false, without quotes",
            "a sequence" => "a list in brackets",
            other => other,
        };
        return format!("{before}; write {wanted}");
    }
    let Some(unknown) = before.split('`').nth(1) else {
        return message;
    };
    let names = known.split('`').skip(1).step_by(2);
    let nearest = names
        .map(|name| (strsim::jaro_winkler(unknown, name), name))
        .max_by(|left, right| left.0.total_cmp(&right.0));
    match nearest {
        Some((nearness, name)) if nearness >= NEAR => {
            format!("{before}; did you mean `{name}`?")
        }
        Some(_) | None => format!(
            "{before}; known are {}",
            known.trim_start_matches("one of ")
        ),
    }
}

/// A setting whose value makes no sense, with what would.
fn out_of_range(config: &Config) -> Option<(&'static str, String)> {
    let calls = &config.calls;
    if calls
        .max_in_flight
        .is_some_and(|most| !(1..=1024).contains(&most))
    {
        return Some((
            "calls.max_in_flight",
            "write a number from 1 to 1024".to_owned(),
        ));
    }
    if calls.max_per_second == Some(0) {
        return Some(("calls.max_per_second", "write at least 1".to_owned()));
    }
    if let (Some(timeout), Some(max)) = (calls.timeout, calls.max_timeout)
        && max.0 < timeout.0
    {
        let what = "it is shorter than calls.timeout; write at least that".to_owned();
        return Some(("calls.max_timeout", what));
    }
    let ratio = config.breaker.failure_ratio;
    if ratio.is_some_and(|ratio| !(0.05..=1.0).contains(&ratio)) {
        return Some((
            "breaker.failure_ratio",
            "write a number from 0.05 to 1".to_owned(),
        ));
    }
    if config
        .breaker
        .failures
        .is_some_and(|most| !(1..=1000).contains(&most))
    {
        return Some((
            "breaker.failures",
            "write a number from 1 to 1000".to_owned(),
        ));
    }
    if config
        .breaker
        .closed_for
        .is_some_and(|time| time.0 < MIN_CLOSED_FOR)
    {
        return Some(("breaker.closed_for", "write at least 10ms".to_owned()));
    }
    let every = config.read_only.as_ref().and_then(|it| it.every);
    if every.is_some_and(|every| every.0 < MIN_PROBE_EVERY) {
        return Some(("read_only.every", "write at least 100ms".to_owned()));
    }
    let longest = Duration::from_secs(2);
    let authzen = config.authorize.as_ref().and_then(|it| it.authzen.as_ref());
    if authzen
        .and_then(|it| it.timeout)
        .is_some_and(|time| time.0 > longest)
    {
        return Some(("authorize.authzen.timeout", "write at most 2s".to_owned()));
    }
    let copy = config.journal.copy.as_ref();
    if copy
        .and_then(|it| it.timeout)
        .is_some_and(|time| time.0 > longest)
    {
        return Some(("journal.copy.timeout", "write at most 2s".to_owned()));
    }
    let queue = config.telemetry.as_ref().and_then(|it| it.queue);
    if queue.is_some_and(|most| !(1..=65536).contains(&most)) {
        return Some((
            "telemetry.queue",
            "write a number from 1 to 65536".to_owned(),
        ));
    }
    let odd_text = config.tools.patterns.iter().find_map(|tool| {
        let texts = tool.settings.failure_texts.as_deref().unwrap_or_default();
        FailureTexts::new(texts).err()
    });
    if let Some(odd) = odd_text {
        return Some(("failure_texts", odd.to_string()));
    }
    super::secrets::out_of_range(config).or_else(|| super::texts::unusable(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(text, Path::new("a.toml")).unwrap_err().to_string()
    }

    #[test]
    fn a_slip_is_answered_with_the_name_that_was_meant() {
        assert_eq!(
            error("[shutdown]\ndrian = \"10s\"\n"),
            "a.toml:2:1: unknown field `drian`; did you mean `drain`?"
        );
        assert!(error("[tools.\"x*\"]\nclas = \"read\"\n").contains("did you mean `class`?"));
        assert!(error("[tools]\npim = \"warn\"\n").contains("did you mean `pin`?"));
        assert!(error("[zzz]\n").contains("known are"));
    }

    #[test]
    fn a_wrong_value_is_named_with_its_place() {
        for (text, part) in [
            (
                "[calls]\ntimeout = \"soon\"\n",
                "a.toml:2:11: `soon` is no duration",
            ),
            (
                "[calls]\nmax_in_flight = 0\n",
                "a.toml:2:1: calls.max_in_flight",
            ),
            ("[breaker]\nfailure_ratio = 1.5\n", "from 0.05 to 1"),
            ("[tools.a]\non_unknown = \"pray\"\n", "reconcile:TOOL"),
            (
                "[authorize.authzen]\nurl = \"http://h\"\ntimeout = \"3s\"\n",
                "at most 2s",
            ),
            (
                "[read_only]\nevery = \"99ms\"\n",
                "a.toml:2:1: read_only.every: write at least 100ms",
            ),
            (
                "[breaker]\nclosed_for = \"9ms\"\n",
                "a.toml:2:1: breaker.closed_for: write at least 10ms",
            ),
            (
                "[tools.a]\nfailure_texts = [\"ab\"]\n",
                "a.toml:2:1: failure_texts: failure texts: number 1 has 2 bytes",
            ),
            (
                "[telemetry]\notlp = \"http://h\"\nqueue = 65537\n",
                "a.toml:3:1: telemetry.queue: write a number from 1 to 65536",
            ),
            ("[telemetry]\nqueue = 1\n", "missing field `otlp`"),
            (
                "[journal.copy]\ndir = \"c\"\ntimeout = \"2001ms\"\n",
                "a.toml:3:1: journal.copy.timeout: write at most 2s",
            ),
            ("[calls\n", "a.toml:1:"),
            ("[journal]\nmax_size = \"1 GB\"\n", "is no size"),
        ] {
            assert!(error(text).contains(part), "{}", error(text));
        }
    }

    #[test]
    fn patterns_and_settings_of_all_tools_share_a_table() {
        let text = "[tools]\npin = \"enforce\"\n[tools.\"delete_*\"]\nclass = \"write\"\n\
                    timeout = \"5s\"\n[tools.pin]\nclass = \"read\"\n";
        let error = parse(text, Path::new("a.toml"));
        assert!(error.is_err(), "a name can't be a setting and a table");
        let text = text.replace("[tools.pin]", "[tools.other]");
        let config = parse(&text, Path::new("a.toml")).unwrap();
        assert_eq!(config.tools.patterns.len(), 2);
    }

    #[test]
    fn what_is_no_plain_text_file_is_refused() {
        let folder = std::env::temp_dir();
        assert!(matches!(
            load(&folder, Pipes::Awaited),
            Err(ConfigError::Unreadable { .. })
        ));
        let path = folder.join(format!("dropgate-config-{}", std::process::id()));
        std::fs::write(&path, [b'#', 0xff]).unwrap();
        assert!(matches!(
            load(&path, Pipes::Awaited),
            Err(ConfigError::NotText { .. })
        ));
        std::fs::write(&path, vec![b'#'; (MAX_BYTES + 1) as usize]).unwrap();
        assert!(matches!(
            load(&path, Pipes::Awaited),
            Err(ConfigError::TooLarge { .. })
        ));
        std::fs::write(&path, vec![b'#'; MAX_BYTES as usize]).unwrap();
        assert!(load(&path, Pipes::Awaited).is_ok());
        std::fs::remove_file(&path).unwrap();
    }
}
