//! What a comment says to the analyser.

/// A comment that speaks to the analyser.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Directive {
    /// Findings are accepted.
    Accepts {
        /// Rules as written: ids or names.
        rules: Vec<String>,
        /// Why they are accepted.
        reason: String,
        /// Where.
        reach: Reach,
    },
    /// It can't be followed; why, and what to write.
    Unclear(String),
}

/// Where findings are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// On the line of the comment, or the next line of code where it stands alone.
    Line,
    /// In the whole file.
    File,
}

const WORD: &str = "dropgate-ignore";

impl Directive {
    /// Reads the first line of a comment's text; `None` where it is not for the analyser.
    pub(super) fn of(comment: &str) -> Option<Self> {
        let line = comment.trim_start().lines().next()?;
        let rest = line.strip_prefix(WORD)?;
        if rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            return None;
        }
        let (reach, rest) = match rest.strip_prefix("-file") {
            Some(rest) => (Reach::File, rest),
            None => (Reach::Line, rest),
        };
        if rest.starts_with(|c: char| c.is_alphanumeric() || c == '-' || c == '_') {
            let word = line.split_whitespace().next().unwrap_or_default();
            return Some(Self::Unclear(format!(
                "nothing is called `{word}`: write `{WORD}` or `{WORD}-file`"
            )));
        }
        let (named, reason) = rest.split_once(':').unwrap_or((rest, ""));
        let rules: Vec<String> = named
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        if rules.is_empty() {
            return Some(Self::Unclear(format!(
                "no rule is named: write `{WORD} RULE: reason`"
            )));
        }
        let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        if reason.is_empty() {
            return Some(Self::Unclear(format!(
                "no reason is given, so nothing is ignored: write `{WORD} {}: reason`",
                rules[0]
            )));
        }
        Some(Self::Accepts {
            rules,
            reason,
            reach,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directive_names_rules_and_a_reason() {
        assert_eq!(
            Directive::of("dropgate-ignore LIFE-002, ERR-001: drained: by  the caller"),
            Some(Directive::Accepts {
                rules: vec!["LIFE-002".to_owned(), "ERR-001".to_owned()],
                reason: "drained: by the caller".to_owned(),
                reach: Reach::Line,
            })
        );
        assert!(matches!(
            Directive::of("dropgate-ignore-file exit-without-drain: a script\nmore"),
            Some(Directive::Accepts { reach: Reach::File, reason, .. }) if reason == "a script"
        ));
    }

    #[test]
    fn what_can_not_be_followed_is_told() {
        for (text, why) in [
            ("dropgate-ignore LIFE-002", "no reason"),
            ("dropgate-ignore LIFE-002:  ", "no reason"),
            ("dropgate-ignore because we want", "no reason"),
            ("dropgate-ignore: a reason", "no rule"),
            ("dropgate-ignore", "no rule"),
            ("dropgate-ignore-line LIFE-002: x", "nothing is called"),
        ] {
            let Some(Directive::Unclear(told)) = Directive::of(text) else {
                panic!("{text} was followed");
            };
            assert!(told.contains(why), "{told}");
        }
    }

    #[test]
    fn other_comments_are_none_of_it() {
        for text in [
            "",
            "see dropgate-ignore",
            "dropgate-ignored",
            "eslint-disable",
        ] {
            assert_eq!(Directive::of(text), None, "{text}");
        }
    }
}
