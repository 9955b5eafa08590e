//! Edits of Rust.

use super::source::{Edit, Text, denial};
use crate::finding::Finding;

pub(super) fn edits(text: &Text<'_>, finding: &Finding) -> Option<Vec<Edit>> {
    let (start, _, found) = text.of(finding)?;
    let edit = match &*finding.rule {
        "IO-001" if found.starts_with("println!") || found.starts_with("print!") => {
            Edit::insert(start, "e")
        }
        "AUTH-001" => match found.trim_end().strip_suffix(')') {
            Some(call) if call.ends_with("unwrap_or(true") => denial(start, call, "true", "false")?,
            Some(_) | None => denial(start, found, "true", "false")?,
        },
        _other => return None,
    };
    Some(vec![edit])
}
