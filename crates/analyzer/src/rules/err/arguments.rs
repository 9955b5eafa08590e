//! Go and Rust: what says that an argument of the call can't be read. The caller wrote it, and has to know what is wrong with it.

use crate::facts::{Expr, ExprKind, Language, walk};
use crate::link::{Failure, Project, Site};
use crate::vocabulary::words;

/// Functions that read a value out of another.
const READING: &[&str] = &[
    "parse",
    "from_str",
    "from_value",
    "from_slice",
    "parse_str",
    "parse_from_str",
    "parse_from_rfc3339",
    "try_from",
    "try_into",
];

/// First words of the names of Go's.
const READING_GO: &[&str] = &[
    "parse",
    "validate",
    "unmarshal",
    "marshal",
    "decode",
    "bind",
];

/// Words in the names of what a caller gives.
const GIVEN: &[&str] = &[
    "args",
    "arg",
    "argument",
    "arguments",
    "param",
    "params",
    "input",
    "request",
    "req",
];

/// Whether all that failed is the reading of an argument.
pub(super) fn is_about(project: &Project<'_>, failure: &Failure<'_>) -> bool {
    let read = || last(project, failure);
    match project.language(failure.at.file) {
        Language::Rust => read().is_some_and(|read| {
            READING.contains(&read.name()) && (is_given(project, read) || says_so(failure))
        }),
        Language::Go => read().is_some_and(|read| {
            let words = words::words(read.name());
            let first = words.first().map_or("", String::as_str);
            READING_GO.contains(&first) && is_given(project, read)
        }),
        Language::TypeScript | Language::Python => false,
    }
}

/// Rust: whether what a method is called on is the reading of an argument: `Tools::try_from(params).map_err(…)`.
pub(super) fn is_read(project: &Project<'_>, site: &Site<'_>) -> bool {
    let Some(value) = site.call.receiver() else {
        return false;
    };
    let mut within = project.sites_within(site.at, value.span);
    within.any(|read| READING.contains(&read.name()) && is_given(project, read))
}

/// The last call of what may have failed.
fn last<'p, 'a>(project: &'p Project<'a>, failure: &Failure<'a>) -> Option<&'p Site<'a>> {
    project
        .outward(failure.at)
        .take(2)
        .flat_map(|(at, _)| project.sites_within(at, failure.guarded))
        .max_by_key(|site| (site.span.end, std::cmp::Reverse(site.span.start)))
}

/// Whether what is read is named like an argument of the call.
fn is_given(project: &Project<'_>, read: &Site<'_>) -> bool {
    let args = read.call.args.iter().map(|arg| &arg.value);
    args.chain(read.call.receiver()).any(|value| {
        project.names_in(read.at, value).iter().any(|name| {
            words::words(name)
                .iter()
                .any(|word| GIVEN.contains(&word.as_str()))
        })
    })
}

/// Whether the error that is made of it is the one for arguments: `McpError::invalid_params(…)`.
fn says_so(failure: &Failure<'_>) -> bool {
    let mut found = false;
    let mut look = |expr: &Expr| {
        if let ExprKind::Member(_, name) | ExprKind::Global(name) = &expr.kind {
            let words = words::words(name);
            found |= words.iter().any(|word| word == "invalid")
                && words.iter().any(|word| {
                    matches!(
                        word.as_str(),
                        "params" | "param" | "arguments" | "argument" | "request"
                    )
                });
        }
    };
    walk::exprs(failure.body, &mut look);
    found
}
