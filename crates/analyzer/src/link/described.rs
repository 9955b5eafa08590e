//! Tools that a program describes to itself and dispatches by name, or registers elsewhere: `Tool { name, description, handler }`,
//! in Python `ToolDefinition(fn=read, description="…")`.

use crate::facts::{CallForm, Language};
use crate::vocabulary::words;

use super::{Project, Site};

/// What a type is called of which each value is offered to a host.
const OFFERED: &[&str] = &[
    "tool",
    "tools",
    "prompt",
    "prompts",
    "resource",
    "resources",
];

/// What a type is called whose values are chosen on the command line instead.
const COMMANDS: &[&str] = &["command", "commands", "cmd", "cli", "flag", "option"];

/// Fields, in small letters and without `_`, by which such a thing tells a host what it is for.
const TOLD: &[&str] = &["description", "desc", "inputschema", "schema", "parameters"];

/// Whether a literal describes something to a host; the functions in it answer.
pub(super) fn is_offer(project: &Project<'_>, site: &Site<'_>) -> bool {
    let has_fields = match project.language(site.at.file) {
        Language::Go | Language::Rust => site.call.form == CallForm::Literal,
        Language::Python => site.name().starts_with(char::is_uppercase),
        Language::TypeScript => false,
    };
    if !has_fields || project.surface(site.at.file) == crate::finding::Surface::Tests {
        return false;
    }
    let words = words::words(site.name());
    let is_one_of = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    let mut fields = site.call.args.iter().filter_map(|arg| arg.name.as_deref());
    is_one_of(OFFERED)
        && !is_one_of(COMMANDS)
        && fields.any(|field| {
            let plain: String = field.chars().filter(|letter| *letter != '_').collect();
            TOLD.contains(&plain.to_lowercase().as_str())
        })
}
