//! What a relay is told to do, already checked.

use std::time::Duration;

use dropgate_gate::doomed::OnShutdown;
use dropgate_gate::shutdown;
use dropgate_wire::Limits;

/// The settings of one relay.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Deadlines of the shutdown.
    pub shutdown: shutdown::Settings,
    /// Bounds of a message.
    pub limits: Limits,
    /// What a shutdown does with calls of the tools that a pattern matches.
    pub on_shutdown: Vec<(ToolPattern, OnShutdown)>,
    /// After how long without a message the server is stopped until the next
    /// one; never, without it.
    pub hibernate_after: Option<Duration>,
}

impl Settings {
    /// The setting of the most specific pattern that matches: the one with the
    /// most characters that are no wildcard, and of equals the first.
    pub(crate) fn on_shutdown(&self, tool: &str) -> OnShutdown {
        let matching = self
            .on_shutdown
            .iter()
            .filter(|(pattern, _)| pattern.matches(tool));
        let mut best: Option<&(ToolPattern, OnShutdown)> = None;
        for candidate in matching {
            if best.is_none_or(|(pattern, _)| candidate.0.literals() > pattern.literals()) {
                best = Some(candidate);
            }
        }
        best.map_or(OnShutdown::Auto, |(_, setting)| *setting)
    }
}

/// A pattern of tool names, in which `*` stands for any characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolPattern {
    parts: Vec<String>,
}

impl ToolPattern {
    /// Reads a pattern. Every text is one.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self {
            parts: text.split('*').map(str::to_owned).collect(),
        }
    }

    fn literals(&self) -> usize {
        self.parts.iter().map(String::len).sum()
    }

    /// Whether a tool's name fits.
    #[must_use]
    pub fn matches(&self, tool: &str) -> bool {
        let Some((first, rest)) = self.parts.split_first() else {
            return tool.is_empty();
        };
        let Some((last, middle)) = rest.split_last() else {
            return tool == first;
        };
        let Some(mut left) = tool.strip_prefix(first.as_str()) else {
            return false;
        };
        for part in middle {
            match left.find(part.as_str()) {
                Some(at) => left = &left[at + part.len()..],
                None => return false,
            }
        }
        left.len() >= last.len() && left.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let rows = [
            ("delete_*", "delete_file", true),
            ("delete_*", "undelete_file", false),
            ("*_file", "delete_file", true),
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("ab*b", "ab", false),
            ("*a*b*", "xxayybzz", true),
            ("*", "", true),
            ("exact", "exact", true),
            ("exact", "exactly", false),
        ];
        for (pattern, tool, expected) in rows {
            assert_eq!(
                ToolPattern::new(pattern).matches(tool),
                expected,
                "{pattern} {tool}"
            );
        }
    }

    #[test]
    fn the_most_specific_pattern_wins() {
        let settings = Settings {
            on_shutdown: vec![
                (ToolPattern::new("*"), OnShutdown::Finish),
                (ToolPattern::new("delete_*"), OnShutdown::Cancel),
            ],
            ..Settings::default()
        };
        assert_eq!(settings.on_shutdown("delete_all"), OnShutdown::Cancel);
        assert_eq!(settings.on_shutdown("read"), OnShutdown::Finish);
        assert_eq!(Settings::default().on_shutdown("read"), OnShutdown::Auto);
    }
}
