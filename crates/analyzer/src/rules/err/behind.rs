//! Where what a region put into variables is given back behind the region.
//!
//! A function can catch many failures and go on with each, so its statements are looked up by the variables that they name, and of a
//! variable that leads nowhere it is remembered from where on.

use std::collections::{BTreeSet, HashMap};

use crate::facts::{ExprKind, Language, Span, Stmt, StmtKind, VarId, walk};
use crate::link::{Failure, FnRef, Project};

use super::flow::{Flow, Held, Holds};

/// The statements of one function by the variables in them.
#[derive(Default)]
pub(super) struct Behind<'a> {
    of: Option<FnRef>,
    stmts: Vec<&'a Stmt>,
    /// Places in `stmts`, in their order.
    named: HashMap<VarId, Vec<usize>>,
    /// From where on nothing is given back of a variable that holds so much.
    quiet: HashMap<(VarId, Held), u32>,
}

impl<'a> Behind<'a> {
    /// The first place for which `leaves` says so, of the statements behind a region that give back what the region put into variables.
    pub(super) fn first(
        &mut self,
        flow: &mut Flow<'_, 'a>,
        failure: &Failure<'a>,
        mut leaves: impl FnMut(&Flow<'_, 'a>, &'a Stmt) -> Option<Span>,
    ) -> Option<Span> {
        let project = flow.project;
        if self.of != Some(failure.at) {
            self.read(project, failure.at);
        }
        let carries = matches!(
            project.language(failure.at.file),
            Language::Python | Language::TypeScript
        );
        let place = failure.span.end;
        let mut open = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut held: Vec<(VarId, Held)> = Vec::new();
        let mut fresh = flow.held();
        loop {
            for id in fresh.drain(..) {
                let Some(state) = flow.held_in(id) else {
                    continue;
                };
                let key = (id, state);
                if self.quiet.get(&key).is_some_and(|from| *from <= place) {
                    continue;
                }
                held.push(key);
                let named = self.named.get(&id).map_or(&[][..], Vec::as_slice);
                let behind = named.partition_point(|at| self.start(*at) < place);
                let named = named.get(behind..).unwrap_or_default().iter();
                open.extend(named.filter(|at| seen.insert((**at, id))).copied());
            }
            let Some(next) = open.pop_first() else { break };
            let Some(stmt) = self.stmts.get(next).copied() else {
                continue;
            };
            if let StmtKind::Return(Some(value)) = &stmt.kind
                && flow.holds(value) == Holds::Text
                && let Some(span) = leaves(flow, stmt)
            {
                return Some(span);
            }
            if carries {
                fresh = flow.take(stmt);
            }
        }
        for key in held {
            let from = self.quiet.entry(key).or_insert(place);
            *from = place.min(*from);
        }
        None
    }

    fn start(&self, at: usize) -> u32 {
        self.stmts.get(at).map_or(0, |stmt| stmt.span.start)
    }

    fn read(&mut self, project: &Project<'a>, at: FnRef) {
        *self = Self {
            of: Some(at),
            ..Self::default()
        };
        let Some(function) = project.function(at) else {
            return;
        };
        walk::stmts(&function.body, &mut |stmt| self.stmts.push(stmt));
        self.stmts.sort_by_key(|stmt| stmt.span.start);
        for (at, stmt) in self.stmts.iter().enumerate() {
            let mut ids = BTreeSet::new();
            names(stmt, &mut ids);
            for id in ids {
                self.named.entry(id).or_default().push(at);
            }
        }
    }
}

/// The variables in the expressions of a statement, those of a flow in it as well.
fn names(stmt: &Stmt, ids: &mut BTreeSet<VarId>) {
    walk::own_exprs(stmt, &mut |expr| {
        if let ExprKind::Var(id) = &expr.kind {
            ids.insert(*id);
        } else if let ExprKind::Flow(inner) = &expr.kind {
            names(inner, ids);
            for block in walk::blocks(inner) {
                walk::stmts(block, &mut |stmt| names(stmt, ids));
            }
        }
    });
}
