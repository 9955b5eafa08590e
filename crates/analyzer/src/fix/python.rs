//! Edits of Python.

use super::source::{Edit, Text, denial, offset};
use crate::facts::{FnId, ImportItem, VariableKind};
use crate::finding::Finding;

pub(super) fn edits(text: &Text<'_>, finding: &Finding) -> Option<Vec<Edit>> {
    let (start, end, found) = text.of(finding)?;
    match &*finding.rule {
        "IO-001" => {
            if found.starts_with("sys.stdout.write(") {
                let at = start + "sys.".len();
                return Some(vec![Edit::replace(at, at + "stdout".len(), "stderr")]);
            }
            let inner = found.strip_prefix("print(")?.strip_suffix(')')?;
            if inner.contains("file=") || inner.contains("file =") {
                return None;
            }
            let before = match inner.trim_end() {
                "" => "",
                some if some.ends_with(',') => " ",
                _some => ", ",
            };
            let mut edits = vec![Edit::insert(end - 1, format!("{before}file=sys.stderr"))];
            edits.extend(with_sys(text)?);
            Some(edits)
        }
        "AUTH-001" => Some(vec![denial(start, found, "True", "False")?]),
        "LIFE-003" => {
            let registers =
                found.starts_with("signal.signal(") || found.contains(".add_signal_handler(");
            let once = found.matches("signal.SIGINT").count() == 1;
            if !registers || !once || found.contains('\n') {
                return None;
            }
            let indent = text.indent(start)?;
            let again = found.replace("signal.SIGINT", "signal.SIGTERM");
            let at = text.after_statement(end)?;
            Some(vec![Edit::insert(at, format!("\n{indent}{again}"))])
        }
        _other => None,
    }
}

/// The edit that imports `sys`, if there has to be one; `None` where the name is something else or there is no place for it.
fn with_sys(text: &Text<'_>) -> Option<Option<Edit>> {
    let facts = text.facts;
    let mut named = facts.variables.iter().filter(|it| &*it.name == "sys");
    if let Some(variable) = named.next() {
        let VariableKind::Import(id) = variable.kind else {
            return None;
        };
        let import = facts.imports.get(offset(id.0))?;
        let is_it = &*import.source == "sys" && import.item == ImportItem::Module;
        let alone = named.next().is_none() && variable.owner == FnId::MODULE;
        return (is_it && alone).then_some(None);
    }
    let mut starts = facts
        .imports
        .iter()
        .map(|import| offset(import.span.start))
        .filter_map(|start| {
            let before = text.text.get(..start)?;
            Some(before.rfind('\n').map_or(0, |newline| newline + 1))
        });
    let first = starts.find(|start| {
        text.text.get(*start..).is_some_and(|line| {
            (line.starts_with("import ") || line.starts_with("from "))
                && !line.starts_with("from __future__")
        })
    })?;
    Some(Some(Edit::insert(first, "import sys\n")))
}
