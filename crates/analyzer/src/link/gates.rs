//! Functions whose answer a caller refuses by: `if (!allowed(user)) throw new Error("forbidden")`.
//!
//! What such a function is called says nothing of it; what becomes of its answer says that it decides on access.

use std::collections::HashMap;

use crate::budget;
use crate::facts::{Block, Compare, Expr, ExprKind, Logic, StmtKind, walk};
use crate::vocabulary::words;

use super::branches::extent;
use super::{FnRef, Project};

/// The answer of a check of access that lets a call pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passes {
    /// `isAllowed`: true passes.
    True,
    /// `isBlocked`: false passes.
    False,
}

/// Texts of a refusal of access; a refusal for any other reason says something else.
const REFUSALS: &[&str] = &[
    "access denied",
    "permission denied",
    "forbidden",
    "unauthori",
    "not authori",
    "not permitted",
    "not allowed",
    "no access",
    "insufficient permission",
    "lacks permission",
];

/// Words of names of such a refusal.
const NAMES: &[&str] = &[
    "forbidden",
    "unauthorized",
    "unauthenticated",
    "unauthorised",
    "denied",
];

/// A value by which a function refuses access.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The function that refuses.
    pub at: FnRef,
    /// What it asks.
    pub value: &'a Expr,
    /// The value that it lets pass.
    pub passes: Passes,
}

impl<'a> Project<'a> {
    /// The values by which functions refuse access.
    pub fn answers(&self) -> Vec<Answer<'a>> {
        let mut all = Vec::new();
        for (at, function) in self.functions() {
            walk::stmts(&function.body, &mut |stmt| {
                if let StmtKind::If { test, then, .. } = &stmt.kind
                    && self.refuses_access(at, then)
                {
                    asked(self, at, test, Passes::False, &mut all);
                }
            });
        }
        all
    }

    /// The answer of a function by which its callers let a call pass, where they refuse it by the other one.
    pub fn gate(&self, at: FnRef) -> Option<Passes> {
        self.gates
            .get_or_init(|| budget::apart(|| gates(self)))
            .get(&at)
            .copied()
    }

    /// Whether a block refuses access: it leaves, and what it says of it is a refusal.
    pub fn refuses_access(&self, at: FnRef, block: &'a Block) -> bool {
        let mut leaves = false;
        walk::stmts(block, &mut |stmt| {
            leaves |= matches!(
                stmt.kind,
                StmtKind::Return(_) | StmtKind::Throw(_) | StmtKind::Value(_)
            );
        });
        let mut says = false;
        walk::exprs(block, &mut |expr| says |= is_refusal(expr));
        let stretch = extent(block).into_iter();
        let mut sites = stretch.flat_map(|stretch| self.sites_within(at, stretch));
        let named = sites.any(|site| {
            let words = words::words(site.name());
            words.iter().any(|word| NAMES.contains(&word.as_str()))
        });
        leaves && (says || named)
    }
}

fn is_refusal(expr: &Expr) -> bool {
    if let ExprKind::Str(text) = &expr.kind {
        let text = text.to_lowercase();
        return REFUSALS.iter().any(|part| text.contains(part));
    }
    if let ExprKind::Number(number) = expr.kind {
        return number == 401.0 || number == 403.0;
    }
    if let ExprKind::Member(_, name) | ExprKind::Global(name) = &expr.kind {
        let words = words::words(name);
        return words.iter().any(|word| NAMES.contains(&word.as_str()))
            || matches!(
                &**name,
                "PermissionError" | "PermissionDenied" | "AccessDenied"
            );
    }
    false
}

/// Every function that callers refuse by.
fn gates(project: &Project<'_>) -> HashMap<FnRef, Passes> {
    let mut all = HashMap::new();
    for answer in project.answers() {
        if let Some(site) = project.site_at(answer.at, answer.value) {
            all.extend(site.targets.iter().map(|target| (*target, answer.passes)));
        }
    }
    all
}

/// The parts of a test whose answers decide; `passes` is what lets a call pass where the whole test does not hold.
fn asked<'a>(
    project: &Project<'a>,
    at: FnRef,
    test: &'a Expr,
    passes: Passes,
    all: &mut Vec<Answer<'a>>,
) {
    let turned = if passes == Passes::True {
        Passes::False
    } else {
        Passes::True
    };
    if let ExprKind::Not(inner) = &test.kind {
        asked(project, at, inner, turned, all);
    } else if let ExprKind::Logic(Logic::Or, left, right) = &test.kind {
        asked(project, at, left, passes, all);
        asked(project, at, right, passes, all);
    } else if let ExprKind::Compare(Compare::Equal | Compare::NotEqual, left, right) = &test.kind
        && let ExprKind::Bool(value) = right.kind
    {
        let is_equal = matches!(test.kind, ExprKind::Compare(Compare::Equal, ..));
        let same = value == is_equal;
        asked(project, at, left, if same { passes } else { turned }, all);
    } else if let ExprKind::Var(id) = test.kind {
        let set = project.assigned(at.variable(id));
        all.extend(
            set.filter(|(from, _)| *from == at)
                .map(|(_, value)| Answer { at, value, passes }),
        );
    } else {
        let value = test;
        all.push(Answer { at, value, passes });
    }
}
