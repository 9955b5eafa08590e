//! Edits of Go.

use super::source::{Edit, Text, denial, offset};
use crate::facts::VariableKind;
use crate::finding::Finding;

pub(super) fn edits(text: &Text<'_>, finding: &Finding) -> Option<Vec<Edit>> {
    let (start, end, found) = text.of(finding)?;
    match &*finding.rule {
        "IO-001" => {
            let (name, rest) = ["Println", "Printf", "Print"]
                .into_iter()
                .find_map(|name| {
                    let rest = found.strip_prefix("fmt.")?.strip_prefix(name)?;
                    Some((name, rest.strip_prefix('(')?))
                })?;
            let comma = if rest == ")" { "" } else { ", " };
            let at = start + "fmt.".len();
            let to = format!("F{}(os.Stderr{comma}", name.to_lowercase());
            let mut edits = vec![Edit::replace(at, at + name.len() + 1, to)];
            edits.extend(import(text, "os")?);
            Some(edits)
        }
        "AUTH-001" => Some(vec![denial(start, found, "true", "false")?]),
        "LIFE-003" => {
            let arguments = found.strip_suffix(')')?;
            let registers =
                found.starts_with("signal.Notify(") || found.starts_with("signal.NotifyContext(");
            let ends = arguments.ends_with("os.Interrupt") || arguments.ends_with("syscall.SIGINT");
            if !registers || !ends {
                return None;
            }
            let mut edits = vec![Edit::insert(end - 1, ", syscall.SIGTERM")];
            edits.extend(import(text, "syscall")?);
            Some(edits)
        }
        _other => None,
    }
}

/// The edit that imports a package of the standard library, if there has to be one, in its place by
/// the alphabet; `None` where the name is something else or there is no place for it.
fn import(text: &Text<'_>, package: &str) -> Option<Option<Edit>> {
    let facts = text.facts;
    let mut named = facts.variables.iter().filter(|it| &*it.name == package);
    if let Some(variable) = named.next() {
        let VariableKind::Import(id) = variable.kind else {
            return None;
        };
        let import = facts.imports.get(offset(id.0))?;
        let alone = named.next().is_none();
        return (&*import.source == package && alone).then_some(None);
    }
    let quoted = format!("\"{package}\"");
    const BLOCK: &str = "\nimport (";
    if let Some(block) = text.text.find(BLOCK) {
        let mut at = block + BLOCK.len();
        let line = text.text.get(at..)?.split_inclusive('\n').next()?;
        if !line.trim().is_empty() {
            return None;
        }
        at += line.len();
        for line in text.text.get(at..)?.split_inclusive('\n') {
            let name = line.trim();
            if name.is_empty() || name == ")" || name > quoted.as_str() {
                break;
            }
            at += line.len();
        }
        return Some(Some(Edit::insert(at, format!("\t{quoted}\n"))));
    }
    let single = text.text.find("\nimport \"")? + 1;
    Some(Some(Edit::insert(single, format!("import {quoted}\n"))))
}
