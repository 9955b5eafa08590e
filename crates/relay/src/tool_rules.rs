//! What is set for tools, by patterns of their names.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use dropgate_gate::breaker::FailureTexts;
use dropgate_gate::doomed::OnShutdown;
use dropgate_gate::mode::Class;
use foldhash::fast::RandomState;

/// How many names are remembered with what holds for them; more are looked up each time.
const MAX_REMEMBERED: usize = 1024;
/// The longest name that is remembered, bytes.
const MAX_NAME: usize = 256;

/// Settings of the tools that one pattern matches.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolRule {
    /// Whose settings these are.
    pub pattern: ToolPattern,
    /// What the tools do to the world.
    pub class: Option<Class>,
    /// How long a call may take.
    pub timeout: Option<Duration>,
    /// What a shutdown does with their calls.
    pub on_shutdown: Option<OnShutdown>,
    /// The argument that holds an idempotency key.
    pub key_argument: Option<String>,
    /// What to do with a call that repeats one whose fate is not known.
    pub on_unknown: Option<OnUnknown>,
    /// Error texts that count as failures of the tool.
    pub failure_texts: Option<FailureTexts>,
}

impl ToolRule {
    /// A rule that sets nothing.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self {
            pattern: ToolPattern::new(pattern),
            class: None,
            timeout: None,
            on_shutdown: None,
            key_argument: None,
            on_unknown: None,
            failure_texts: None,
        }
    }
}

/// What to do with a call that repeats one whose fate is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OnUnknown {
    /// It is not sent, and the answer says why.
    #[default]
    Refuse,
    /// It is sent: the tool can bear to run twice.
    Retry,
    /// It is not sent, and the answer names a tool that tells what happened.
    Reconcile(String),
}

/// What holds for one tool.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ToolSettings {
    pub(crate) class: Option<Class>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) on_shutdown: OnShutdown,
    pub(crate) key_argument: Option<String>,
    pub(crate) on_unknown: OnUnknown,
    pub(crate) failure_texts: FailureTexts,
}

/// All rules. Of those that match a name, the most specific one that sets a thing decides that
/// thing: the one with the most characters that are no wildcard, and of equals the first.
#[derive(Debug, Default)]
pub struct ToolRules {
    /// Most specific first.
    rules: Vec<ToolRule>,
    known: RefCell<HashMap<Arc<str>, Rc<Known>, RandomState>>,
}

/// A name, kept once for all calls, and what holds for it.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) name: Arc<str>,
    /// The same for this thread alone: it is counted without atomics.
    pub(crate) local_name: Rc<str>,
    pub(crate) settings: ToolSettings,
}

impl ToolRules {
    /// Rules, in any order.
    #[must_use]
    pub fn new(mut rules: Vec<ToolRule>) -> Self {
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.pattern.literals()));
        Self {
            rules,
            known: RefCell::default(),
        }
    }

    /// What is configured of what a tool does.
    #[must_use]
    pub fn class_of(&self, tool: &str) -> Option<Class> {
        self.known(tool).settings.class
    }

    /// What is configured of what a method does. Only its own name says that: a pattern is meant for
    /// tools, and would call every method harmless that nobody thought of.
    #[must_use]
    pub(crate) fn class_of_method(&self, method: &str) -> Option<Class> {
        let named = |rule: &&ToolRule| rule.pattern.is_exactly(method);
        self.rules.iter().filter(named).find_map(|rule| rule.class)
    }

    /// A name and what holds for it.
    pub(crate) fn known(&self, tool: &str) -> Rc<Known> {
        if let Some(known) = self.known.borrow().get(tool) {
            return Rc::clone(known);
        }
        let found = Rc::new(Known {
            name: tool.into(),
            local_name: tool.into(),
            settings: self.look_up(tool),
        });
        let mut known = self.known.borrow_mut();
        if known.len() < MAX_REMEMBERED && tool.len() <= MAX_NAME {
            known.insert(Arc::clone(&found.name), Rc::clone(&found));
        }
        found
    }

    fn look_up(&self, tool: &str) -> ToolSettings {
        let matching = || self.rules.iter().filter(|rule| rule.pattern.matches(tool));
        ToolSettings {
            class: matching().find_map(|rule| rule.class),
            timeout: matching().find_map(|rule| rule.timeout),
            on_shutdown: matching()
                .find_map(|rule| rule.on_shutdown)
                .unwrap_or(OnShutdown::Auto),
            key_argument: matching().find_map(|rule| rule.key_argument.clone()),
            on_unknown: matching()
                .find_map(|rule| rule.on_unknown.clone())
                .unwrap_or_default(),
            failure_texts: matching()
                .find_map(|rule| rule.failure_texts.clone())
                .unwrap_or_default(),
        }
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

    /// Whether it is this name and stands for no other.
    fn is_exactly(&self, name: &str) -> bool {
        matches!(&*self.parts, [only] if only == name)
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
    fn each_thing_is_set_by_the_most_specific_rule_that_sets_it() {
        let rules = ToolRules::new(vec![
            ToolRule {
                on_shutdown: Some(OnShutdown::Finish),
                timeout: Some(Duration::from_secs(9)),
                ..ToolRule::new("*")
            },
            ToolRule {
                on_shutdown: Some(OnShutdown::Cancel),
                ..ToolRule::new("delete_*")
            },
        ]);
        let known = rules.known("delete_all");
        let delete = &known.settings;
        assert_eq!(delete.on_shutdown, OnShutdown::Cancel);
        assert_eq!(delete.timeout, Some(Duration::from_secs(9)));
        assert_eq!(rules.known("read").settings.on_shutdown, OnShutdown::Finish);
        let without_rules = ToolRules::default().known("read");
        assert_eq!(without_rules.settings, ToolSettings::default());
    }

    #[test]
    fn names_without_end_are_not_remembered_without_end() {
        let rules = ToolRules::default();
        for number in 0..MAX_REMEMBERED + 10 {
            rules.known(&number.to_string());
        }
        assert_eq!(rules.known.borrow().len(), MAX_REMEMBERED);
        let rules = ToolRules::default();
        for (length, remembered) in [(MAX_NAME + 1, 0), (MAX_NAME, 1)] {
            rules.known(&"n".repeat(length));
            assert_eq!(rules.known.borrow().len(), remembered, "{length}");
        }
    }
}
