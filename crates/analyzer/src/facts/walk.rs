//! Walking over statements and expressions in order of evaluation, without entering other functions.

use super::{Block, Expr, ExprKind, Pattern, Span, Stmt, StmtKind};

/// Calls `visit` with every expression of a block, outer ones first. Bodies of closures are not entered: they are functions of their own.
pub fn exprs<'a>(block: &'a Block, visit: &mut dyn FnMut(&'a Expr)) {
    stmts(block, &mut |stmt| own_exprs(stmt, &mut |expr| visit(expr)));
}

/// Calls `visit` with every statement of a block, outer ones first, those inside flow expressions as well.
pub fn stmts<'a>(block: &'a Block, visit: &mut dyn FnMut(&'a Stmt)) {
    for stmt in block {
        one(stmt, visit);
    }
}

fn one<'a>(stmt: &'a Stmt, visit: &mut dyn FnMut(&'a Stmt)) {
    visit(stmt);
    let mut flows = Vec::new();
    own_exprs(stmt, &mut |expr| {
        if let ExprKind::Flow(inner) = &expr.kind {
            flows.push(inner);
        }
    });
    for inner in flows {
        one(inner, visit);
    }
    for block in blocks(stmt) {
        stmts(block, visit);
    }
}

/// The blocks directly inside a statement.
pub fn blocks(stmt: &Stmt) -> Vec<&Block> {
    match &stmt.kind {
        StmtKind::If {
            then, otherwise, ..
        } => vec![then, otherwise],
        StmtKind::Loop { body, .. } | StmtKind::With { body, .. } | StmtKind::Block(body) => {
            vec![body]
        }
        StmtKind::Try {
            body,
            catches,
            finally,
        } => {
            let mut all = vec![body];
            all.extend(catches.iter().map(|catch| &catch.body));
            all.push(finally);
            all
        }
        StmtKind::Match { arms, .. } | StmtKind::Select(arms) => {
            arms.iter().map(|arm| &arm.body).collect()
        }
        StmtKind::Expr(_)
        | StmtKind::Assign { .. }
        | StmtKind::Value(_)
        | StmtKind::Return(_)
        | StmtKind::Throw(_)
        | StmtKind::Defer(_)
        | StmtKind::Break
        | StmtKind::Continue => Vec::new(),
    }
}

/// The blocks around a place, outermost first; `around` gets the statements that hold it.
pub fn enclosing<'a>(block: &'a Block, span: Span, around: &mut Vec<&'a Stmt>) -> Vec<&'a Block> {
    let mut all = vec![block];
    let mut at = block;
    for _ in 0..super::MAX_DEPTH {
        let Some(stmt) = at.iter().find(|stmt| stmt.span.holds(span)) else {
            break;
        };
        around.push(stmt);
        let inner = blocks(stmt)
            .into_iter()
            .find(|block| block.iter().any(|stmt| stmt.span.holds(span)));
        let Some(inner) = inner else { break };
        all.push(inner);
        at = inner;
    }
    all
}

/// Calls `visit` with the expressions of a statement itself and all inside them, but not with those of its blocks.
/// A flow expression is visited; the statement in it is not entered.
pub fn own_exprs<'a>(stmt: &'a Stmt, visit: &mut dyn FnMut(&'a Expr)) {
    for root in roots(stmt) {
        each(root, visit);
    }
}

/// The outermost expressions of a statement, without those of its blocks.
pub fn roots(stmt: &Stmt) -> Vec<&Expr> {
    let mut all = Vec::new();
    match &stmt.kind {
        StmtKind::Expr(expr) | StmtKind::Value(expr) | StmtKind::Defer(expr) => all.push(expr),
        StmtKind::Assign { target, value } => {
            all.extend(value);
            all.extend(places(target));
        }
        StmtKind::Return(expr) | StmtKind::Throw(expr) => all.extend(expr),
        StmtKind::If { test, .. } => all.push(test),
        StmtKind::Loop { over, .. } => all.extend(over),
        StmtKind::Match { subject, arms } => {
            all.push(subject);
            all.extend(arms.iter().filter_map(|arm| arm.test.as_ref()));
        }
        StmtKind::Select(arms) => all.extend(arms.iter().filter_map(|arm| arm.test.as_ref())),
        StmtKind::With { resources, .. } => {
            all.extend(resources.iter().map(|resource| &resource.value));
        }
        StmtKind::Try { .. } | StmtKind::Break | StmtKind::Continue | StmtKind::Block(_) => {}
    }
    all
}

/// The expressions of the places that a pattern sets.
fn places(pattern: &Pattern) -> impl Iterator<Item = &Expr> {
    pattern.leaves().into_iter().filter_map(|leaf| {
        if let Pattern::Place(expr) = leaf {
            Some(expr)
        } else {
            None
        }
    })
}

/// Calls `visit` with an expression and all inside it, outer ones first.
pub fn each<'a>(expr: &'a Expr, visit: &mut dyn FnMut(&'a Expr)) {
    visit(expr);
    for child in children(expr) {
        each(child, visit);
    }
}

/// The direct sub-expressions; of a flow none.
pub fn children(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Member(object, _) => vec![object],
        ExprKind::Index(object, index) => vec![object, index],
        ExprKind::Call(call) => {
            let mut all = vec![&call.callee];
            all.extend(call.args.iter().map(|arg| &arg.value));
            all
        }
        ExprKind::Object(entries) => entries.iter().map(|entry| &entry.value).collect(),
        ExprKind::List(parts) | ExprKind::Join(parts) | ExprKind::Opaque(parts) => {
            parts.iter().collect()
        }
        ExprKind::Logic(_, left, right) | ExprKind::Compare(_, left, right) => vec![left, right],
        ExprKind::Not(inner)
        | ExprKind::Await(inner)
        | ExprKind::Propagate(inner)
        | ExprKind::Spread(inner) => vec![inner],
        ExprKind::Choice(test, then, otherwise) => vec![test, then, otherwise],
        ExprKind::Assign(target, value) => {
            let mut all = vec![value.as_ref()];
            all.extend(places(target));
            all
        }
        ExprKind::Str(_)
        | ExprKind::Number(_)
        | ExprKind::Bool(_)
        | ExprKind::Null
        | ExprKind::Var(_)
        | ExprKind::Global(_)
        | ExprKind::This
        | ExprKind::Super
        | ExprKind::Module(_)
        | ExprKind::Function(_)
        | ExprKind::Class(_)
        | ExprKind::Flow(_) => Vec::new(),
    }
}
