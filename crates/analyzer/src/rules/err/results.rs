//! What is made to go to the caller of a tool: results and errors of the protocol, by their names and their shapes.

use crate::facts::{Call, Expr, ExprKind, StmtKind, walk};
use crate::link::{FnRef, Project, Site, callee_name};

use super::memo::Memo;

/// Functions of the project that are entered to see whether they make a result.
const MAX_CALLS: usize = 2;

/// Parts of names, in small letters and without `_`, of what makes a result or an error of the protocol.
const PARTS: &[&str] = &[
    "toolresult",
    "toolresponse",
    "tooloutput",
    "toolcallresult",
    "toolcallresponse",
    "mcpresponse",
    "rpcresponse",
    "errorresponse",
    "errorresult",
    "erroroutput",
];

/// Whole names of errors of the protocol: with a word before it, a name is that of an error of the author's.
const NAMES: &[&str] = &[
    "mcperror",
    "errordata",
    "rpcerror",
    "jsonrpcerror",
    "calltoolerror",
    "responseerror",
    "internalerror",
    // The macro of `mcp_attr` that returns an error whose text every caller gets.
    "bailpublic",
];

/// Whether a result for the caller of a tool is made in an expression, or in a function of the project that it calls.
pub(super) fn makes(project: &Project<'_>, at: FnRef, memo: &Memo, value: &Expr) -> bool {
    makes_within(project, at, memo, value, MAX_CALLS)
}

fn makes_within(project: &Project<'_>, at: FnRef, memo: &Memo, value: &Expr, left: usize) -> bool {
    let mut found = false;
    walk::each(value, &mut |inner| found |= is_one(project, at, inner));
    if found || left == 0 {
        return found;
    }
    let Some(site) = value.call().and_then(|_| project.site_at(at, value)) else {
        return false;
    };
    let mut targets = site.targets.iter();
    targets.any(|target| {
        memo.makes(*target, left, || {
            let mut made = false;
            if let Some(function) = project.function(*target) {
                walk::stmts(&function.body, &mut |stmt| {
                    if let StmtKind::Return(Some(value)) = &stmt.kind {
                        made = made || makes_within(project, *target, memo, value, left - 1);
                    }
                });
            }
            made
        })
    })
}

/// Whether an expression itself is a result or an error of the protocol.
pub(super) fn is_one(project: &Project<'_>, at: FnRef, expr: &Expr) -> bool {
    if let ExprKind::Call(call) = &expr.kind {
        is_named(project, at, call) || has(&keys_of(call))
    } else if let ExprKind::Object(entries) = &expr.kind {
        let keys = entries.iter().filter_map(|entry| entry.key.as_deref());
        has(&keys.map(plain).collect::<Vec<_>>())
    } else {
        false
    }
}

/// Types of Rust's SDKs whose functions take what a result says.
const CONTENT: &[&str] = &["content", "textcontent", "contentblock"];

/// Rust: whether a call puts what it is given into a result or an error of the protocol as it is: `Content::text(error)`.
pub(super) fn takes_text(project: &Project<'_>, at: FnRef, call: &Call) -> bool {
    let of_content = matches!(&call.callee.kind, ExprKind::Member(object, _)
        if CONTENT.contains(&plain(&project.last_name(at, object).unwrap_or_default()).as_str()));
    of_content || is_named(project, at, call)
}

/// Rust: whether a path given to `map_err` makes an error of the protocol: `CallToolError::new`.
pub(super) fn is_maker(project: &Project<'_>, at: FnRef, path: &Expr) -> bool {
    matches!(&path.kind, ExprKind::Member(object, _)
        if NAMES.contains(&plain(&project.last_name(at, object).unwrap_or_default()).as_str()))
}

/// Rust: whether what may have failed is the making of a text, of which an error says nothing: `writeln!(text, …).map_err(…)`.
pub(super) fn is_written(site: &Site<'_>) -> bool {
    let made = site.call.receiver().and_then(Expr::call);
    let name = made.map_or("", |call| callee_name(&call.callee));
    matches!(
        name,
        "write" | "writeln" | "to_string" | "to_string_pretty" | "to_value"
    )
}

/// `CallToolResult::error(…)`, `mcp.NewToolResultError(…)`, `JsonRpcError { … }`.
fn is_named(project: &Project<'_>, at: FnRef, call: &Call) -> bool {
    let mut callee = &call.callee;
    loop {
        let name = if let ExprKind::Member(_, name) | ExprKind::Global(name) = &callee.kind {
            plain(name)
        } else if let ExprKind::Var(id) = callee.kind {
            plain(&project.name_of(at.variable(id)).unwrap_or_default())
        } else {
            return false;
        };
        if NAMES.contains(&name.as_str()) || PARTS.iter().any(|part| name.contains(part)) {
            return true;
        }
        let ExprKind::Member(object, _) = &callee.kind else {
            return false;
        };
        callee = object;
    }
}

fn keys_of(call: &Call) -> Vec<String> {
    let names = call.args.iter().filter_map(|arg| arg.name.as_deref());
    names.map(plain).collect()
}

/// The members by which a result (`content`, `isError`), a part of one (`type`, `text`) and an error (`code`, `message`) are known.
fn has(keys: &[String]) -> bool {
    let both = |one: &str, other: &str| {
        keys.iter().any(|key| key == one) && keys.iter().any(|key| key == other)
    };
    both("code", "message") || both("content", "iserror") || both("type", "text")
}

/// A name in small letters, without `_`.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(|letter| *letter != '_');
    letters.flat_map(char::to_lowercase).collect()
}
