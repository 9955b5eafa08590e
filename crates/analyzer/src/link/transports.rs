//! Branches on the name of the transport: in which of them a server is not the one over stdio.

use crate::facts::{Block, Compare, Expr, ExprKind, Logic, Stmt, StmtKind, walk};
use crate::vocabulary::{Wire, words};

use super::{FnRef, Project, Site, Value};

/// Whether a call that serves by the name in `value` stands where that name is known not to be `stdio`.
pub(super) fn is_other<'a>(project: &Project<'a>, site: &Site<'a>, value: &'a Expr) -> bool {
    let Some(function) = project.function(site.at) else {
        return false;
    };
    let mut other = false;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::If {
            test,
            then,
            otherwise,
        } = &stmt.kind
        {
            let holds = |block: &Block| block.iter().any(|inner| inner.span.holds(site.span));
            match names(project, site.at, test, value) {
                Some(Named::Others) => other |= holds(then),
                Some(Named::Stdio) => other |= holds(otherwise),
                None => {}
            }
        }
    });
    other
}

/// The branch of a statement that only runs for another transport than this: `if (transport === "http") …`.
pub(super) fn branch_of_another<'a>(
    project: &Project<'a>,
    at: FnRef,
    stmt: &'a Stmt,
    wire: Wire,
) -> Option<&'a Block> {
    let StmtKind::If {
        test,
        then,
        otherwise,
    } = &stmt.kind
    else {
        return None;
    };
    match (said(project, at, test)?, wire) {
        (Named::Others, Wire::Stdio) | (Named::Stdio, Wire::Http) => Some(then),
        (Named::Stdio, Wire::Stdio) => Some(otherwise),
        // There are several transports over HTTP.
        (Named::Others, Wire::Http) => None,
    }
}

/// What a test says of something that is called a transport or a mode, if it compares that with the name of one.
fn said<'a>(project: &Project<'a>, at: FnRef, test: &'a Expr) -> Option<Named> {
    let ExprKind::Compare(compare, subject, with) = &test.kind else {
        return None;
    };
    let names = project.names_in(at, subject);
    let is_transport = names
        .iter()
        .flat_map(|name| words::words(name))
        .any(|word| matches!(word.as_str(), "transport" | "transports" | "mode"));
    let said: Vec<String> = words::words(with.text()?);
    let has = |known: &[&str]| said.iter().any(|word| known.contains(&word.as_str()));
    let named = if has(&["stdio"]) {
        Named::Stdio
    } else if has(&["http", "sse", "streamable", "websocket"]) {
        Named::Others
    } else {
        return None;
    };
    match (compare, named) {
        _ if !is_transport => None,
        (Compare::Equal, named) => Some(named),
        (Compare::NotEqual, Named::Stdio) => Some(Named::Others),
        (Compare::NotEqual, Named::Others)
        | (Compare::Order | Compare::Inside | Compare::Outside, _) => None,
    }
}

/// What a test that holds says of the name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    /// It is `stdio`.
    Stdio,
    /// It is one of others.
    Others,
}

fn names<'a>(project: &Project<'a>, at: FnRef, test: &'a Expr, value: &'a Expr) -> Option<Named> {
    if let ExprKind::Logic(Logic::Or, left, right) = &test.kind {
        let (left, right) = (
            names(project, at, left, value),
            names(project, at, right, value),
        );
        return left.filter(|_| left == right);
    }
    if let ExprKind::Logic(Logic::And, left, right) = &test.kind {
        // What one part says holds in the branch. Beside it any part may have failed, so that nothing is known there.
        let mut parts = [left, right].into_iter();
        let others = |part: &'a Expr| names(project, at, part, value) == Some(Named::Others);
        return parts.any(|part| others(part)).then_some(Named::Others);
    }
    let ExprKind::Compare(compare, subject, with) = &test.kind else {
        return None;
    };
    let name = project.last_name(at, value)?;
    if project.last_name(at, subject)? != name {
        return None;
    }
    let said = match compare {
        Compare::Equal | Compare::NotEqual => one(project, at, with),
        Compare::Inside | Compare::Outside => all(project, at, with),
        Compare::Order => None,
    }?;
    match (compare, said) {
        (Compare::Equal | Compare::Inside, said) => Some(said),
        (Compare::NotEqual | Compare::Outside, Named::Stdio) => Some(Named::Others),
        (Compare::NotEqual | Compare::Outside, Named::Others) | (Compare::Order, _) => None,
    }
}

/// What one name is: a text, or something that is called after a transport (`TransportType.HTTP.value`).
fn one<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr) -> Option<Named> {
    let values = project.values(at, expr);
    let text = values.iter().find_map(|value| value.literal()?.1.text());
    let words: Vec<String> = match text {
        Some(text) => words::words(text),
        None => project
            .names_in(at, expr)
            .iter()
            .flat_map(|name| words::words(name))
            .collect(),
    };
    let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    if has(&["stdio"]) {
        Some(Named::Stdio)
    } else if text.is_some() || has(&["http", "sse", "streamable"]) {
        Some(Named::Others)
    } else {
        None
    }
}

/// What all names of a list are.
fn all<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr) -> Option<Named> {
    let lists = project.values(at, expr);
    let (inside, items) = lists.iter().find_map(|value| {
        if let Value::Literal(inside, literal) = value
            && let ExprKind::List(items) = &literal.kind
        {
            Some((*inside, items))
        } else {
            None
        }
    })?;
    let mut said = items.iter().map(|item| one(project, inside, item));
    let first = said.next()??;
    said.all(|next| next == Some(first)).then_some(first)
}
