//! Loops that do the same again when it failed, and are left when it came to its end.

use crate::facts::{Block, Catch, Expr, ExprKind, Language, LoopKind, Pattern, Span, Stmt};
use crate::facts::{StmtKind, walk};
use crate::link::{Project, Site, callee_name};
use crate::vocabulary::Role;

use super::repeated::failures;

/// Errors after which nothing was sent.
const UNSENT: &[&str] = &[
    "ConnectError",
    "ConnectTimeout",
    "ConnectionRefusedError",
    "NewConnectionError",
    "PoolTimeout",
    "ClientConnectorError",
];

/// Whether a loop around a call is left by its success and goes on after its failure.
pub(super) fn again(project: &Project<'_>, site: &Site<'_>) -> bool {
    let Some(function) = project.function(site.at) else {
        return false;
    };
    let mut found = false;
    walk::around(&function.body, site.span, &mut |stmt| {
        if let StmtKind::Loop {
            kind,
            item,
            over,
            body,
        } = &stmt.kind
            && body.iter().any(|inner| inner.span.holds(site.span))
        {
            let turn = Turn {
                project,
                site,
                body,
                around: stmt.span,
            };
            let is_library = over.as_ref().is_some_and(|over| turn.is_library(over));
            let is_same = *kind != LoopKind::Each || turn.does_the_same(item.as_ref(), over);
            let goes_on = turn.goes_on();
            found |= is_library || (is_same && goes_on && turn.succeeds(over.as_ref()));
        }
    });
    found
}

/// One turn of a loop around a call.
struct Turn<'p, 'a> {
    project: &'p Project<'a>,
    site: &'p Site<'a>,
    body: &'a Block,
    around: Span,
}

impl<'a> Turn<'_, 'a> {
    /// `for attempt in Retrying(…): with attempt: …`.
    fn is_library(&self, over: &Expr) -> bool {
        let site = self.project.site_at(self.site.at, over);
        site.is_some_and(|site| site.role == Some(Role::Retry))
    }

    /// Whether each turn of a loop over items does the same: they only count, or what is called does not ask for them.
    fn does_the_same(&self, item: Option<&Pattern>, over: &Option<Expr>) -> bool {
        let counts = over.as_ref().is_some_and(|over| {
            let mut found = false;
            walk::each(over, &mut |inner| {
                let ranges = inner
                    .call()
                    .is_some_and(|call| matches!(callee_name(&call.callee), "range" | "xrange"));
                found |= ranges || matches!(inner.kind, ExprKind::Number(_));
            });
            found
        });
        let items: Vec<_> = item.map_or_else(Vec::new, Pattern::leaves);
        let items: Vec<_> = items.iter().filter_map(|leaf| leaf.variable()).collect();
        let mut used = false;
        walk::exprs(self.body, &mut |expr| {
            used |= matches!(expr.kind, ExprKind::Var(id) if items.contains(&id));
        });
        counts || !used
    }

    /// Whether the way past the call leaves the loop: by a `return`, a `break`, or a flag that its condition asks for.
    fn succeeds(&self, over: Option<&'a Expr>) -> bool {
        let failed: Vec<Span> = failures(self.project, self.site)
            .map(|failure| failure.span)
            .collect();
        let asked = over.map_or_else(Vec::new, |over| self.project.names_in(self.site.at, over));
        let mut found = false;
        walk::stmts(self.body, &mut |stmt| {
            let after = stmt.span.end >= self.site.span.end;
            if !after || failed.iter().any(|span| span.holds(stmt.span)) {
                return;
            }
            found |= matches!(stmt.kind, StmtKind::Return(_) | StmtKind::Break);
            if let StmtKind::Assign {
                target,
                value: Some(value),
            } = &stmt.kind
            {
                let name = self.project.target_name(self.site.at, target);
                let is_flag = matches!(value.kind, ExprKind::Bool(_));
                found |= is_flag && name.is_some_and(|name| asked.contains(&name));
            }
        });
        found
    }

    /// Whether a failure of the call comes to the next turn.
    fn goes_on(&self) -> bool {
        self.caught() || self.checked() || self.refused_by_number()
    }

    /// A `try` around the call in the loop, one of whose ways out goes on.
    fn caught(&self) -> bool {
        let mut found = false;
        walk::around(self.body, self.site.span, &mut |stmt| {
            if let StmtKind::Try { body, catches, .. } = &stmt.kind
                && body.iter().any(|inner| inner.span.holds(self.site.span))
            {
                found |= catches
                    .iter()
                    .any(|catch| !is_unsent(catch) && reaches_next(&catch.body));
            }
        });
        found
    }

    /// Go and Rust: a failure that is looked at inside the loop and does not leave it.
    fn checked(&self) -> bool {
        let language = self.project.language(self.site.at.file);
        if !matches!(language, Language::Go | Language::Rust) {
            return false;
        }
        let mut inside =
            failures(self.project, self.site).filter(|failure| self.around.holds(failure.span));
        let leaves = inside.any(|failure| failure.body.iter().any(is_leaving));
        !leaves && !self.is_propagated() && !self.is_given_back()
    }

    /// `if (answer.status >= 500) continue`: the other end may have done it before it failed.
    fn refused_by_number(&self) -> bool {
        let mut found = false;
        walk::stmts(self.body, &mut |stmt| {
            if stmt.span.start < self.site.span.start {
                return;
            }
            if let StmtKind::If { test, then, .. } = &stmt.kind {
                let numbers = numbers(test);
                let fails = numbers.iter().any(|number| (500.0..600.0).contains(number));
                found |= fails && continues(then);
            }
        });
        found
    }

    /// `return call().await` leaves the loop with whatever came.
    fn is_given_back(&self) -> bool {
        let mut found = false;
        walk::around(self.body, self.site.span, &mut |stmt| {
            if let StmtKind::Return(Some(value)) = &stmt.kind {
                found |= value.bare().span == self.site.span;
            }
        });
        found
    }

    /// `call().await?` gives the failure to the caller.
    fn is_propagated(&self) -> bool {
        let mut found = false;
        walk::around(self.body, self.site.span, &mut |stmt| {
            walk::own_exprs(stmt, &mut |expr| {
                let propagates = matches!(expr.kind, ExprKind::Propagate(_));
                found |= propagates && expr.span.holds(self.site.span);
            });
        });
        found
    }
}

fn is_leaving(stmt: &Stmt) -> bool {
    matches!(
        stmt.kind,
        StmtKind::Return(_) | StmtKind::Throw(_) | StmtKind::Break
    )
}

/// Whether only errors are caught after which nothing was sent.
fn is_unsent(catch: &Catch) -> bool {
    let mut names = Vec::new();
    for ty in &catch.types {
        walk::each(ty, &mut |inner| {
            if let ExprKind::Member(_, name) | ExprKind::Global(name) = &inner.kind
                && name.chars().next().is_some_and(char::is_uppercase)
            {
                names.push(name.clone());
            }
        });
    }
    !names.is_empty() && names.iter().all(|name| UNSENT.contains(&&**name))
}

/// Whether a way through a block of a failure comes to the next turn of the loop.
fn reaches_next(block: &Block) -> bool {
    let only_refused = block.iter().any(|stmt| {
        matches!(&stmt.kind, StmtKind::If { test, then, .. } if is_refusal(test) && then.iter().any(is_leaving))
    });
    !only_refused && (continues(block) || !block.iter().any(is_leaving))
}

/// Whether a block has a `continue` of its own, other than after an answer that says that nothing was done.
fn continues(block: &Block) -> bool {
    block.iter().any(|stmt| match &stmt.kind {
        StmtKind::Continue => true,
        StmtKind::If {
            test,
            then,
            otherwise,
        } => (!is_refusal(test) && continues(then)) || continues(otherwise),
        StmtKind::Try { body, catches, .. } => {
            continues(body) || catches.iter().any(|catch| continues(&catch.body))
        }
        StmtKind::With { body, .. } | StmtKind::Block(body) => continues(body),
        StmtKind::Match { arms, .. } => arms.iter().any(|arm| continues(&arm.body)),
        StmtKind::Expr(_)
        | StmtKind::Assign { .. }
        | StmtKind::Value(_)
        | StmtKind::Return(_)
        | StmtKind::Throw(_)
        | StmtKind::Loop { .. }
        | StmtKind::Select(_)
        | StmtKind::Defer(_)
        | StmtKind::Break => false,
    })
}

/// A test for answers by which the other end says that it did nothing: 401, 403, 429.
pub(super) fn is_refusal(test: &Expr) -> bool {
    let numbers = numbers(test);
    let mut answers = numbers.iter().filter(|number| **number >= 400.0).peekable();
    answers.peek().is_some()
        && answers.all(|number| [401.0, 403.0, 407.0, 425.0, 429.0].contains(number))
}

fn numbers(expr: &Expr) -> Vec<f64> {
    let mut all = Vec::new();
    walk::each(expr, &mut |inner| {
        if let ExprKind::Number(number) = inner.kind {
            all.push(number);
        }
    });
    all
}
