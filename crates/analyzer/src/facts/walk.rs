//! Walking over statements and expressions in order of evaluation, without entering other functions.

use crate::budget::{self, Left};

use super::{Block, Expr, ExprKind, Pattern, Span, Stmt, StmtKind};

/// Calls `visit` with every expression of a block, outer ones first. Bodies of closures are not entered: they are functions of their own.
pub fn exprs<'a>(block: &'a Block, visit: &mut dyn FnMut(&'a Expr)) {
    stmts(block, &mut |stmt| own_exprs(stmt, &mut |expr| visit(expr)));
}

/// Calls `visit` with every statement of a block, outer ones first, those inside flow expressions as well.
pub fn stmts<'a>(block: &'a Block, visit: &mut dyn FnMut(&'a Stmt)) {
    if budget::spend(block.len()) == Left::Nothing {
        return;
    }
    for stmt in block {
        one(stmt, visit);
    }
}

/// Calls `visit` with every assignment of a value in a block: the statement, what is assigned to, and the value.
pub fn assignments<'a>(block: &'a Block, visit: &mut dyn FnMut(&'a Stmt, &'a Pattern, &'a Expr)) {
    stmts(block, &mut |stmt| {
        if let StmtKind::Assign {
            target,
            value: Some(value),
        } = &stmt.kind
        {
            visit(stmt, target, value);
        }
    });
}

fn one<'a>(stmt: &'a Stmt, visit: &mut dyn FnMut(&'a Stmt)) {
    visit(stmt);
    if stmt.has_flow {
        let mut flows = Vec::new();
        own_exprs(stmt, &mut |expr| {
            if let ExprKind::Flow(inner) = &expr.kind {
                flows.push(inner);
            }
        });
        for inner in flows {
            one(inner, visit);
        }
    }
    each_block(stmt, &mut |block| stmts(block, visit));
}

/// As [`stmts`], for those statements alone that hold a place.
pub fn around<'a>(block: &'a [Stmt], place: Span, visit: &mut dyn FnMut(&'a Stmt)) {
    for stmt in holding(block, place) {
        visit(stmt);
        if stmt.has_flow {
            own_exprs(stmt, &mut |expr| {
                if let ExprKind::Flow(inner) = &expr.kind {
                    around(std::slice::from_ref(inner), place, visit);
                }
            });
        }
        each_block(stmt, &mut |block| around(block, place, visit));
    }
}

/// The statements of a block that hold a place. Several do where one of the source became several, and these are neighbours.
fn holding(block: &[Stmt], place: Span) -> &[Stmt] {
    let holds = |at: usize| block.get(at).is_some_and(|stmt| stmt.span.holds(place));
    // Nearly every block is in the order of its source.
    let guess = block.partition_point(|stmt| stmt.span.end < place.end);
    let found = if holds(guess) {
        Some(guess)
    } else if budget::spend_on_places(block.len()) == Left::Some {
        (0..block.len()).find(|at| holds(*at))
    } else {
        None
    };
    let Some(found) = found else {
        return &[];
    };
    let first = (0..found)
        .rev()
        .find(|at| !holds(*at))
        .map_or(0, |at| at + 1);
    let last = (found..block.len()).find(|at| !holds(*at));
    block
        .get(first..last.unwrap_or(block.len()))
        .unwrap_or_default()
}

/// The blocks directly inside a statement.
pub fn blocks(stmt: &Stmt) -> Vec<&Block> {
    let mut all = Vec::new();
    each_block(stmt, &mut |block| all.push(block));
    all
}

/// Calls `visit` with the blocks directly inside a statement.
fn each_block<'a>(stmt: &'a Stmt, visit: &mut dyn FnMut(&'a Block)) {
    match &stmt.kind {
        StmtKind::If {
            then, otherwise, ..
        } => {
            visit(then);
            visit(otherwise);
        }
        StmtKind::Loop { body, .. } | StmtKind::With { body, .. } | StmtKind::Block(body) => {
            visit(body);
        }
        StmtKind::Try {
            body,
            catches,
            finally,
        } => {
            visit(body);
            catches.iter().for_each(|catch| visit(&catch.body));
            visit(finally);
        }
        StmtKind::Match { arms, .. } | StmtKind::Select(arms) => {
            arms.iter().for_each(|arm| visit(&arm.body));
        }
        StmtKind::Expr(_)
        | StmtKind::Assign { .. }
        | StmtKind::Value(_)
        | StmtKind::Return(_)
        | StmtKind::Throw(_)
        | StmtKind::Defer(_)
        | StmtKind::Break
        | StmtKind::Continue => {}
    }
}

/// The blocks around a place, outermost first; `around` gets the statements that hold it.
pub fn enclosing<'a>(block: &'a Block, span: Span, around: &mut Vec<&'a Stmt>) -> Vec<&'a Block> {
    let mut all = vec![block];
    let mut at = block;
    for _ in 0..super::MAX_DEPTH {
        let Some(stmt) = holding(at, span).first() else {
            break;
        };
        around.push(stmt);
        let inner = blocks(stmt)
            .into_iter()
            .find(|block| !holding(block, span).is_empty());
        let Some(inner) = inner else { break };
        all.push(inner);
        at = inner;
    }
    all
}

/// Calls `visit` with the expressions of a statement itself and all inside them, but not with those of its blocks.
/// A flow expression is visited; the statement in it is not entered.
pub fn own_exprs<'a>(stmt: &'a Stmt, visit: &mut dyn FnMut(&'a Expr)) {
    each_root(stmt, &mut |root| each(root, visit));
}

/// The outermost expressions of a statement, without those of its blocks.
pub fn roots(stmt: &Stmt) -> Vec<&Expr> {
    let mut all = Vec::new();
    each_root(stmt, &mut |root| all.push(root));
    all
}

/// Calls `visit` with the outermost expressions of a statement. Every rule walks over everything, so the walk makes no lists.
fn each_root<'a>(stmt: &'a Stmt, visit: &mut dyn FnMut(&'a Expr)) {
    match &stmt.kind {
        StmtKind::Expr(expr) | StmtKind::Value(expr) | StmtKind::Defer(expr) => visit(expr),
        StmtKind::Assign { target, value } => {
            value.iter().for_each(&mut *visit);
            each_place(target, visit);
        }
        StmtKind::Return(expr) | StmtKind::Throw(expr) => expr.iter().for_each(visit),
        StmtKind::If { test, .. } => visit(test),
        StmtKind::Loop { over, .. } => over.iter().for_each(visit),
        StmtKind::Match { subject, arms } => {
            visit(subject);
            arms.iter()
                .filter_map(|arm| arm.test.as_ref())
                .for_each(visit);
        }
        StmtKind::Select(arms) => arms
            .iter()
            .filter_map(|arm| arm.test.as_ref())
            .for_each(visit),
        StmtKind::With { resources, .. } => {
            resources.iter().for_each(|resource| visit(&resource.value));
        }
        StmtKind::Try { .. } | StmtKind::Break | StmtKind::Continue | StmtKind::Block(_) => {}
    }
}

/// Calls `visit` with the expressions of the places that a pattern sets.
fn each_place<'a>(pattern: &'a Pattern, visit: &mut dyn FnMut(&'a Expr)) {
    pattern.each_leaf(&mut |leaf| {
        if let Pattern::Place(expr) = leaf {
            visit(expr);
        }
    });
}

/// Calls `visit` with an expression and all inside it, outer ones first.
pub fn each<'a>(expr: &'a Expr, visit: &mut dyn FnMut(&'a Expr)) {
    visit(expr);
    each_child(expr, &mut |child| each(child, visit));
}

/// The direct sub-expressions; of a flow none.
pub fn children(expr: &Expr) -> Vec<&Expr> {
    let mut all = Vec::new();
    each_child(expr, &mut |child| all.push(child));
    all
}

/// Calls `visit` with the direct sub-expressions.
pub fn each_child<'a>(expr: &'a Expr, visit: &mut dyn FnMut(&'a Expr)) {
    match &expr.kind {
        ExprKind::Member(object, _) => visit(object),
        ExprKind::Index(left, right)
        | ExprKind::Logic(_, left, right)
        | ExprKind::Compare(_, left, right) => {
            visit(left);
            visit(right);
        }
        ExprKind::Call(call) => {
            budget::spend(call.args.len());
            visit(&call.callee);
            call.args.iter().for_each(|arg| visit(&arg.value));
        }
        ExprKind::Object(entries) if budget::spend(entries.len()) == Left::Nothing => {}
        ExprKind::Object(entries) => entries.iter().for_each(|entry| visit(&entry.value)),
        ExprKind::List(parts) | ExprKind::Join(parts) | ExprKind::Opaque(parts) => {
            if budget::spend(parts.len()) == Left::Nothing {
                return;
            }
            parts.iter().for_each(visit);
        }
        ExprKind::Not(inner)
        | ExprKind::Await(inner)
        | ExprKind::Propagate(inner)
        | ExprKind::Spread(inner) => visit(inner),
        ExprKind::Choice(test, then, otherwise) => {
            visit(test);
            visit(then);
            visit(otherwise);
        }
        ExprKind::Assign(target, value) => {
            visit(value);
            each_place(target, visit);
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
        | ExprKind::Flow(_) => {}
    }
}

/// Whether a place is in a block.
pub fn holds(block: &[Stmt], span: Span) -> bool {
    block.iter().any(|stmt| stmt.span.holds(span))
}
