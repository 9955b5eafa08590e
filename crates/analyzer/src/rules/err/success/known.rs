//! What is asked of a function again and again, for each failure that it catches.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use crate::facts::{Expr, ExprKind, Span, StmtKind, VarId, walk};
use crate::link::{FnRef, Project, VarRef};
use crate::vocabulary::words;

use super::super::behind::Behind;
use super::super::memo::Memo;
use super::{marks, marks_here, tells};

/// Words of what a function asks for when it asks whether something failed.
const FAILING: &[&str] = &[
    "error",
    "err",
    "errors",
    "exception",
    "success",
    "succeeded",
    "ok",
    "fail",
    "failed",
    "failure",
    "status",
    "isinstance",
    "typeof",
    "startswith",
    "starts",
];

/// What is asked again and again, and is known.
#[derive(Default)]
pub(super) struct Known<'a> {
    pub(super) behind: Behind<'a>,
    asks: HashMap<FnRef, Rc<Asks>>,
    pub(super) memo: Rc<Memo>,
    /// Whether a function makes a result that is marked as failed.
    marking: HashMap<FnRef, bool>,
    /// Where a variable is set to a literal text about a failure.
    telling: HashMap<VarRef, Vec<Span>>,
}

impl Known<'_> {
    pub(super) fn asks(&mut self, project: &Project<'_>, at: FnRef) -> Rc<Asks> {
        let asks = self.asks.entry(at);
        Rc::clone(asks.or_insert_with(|| Rc::new(Asks::of(project, at))))
    }

    pub(super) fn makes_a_mark(&mut self, project: &Project<'_>, at: FnRef) -> bool {
        *self.marking.entry(at).or_insert_with(|| {
            let mut found = false;
            if let Some(function) = project.function(at) {
                walk::exprs(&function.body, &mut |expr| found |= marks_here(expr));
            }
            found
        })
    }

    pub(super) fn is_set_to_tell(
        &mut self,
        project: &Project<'_>,
        at: FnRef,
        id: VarId,
        region: Span,
    ) -> bool {
        let variable = at.variable(id);
        let spans = self.telling.entry(variable).or_insert_with(|| {
            let set = project.assigned(variable);
            let here = set.filter(|(from, set)| *from == at && tells(set));
            let mut spans: Vec<Span> = here.map(|(_, set)| set.span).collect();
            spans.sort_by_key(|span| span.start);
            spans
        });
        let first = spans.partition_point(|span| span.start < region.start);
        spans.get(first).is_some_and(|span| region.holds(*span))
    }
}

/// What a function asks its variables, by which it may answer in another way.
#[derive(Debug, Default)]
pub(super) struct Asks {
    /// Whether it has another answer for a failure.
    differs: bool,
    /// Variables that are asked whether they tell of a failure.
    failure: BTreeSet<VarId>,
    /// Variables of which a member is asked for something else.
    member: BTreeSet<VarId>,
}

impl Asks {
    pub(super) fn of(project: &Project<'_>, at: FnRef) -> Self {
        let mut all = Self::default();
        let Some(function) = project.function(at) else {
            return all;
        };
        let mut tests = Vec::new();
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::If { test, .. } = &stmt.kind {
                tests.push(test);
            } else if let StmtKind::Match { subject, .. } = &stmt.kind {
                tests.push(subject);
            } else if let StmtKind::Throw(_) = &stmt.kind {
                all.differs = true;
            } else if let StmtKind::Return(Some(value)) = &stmt.kind {
                all.differs |= marks(value) || value.call().is_some();
            }
        });
        walk::exprs(&function.body, &mut |expr| {
            if let ExprKind::Choice(test, _, _) = &expr.kind {
                tests.push(test);
            }
        });
        for test in tests {
            all.add(project, at, test);
        }
        all
    }

    fn add(&mut self, project: &Project<'_>, at: FnRef, test: &Expr) {
        let (mut named, mut inside) = (Vec::new(), Vec::new());
        let mut failing = false;
        walk::each(test, &mut |inner| {
            if let ExprKind::Var(id) = inner.kind {
                named.push(id);
            }
            if let ExprKind::Member(object, _) = &inner.kind
                && let ExprKind::Var(id) = object.kind
            {
                inside.push(id);
            }
            failing |= asks_for(project, at, inner);
        });
        if failing {
            self.failure.extend(named);
        } else {
            self.member.extend(inside);
        }
    }

    /// Whether the answer may be another by what a variable is: a member of it is asked for, or whether it tells of a failure
    /// while there is another answer for one.
    pub(super) fn is_tested(&self, id: VarId) -> bool {
        self.member.contains(&id) || (self.differs && self.failure.contains(&id))
    }
}

/// Whether a name or text in a test is about failing.
fn asks_for(project: &Project<'_>, at: FnRef, expr: &Expr) -> bool {
    let name = if let ExprKind::Str(text) = &expr.kind {
        text.to_string()
    } else if let ExprKind::Member(_, name) | ExprKind::Global(name) = &expr.kind {
        name.to_string()
    } else if let ExprKind::Var(_) = expr.kind {
        project.last_name(at, expr).unwrap_or_default()
    } else {
        return false;
    };
    words::words(&name)
        .iter()
        .any(|word| FAILING.contains(&word.as_str()))
}
