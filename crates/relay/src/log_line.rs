//! What a line of our own looks like on stderr, and whether it is shown.

use std::time::SystemTime;

use serde::Serialize;

/// How lines of our own are written. Lines of the server's are passed on as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// `dropgate: ` and the text.
    #[default]
    Text,
    /// One JSON object a line: `ts`, `level`, `message`.
    Json,
}

/// How much a line matters, the most first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Something is not as it should be.
    Warn,
    /// What happens to the run.
    #[default]
    Info,
    /// What becomes of each call.
    Debug,
}

/// How lines of our own are written, and which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogSettings {
    /// Their form.
    pub format: LogFormat,
    /// What matters less than this is not written.
    pub level: LogLevel,
}

/// The most of a name that is shown, characters.
const MAX_NAME: usize = 128;

/// A name that a host or a server chose, for a line of our own: not too long, and without anything
/// that could look like another line.
pub(crate) fn shown(name: &str) -> String {
    let (short, cut) = match name.char_indices().nth(MAX_NAME) {
        Some((end, _)) => (name.get(..end).unwrap_or_default(), "…"),
        None => (name, ""),
    };
    format!("{}{cut}", short.escape_debug())
}

#[derive(Serialize)]
struct Entry<'a> {
    ts: String,
    level: LogLevel,
    message: &'a str,
}

impl LogSettings {
    /// Adds one line, with its end.
    pub(crate) fn append(self, level: LogLevel, text: &str, to: &mut Vec<u8>) {
        match self.format {
            LogFormat::Text => {
                to.extend_from_slice(b"dropgate: ");
                to.extend_from_slice(text.as_bytes());
            }
            LogFormat::Json => {
                let entry = Entry {
                    ts: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
                    level,
                    message: text,
                };
                to.extend(serde_json::to_vec(&entry).unwrap_or_default());
            }
        }
        to.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_short_line() {
        assert_eq!(shown("read_file"), "read_file");
        assert_eq!(
            shown("a\ndropgate: report {}\u{1b}["),
            r"a\ndropgate: report {}\u{1b}["
        );
        let longest = "é".repeat(MAX_NAME);
        assert_eq!(shown(&longest), longest);
        assert_eq!(shown(&format!("{longest}x")), format!("{longest}…"));
    }

    fn written(format: LogFormat) -> String {
        let settings = LogSettings {
            format,
            ..LogSettings::default()
        };
        let mut line = Vec::new();
        settings.append(LogLevel::Warn, "a \"b\"\u{1b}", &mut line);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn a_line_is_text_or_one_object() {
        assert_eq!(written(LogFormat::Text), "dropgate: a \"b\"\u{1b}\n");
        let line = written(LogFormat::Json);
        assert!(line.starts_with(r#"{"ts":"2"#), "{line}");
        let rest = r#"Z","level":"warn","message":"a \"b\"\u001b"}"#;
        assert!(line.trim_end().ends_with(rest), "{line}");
    }

    #[test]
    fn what_matters_more_comes_first() {
        assert!(LogLevel::Warn < LogLevel::Info && LogLevel::Info < LogLevel::Debug);
    }
}
