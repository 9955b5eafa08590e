//! Loggers that are chosen by the transport: `transport === "stdio" ? quiet : loud`.

use std::collections::{BTreeMap, BTreeSet};

use crate::budget;
use crate::facts::{Compare, Expr, ExprKind, Language, Pattern, StmtKind, VarId, walk};
use crate::link::{FnRef, Project, Site};

/// The functions that make what is only used where another transport than stdio was chosen.
#[derive(Debug, Default)]
pub(super) struct Chosen(BTreeSet<FnRef>);

impl Chosen {
    /// Looks at each file once.
    pub(super) fn of(project: &Project<'_>) -> Self {
        let mut all = Self::default();
        for (file, at) in project.files.iter().zip(0u32..) {
            if file.language != Language::TypeScript {
                continue;
            }
            budget::on(at);
            let (mut uses, mut others) = (BTreeMap::new(), BTreeMap::new());
            for function in &file.functions {
                walk::exprs(&function.body, &mut |expr| {
                    if let ExprKind::Var(id) = expr.kind {
                        *uses.entry(id).or_insert(0usize) += 1;
                    }
                    if let ExprKind::Choice(test, then, otherwise) = &expr.kind
                        && let Some(for_stdio) = asks(test)
                    {
                        count(if for_stdio { otherwise } else { then }, &mut others);
                    }
                });
            }
            let only = |id: &VarId| {
                others
                    .get(id)
                    .is_some_and(|count| uses.get(id) == Some(count))
            };
            if others.keys().any(only) {
                all.makers(project, FnRef::module(at), &only);
            }
        }
        all
    }

    /// The functions that stand in the values of such variables, or are called for them.
    fn makers(&mut self, project: &Project<'_>, module: FnRef, only: &dyn Fn(&VarId) -> bool) {
        let Some(function) = project.function(module) else {
            return;
        };
        walk::stmts(&function.body, &mut |stmt| {
            let StmtKind::Assign {
                target: Pattern::Var(id),
                value: Some(value),
            } = &stmt.kind
            else {
                return;
            };
            let chosen = only(id);
            walk::each(value, &mut |inner| {
                let mut made: Vec<FnRef> = Vec::new();
                if let ExprKind::Function(id) = inner.kind {
                    made.push(module.beside(id));
                } else if let Some(site) = project
                    .site_at(module, inner)
                    .filter(|_| inner.call().is_some())
                {
                    made.extend(&site.targets);
                }
                for function in made {
                    if chosen {
                        self.0.insert(function);
                    }
                }
            });
        });
        // What makes something else as well is used elsewhere too.
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Assign {
                target: Pattern::Var(id),
                value: Some(value),
            } = &stmt.kind
                && !only(id)
            {
                walk::each(value, &mut |inner| {
                    if let Some(site) = project
                        .site_at(module, inner)
                        .filter(|_| inner.call().is_some())
                    {
                        for target in &site.targets {
                            self.0.remove(target);
                        }
                    }
                });
            }
        });
    }

    /// Whether a call stands in one of them.
    pub(super) fn holds(&self, project: &Project<'_>, site: &Site<'_>) -> bool {
        !self.0.is_empty() && project.outward(site.at).any(|(at, _)| self.0.contains(&at))
    }
}

fn count(expr: &Expr, all: &mut BTreeMap<VarId, usize>) {
    walk::each(expr, &mut |inner| {
        if let ExprKind::Var(id) = inner.kind {
            *all.entry(id).or_insert(0usize) += 1;
        }
    });
}

/// Whether a test asks for stdio, or for not stdio; nothing where it asks for something else.
fn asks(test: &Expr) -> Option<bool> {
    let ExprKind::Compare(compare, left, right) = &test.kind else {
        return None;
    };
    let text = left.text().or_else(|| right.text())?;
    let equal = match compare {
        Compare::Equal => true,
        Compare::NotEqual => false,
        Compare::Order | Compare::Inside | Compare::Outside => return None,
    };
    (&**text == "stdio").then_some(equal)
}
