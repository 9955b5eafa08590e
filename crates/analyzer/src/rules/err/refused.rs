//! Tests of an HTTP answer for its status, and the stretches of a function that run when a remote end has refused.

use std::collections::{BTreeSet, HashMap};

use crate::facts::{Block, Compare, Expr, ExprKind, Function, Logic, Span, StmtKind, VarId, walk};

/// Members and methods of an answer that are its status.
const STATUSES: &[&str] = &[
    "status",
    "status_code",
    "statusCode",
    "StatusCode",
    "as_u16",
];

/// Those that say that it is a good one.
const GOOD: &[&str] = &["ok", "is_success"];

/// Those that say that it is none.
const BAD: &[&str] = &["is_error", "is_client_error", "is_server_error"];

/// Names of statuses that are no refusal, in small letters.
const FINE: &[&str] = &[
    "ok",
    "created",
    "accepted",
    "statusok",
    "statuscreated",
    "statusaccepted",
];

/// The stretches of a function in which a remote end has refused.
#[derive(Default)]
pub(super) struct Refusals {
    /// The answers that are asked for their status.
    pub(super) answers: BTreeSet<VarId>,
    /// Where the answer is known to be a refusal.
    pub(super) sure: Vec<Span>,
    /// Where it may be one.
    pub(super) maybe: Vec<Span>,
}

/// What a test says of an answer where it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// It is a refusal.
    Refused,
    /// It is none.
    Good,
    /// One or the other: which way a comparison points is not among the facts.
    Either,
}

impl Refusals {
    /// Reads a function.
    pub(super) fn of(function: &Function) -> Self {
        let mut statuses = HashMap::new();
        walk::assignments(&function.body, &mut |_, target, value| {
            if let (Some(id), Some(answer)) = (target.variable(), status(value, &HashMap::new())) {
                statuses.insert(id, answer);
            }
        });
        let mut all = Self::default();
        all.block(&function.body, &statuses);
        walk::stmts(&function.body, &mut |stmt| {
            for block in walk::blocks(stmt) {
                all.block(block, &statuses);
            }
        });
        all
    }

    fn block(&mut self, block: &Block, statuses: &HashMap<VarId, VarId>) {
        for (stmt, rest) in block.iter().zip(1..) {
            if let StmtKind::If {
                test,
                then,
                otherwise,
            } = &stmt.kind
            {
                let Some((side, answer)) = side(test, statuses) else {
                    continue;
                };
                self.answers.insert(answer);
                match side {
                    Side::Refused => self.sure.extend(extent(then)),
                    Side::Either => self.maybe.extend(extent(then)),
                    Side::Good => {
                        self.sure.extend(extent(otherwise));
                        let leaves = then.last().is_some_and(|last| {
                            matches!(last.kind, StmtKind::Return(_) | StmtKind::Throw(_))
                        });
                        if leaves {
                            self.sure.extend(extent(block.get(rest..).unwrap_or(&[])));
                        }
                    }
                }
            } else if let StmtKind::Match { subject, arms } = &stmt.kind
                && let Some(answer) = status(subject, statuses)
            {
                self.answers.insert(answer);
                self.maybe.extend(arms.iter().map(|arm| arm.span));
            }
        }
    }
}

fn extent(block: &[crate::facts::Stmt]) -> Option<Span> {
    let (first, last) = (block.first()?, block.last()?);
    Some(Span {
        end: last.span.end,
        end_line: last.span.end_line,
        ..first.span
    })
}

/// The answer whose status an expression is: `response.status`, `response.status().as_u16()`, `resp.StatusCode/100`.
fn status(expr: &Expr, statuses: &HashMap<VarId, VarId>) -> Option<VarId> {
    let expr = expr.bare();
    if let ExprKind::Var(id) = expr.kind {
        return statuses.get(&id).copied();
    }
    if let ExprKind::Opaque(parts) = &expr.kind {
        return parts.first().and_then(|first| status(first, statuses));
    }
    let callee = asked(expr);
    let ExprKind::Member(object, name) = &callee.kind else {
        return None;
    };
    if !STATUSES.contains(&&**name) {
        return None;
    }
    if let ExprKind::Var(id) = object.bare().kind {
        return Some(statuses.get(&id).copied().unwrap_or(id));
    }
    status(object, statuses)
}

/// The member that is read, or called without arguments.
fn asked(expr: &Expr) -> &Expr {
    expr.call()
        .filter(|call| call.args.is_empty())
        .map_or(expr, |call| call.callee.bare())
}

/// What a test says, and of which answer.
fn side(test: &Expr, statuses: &HashMap<VarId, VarId>) -> Option<(Side, VarId)> {
    if let ExprKind::Not(inner) = &test.kind {
        let (side, answer) = side(inner, statuses)?;
        let other = match side {
            Side::Refused => Side::Good,
            Side::Good => Side::Refused,
            Side::Either => Side::Either,
        };
        return Some((other, answer));
    }
    if let ExprKind::Logic(logic, left, right) = &test.kind {
        return both(*logic, side(left, statuses), side(right, statuses));
    }
    if let ExprKind::Compare(compare, left, right) = &test.kind {
        return compared(*compare, left, right, statuses);
    }
    // `!response.ok`, `status.is_success()`.
    let asked = asked(test.bare());
    let ExprKind::Member(object, name) = &asked.kind else {
        return None;
    };
    let said = if GOOD.contains(&&**name) {
        Side::Good
    } else if BAD.contains(&&**name) {
        Side::Refused
    } else {
        return None;
    };
    let answer = if let ExprKind::Var(id) = object.bare().kind {
        statuses.get(&id).copied().unwrap_or(id)
    } else {
        status(object, statuses)?
    };
    Some((said, answer))
}

fn both(
    logic: Logic,
    left: Option<(Side, VarId)>,
    right: Option<(Side, VarId)>,
) -> Option<(Side, VarId)> {
    let refused = |one: &Option<(Side, VarId)>| one.filter(|(side, _)| *side == Side::Refused);
    if let Some(found) = refused(&left).or_else(|| refused(&right)) {
        return Some(found);
    }
    let ((left, answer), (right, _)) = (left?, right?);
    let said = match (logic, left, right) {
        // `status >= 200 && status < 300`.
        (Logic::And, Side::Either, Side::Either) => Side::Good,
        (_, Side::Good, Side::Good) => Side::Good,
        // `status < 200 || status >= 300`.
        (_, Side::Either, Side::Either) => Side::Refused,
        (_, Side::Either | Side::Good | Side::Refused, _) => Side::Either,
    };
    Some((said, answer))
}

fn compared(
    compare: Compare,
    left: &Expr,
    right: &Expr,
    statuses: &HashMap<VarId, VarId>,
) -> Option<(Side, VarId)> {
    let (answer, known) = match status(left, statuses) {
        Some(answer) => (answer, right),
        None => (status(right, statuses)?, left),
    };
    let fine = is_fine(known)?;
    // `status === 204`, `status != 304`: one of several good ones, and nothing is said of the others.
    let is_special =
        matches!(known.kind, ExprKind::Number(number) if number == 204.0 || number == 304.0);
    if is_special {
        return None;
    }
    let said = match (compare, fine) {
        (Compare::Equal | Compare::Inside, true)
        | (Compare::NotEqual | Compare::Outside, false) => Side::Good,
        (Compare::Equal | Compare::Inside, false)
        | (Compare::NotEqual | Compare::Outside, true) => Side::Refused,
        (Compare::Order, _) => Side::Either,
    };
    // `status != 404`: may be anything else.
    let is_open = said == Side::Good && !fine;
    Some((if is_open { Side::Either } else { said }, answer))
}

/// Whether a status is none of a refusal; `None` for what is no status.
fn is_fine(value: &Expr) -> Option<bool> {
    if let ExprKind::Number(number) = value.kind {
        return Some(number < 300.0);
    }
    if let ExprKind::List(parts) = &value.kind {
        let mut parts = parts.iter().map(is_fine);
        return parts.next()?;
    }
    let name = crate::link::callee_name(value).to_lowercase();
    if matches!(
        name.as_str(),
        "no_content" | "nocontent" | "statusnocontent" | "not_modified" | "statusnotmodified"
    ) {
        return None;
    }
    let is_status = matches!(&value.kind, ExprKind::Member(..)) && !name.is_empty();
    is_status.then(|| FINE.contains(&name.as_str()))
}
