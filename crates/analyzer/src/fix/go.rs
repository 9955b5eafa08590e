//! Edits of Go.

use super::source::{Edit, Text, denial};
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

/// The edit that imports a package of the standard library, if there has to be one, in its place by the alphabet.
fn import(text: &Text<'_>, package: &str) -> Option<Option<Edit>> {
    let imports = &text.facts.imports;
    if imports.iter().any(|import| &*import.source == package) {
        return Some(None);
    }
    let quoted = format!("\"{package}\"");
    if let Some(block) = text.text.find("\nimport (\n") {
        let mut at = block + "\nimport (\n".len();
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
