//! The tools that a server lists, as far as their classes go.

use std::collections::HashMap;

use dropgate_gate::mode::{Claims, Class, Trust};
use dropgate_gate::pins::{Extent, MAX_TOOLS, ToolDefinition, ToolPage};
use dropgate_wire::edit::{self, Edit};
use foldhash::fast::RandomState;

use crate::tool_rules::{ToolRules, ToolSettings};

/// How long a host may keep a list from which tools are left out, milliseconds.
const SHORT_LIVED: &[u8] = b"5000";

/// What is known of the server's list.
#[derive(Debug)]
pub(crate) struct ListedTools {
    trust: Trust,
    names: Vec<Box<str>>,
    /// What the server says of its tools, where that is believed.
    annotated: HashMap<Box<str>, Class, RandomState>,
    changes: Changes,
}

/// Whether the server said that its list may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Changes {
    NotSaid,
    Said,
}

impl ListedTools {
    pub(crate) fn new(trust: Trust) -> Self {
        Self {
            trust,
            names: Vec::new(),
            annotated: HashMap::default(),
            changes: Changes::NotSaid,
        }
    }

    /// The class of a tool for which these settings hold. Pins are no claim of their own: they are
    /// taken on first sight, so what they say is the server's word.
    pub(crate) fn class(&self, tool: &str, settings: &ToolSettings) -> Class {
        let claims = Claims {
            configured: settings.class,
            pinned: None,
            annotated: self.annotated.get(tool).copied(),
        };
        claims.class(self.trust)
    }

    /// All that are listed, in the server's order.
    pub(crate) fn classes<'a>(
        &'a self,
        rules: &'a ToolRules,
    ) -> impl Iterator<Item = (&'a str, Class)> {
        let names = self.names.iter();
        names.map(|name| (&**name, self.class(name, &rules.known(name).settings)))
    }

    /// Takes a page of the list; `cursor` is that of its request.
    pub(crate) fn take(&mut self, page: &ToolPage, cursor: Option<&str>) {
        if page.extent == Extent::Whole || cursor.is_none() {
            self.names.clear();
            self.annotated.clear();
        }
        for tool in &page.tools {
            if self.names.len() >= MAX_TOOLS {
                break;
            }
            self.names.push(tool.name().into());
            if let (Trust::Trusted, Some(class)) = (self.trust, annotated(tool)) {
                self.annotated.insert(tool.name().into(), class);
            }
        }
    }

    pub(crate) fn holds(&self, tool: &str) -> bool {
        self.names.iter().any(|name| **name == *tool)
    }

    pub(crate) fn note_that_it_may_change(&mut self) {
        self.changes = Changes::Said;
    }

    pub(crate) fn may_change(&self) -> bool {
        self.changes == Changes::Said
    }
}

fn annotated(tool: &ToolDefinition) -> Option<Class> {
    match tool.annotations()?.get("readOnlyHint")?.as_bool()? {
        true => Some(Class::Read),
        false => Some(Class::Write),
    }
}

/// The answer to `tools/list` without the tools that write; every other byte stays, but for how
/// long and by whom the list may be kept. None if nothing has to change, or nothing can be read.
pub(crate) fn without_writers(line: &[u8], class_of: impl Fn(&str) -> Class) -> Option<Vec<u8>> {
    let [Some(result)] = edit::members(line, ["result"])? else {
        return None;
    };
    let object = line.get(result.clone())?;
    let [Some(tools), lifetime, scope] = edit::members(object, ["tools", "ttlMs", "cacheScope"])?
    else {
        return None;
    };
    let listed: Vec<&serde_json::value::RawValue> =
        serde_json::from_slice(object.get(tools.clone())?).ok()?;
    let shown: Vec<&str> = listed
        .iter()
        .map(|tool| tool.get())
        .filter(|tool| name(tool).is_some_and(|name| class_of(&name) == Class::Read))
        .collect();
    if shown.len() == listed.len() {
        return None;
    }
    let replaced = |at: std::ops::Range<usize>, bytes: Vec<u8>| Edit {
        at: result.start + at.start..result.start + at.end,
        bytes,
    };
    let array = format!("[{}]", shown.join(","));
    let mut edits = vec![replaced(tools, array.into_bytes())];
    edits.extend(lifetime.map(|at| replaced(at, SHORT_LIVED.to_vec())));
    edits.extend(scope.map(|at| replaced(at, edit::quoted("private"))));
    edit::edited(line, edits)
}

fn name(tool: &str) -> Option<String> {
    let [Some(at)] = edit::members(tool.as_bytes(), ["name"])? else {
        return None;
    };
    serde_json::from_str(tool.get(at)?).ok()
}

#[cfg(test)]
mod tests {
    use dropgate_policy::sha256;

    use super::*;

    fn page(tools: &str, cursor: Option<&str>) -> ToolPage {
        let result = format!(r#"{{"tools":{tools}}}"#);
        ToolPage::read(result.as_bytes(), cursor, sha256).expect("a page")
    }

    #[test]
    fn what_a_server_says_of_a_tool_counts_only_where_it_is_trusted() {
        let page = page(
            r#"[{"name":"get","annotations":{"readOnlyHint":true}},
                {"name":"set","annotations":{"readOnlyHint":false}},{"name":"odd"}]"#,
            None,
        );
        for (trust, expected) in [
            (Trust::Untrusted, [Class::Write; 3]),
            (Trust::Trusted, [Class::Read, Class::Write, Class::Write]),
        ] {
            let mut listed = ListedTools::new(trust);
            listed.take(&page, None);
            let rules = ToolRules::default();
            let classes: Vec<Class> = listed.classes(&rules).map(|(_, class)| class).collect();
            assert_eq!(classes, expected);
            let configured = ToolSettings {
                class: Some(Class::Read),
                ..ToolSettings::default()
            };
            assert_eq!(listed.class("set", &configured), Class::Read);
        }
    }

    #[test]
    fn a_new_list_replaces_the_old_one_and_has_a_limit() {
        let mut listed = ListedTools::new(Trust::Trusted);
        let rules = ToolRules::default();
        listed.take(&page(r#"[{"name":"a"}]"#, None), None);
        listed.take(&page(r#"[{"name":"b"}]"#, Some("2")), Some("2"));
        let names: Vec<&str> = listed.classes(&rules).map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "b"]);
        listed.take(&page(r#"[{"name":"c"}]"#, None), None);
        assert_eq!(listed.classes(&rules).count(), 1);
        let many: Vec<String> = (0..MAX_TOOLS)
            .map(|number| format!(r#"{{"name":"{number}"}}"#))
            .collect();
        listed.take(
            &page(&format!("[{}]", many.join(",")), Some("2")),
            Some("2"),
        );
        assert_eq!(listed.classes(&rules).count(), MAX_TOOLS);
    }

    #[test]
    fn tools_that_write_are_left_out_and_other_bytes_stay() {
        let class_of = |tool: &str| match tool {
            "get" | "find" => Class::Read,
            _other => Class::Write,
        };
        let line = br#"{"jsonrpc":"2.0","id":1.0,"result":{ "tools":[{"name":"get","x":1e2}, {"name":"set"},{"na\u006de":"find"} ,7],"ttlMs":60000,"cacheScope":"public","y":[ ]}}"#;
        let shown = without_writers(line, class_of).expect("something changes");
        assert_eq!(
            String::from_utf8(shown).expect("text"),
            r#"{"jsonrpc":"2.0","id":1.0,"result":{ "tools":[{"name":"get","x":1e2},{"na\u006de":"find"}],"ttlMs":5000,"cacheScope":"private","y":[ ]}}"#
        );
        for same in [
            r#"{"id":1,"result":{"tools":[{"name":"get"}]}}"#,
            r#"{"id":1,"result":{"tools":{}}}"#,
            r#"{"id":1,"error":{}}"#,
        ] {
            assert_eq!(without_writers(same.as_bytes(), class_of), None, "{same}");
        }
        let none = without_writers(br#"{"result":{"tools":[{"name":"set"}]}}"#, class_of);
        assert_eq!(none.expect("changes"), br#"{"result":{"tools":[]}}"#);
    }
}
