//! No function takes a bare `bool`: at the call nobody can read what `true` means.

use super::source::Source;
use super::{Checkout, Finding};

/// Functions whose signature another crate's trait dictates.
const DICTATED: &[&str] = &["visit_bool", "serialize_bool", "alternate"];

pub(super) fn check(checkout: &Checkout) -> Vec<Finding> {
    let ours = checkout.sources.iter().filter(|source| source.is_rust());
    ours.flat_map(|source| {
        source
            .find("fn")
            .filter(|at| !source.is_test(*at))
            .filter_map(|at| judge(source, at))
    })
    .collect()
}

fn judge(source: &Source, at: usize) -> Option<Finding> {
    let rest = source.code.get(at + 2..)?.trim_start();
    let name: String = rest
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    if name.is_empty() || DICTATED.contains(&name.as_str()) {
        return None;
    }
    let list = parameters(rest)?;
    let bare = list.into_iter().find(|parameter| {
        parameter
            .split_once(':')
            .is_some_and(|(_, kind)| kind.trim() == "bool")
    })?;
    Some(Finding::at(
        source,
        at,
        format!(
            "`fn {name}` takes `{}`: give it an enum of two names",
            bare.trim()
        ),
    ))
}

/// The parameters of a signature that begins at its name.
fn parameters(signature: &str) -> Option<Vec<&str>> {
    let open = opening(signature)?;
    let mut list = Vec::new();
    let mut start = open + 1;
    let mut depth = 0_usize;
    for (at, byte) in signature.bytes().enumerate().skip(open + 1) {
        match byte {
            b')' if depth == 0 => {
                list.extend(signature.get(start..at));
                return Some(list);
            }
            b',' if depth == 0 => {
                list.extend(signature.get(start..at));
                start = at + 1;
            }
            b'(' | b'[' | b'<' | b'{' => depth += 1,
            b'>' if signature.as_bytes().get(at - 1) == Some(&b'-') => {}
            b')' | b']' | b'>' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// The parenthesis after the name and its generics.
fn opening(signature: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in signature.bytes().enumerate() {
        match byte {
            b'(' if depth == 0 => return Some(at),
            b'<' => depth += 1,
            b'>' if signature.as_bytes().get(at.checked_sub(1)?) != Some(&b'-') => {
                depth = depth.saturating_sub(1)
            }
            b';' | b'{' => return None,
            _ => {}
        }
    }
    None
}
