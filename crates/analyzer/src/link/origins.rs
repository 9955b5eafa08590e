//! Where a value that is closed comes from: of two pools of one library the one that is closed is not the other.

use std::collections::BTreeSet;

use crate::facts::{Expr, ExprKind, Logic, VariableKind};
use crate::vocabulary::Role;

use super::bindings::{Part, Set};
use super::{FnRef, Project, SiteId, Value, VarRef};

/// Variables, fields and calls through which a value is followed back.
const MAX_STEPS: usize = 6;

impl<'a> Project<'a> {
    /// The calls whose values an expression may be, where every way to it was followed; else `None`.
    pub fn origins(&self, at: FnRef, value: &'a Expr) -> Option<BTreeSet<SiteId>> {
        let mut found = BTreeSet::new();
        let known = self.comes_from(at, value, MAX_STEPS, &mut found);
        known.filter(|()| !found.is_empty()).map(|()| found)
    }

    /// Adds the calls that gave a value; `None` where a way is not known.
    fn comes_from(
        &self,
        at: FnRef,
        expr: &'a Expr,
        left: usize,
        found: &mut BTreeSet<SiteId>,
    ) -> Option<()> {
        let left = left.checked_sub(1)?;
        let expr = expr.bare();
        if let ExprKind::Var(id) = expr.kind {
            self.held_by(at.variable(id), left, found)
        } else if let ExprKind::Member(object, name) = &expr.kind {
            let mut fields = Vec::new();
            for value in self.values(at, object) {
                let Value::Instance(class) = value else {
                    return None;
                };
                let declared = self.class(class)?;
                let module = FnRef::module(class.file);
                let own = declared.fields.iter().filter(|field| field.name == *name);
                fields.extend(own.filter_map(|field| Some((module, field.value.as_ref()?))));
                let sets = self.bindings.field(class.file, &declared.name, name);
                for set in sets {
                    fields.push((set.at, whole(set)?));
                }
            }
            self.all_from(fields, left, found)
        } else if let ExprKind::Logic(Logic::Or | Logic::Coalesce, one, other) = &expr.kind {
            self.all_from([(at, &**one), (at, &**other)], left, found)
        } else if let ExprKind::Choice(_, one, other) = &expr.kind {
            self.all_from([(at, &**one), (at, &**other)], left, found)
        } else if let ExprKind::Assign(_, value) = &expr.kind {
            self.comes_from(at, value, left, found)
        } else if let ExprKind::Call(call) = &expr.kind {
            let made = self.site_at(at, expr)?;
            if made.role? == Role::Same {
                let inner = call.receiver().or_else(|| call.arg(0))?;
                return self.comes_from(at, inner, left, found);
            }
            found.extend(self.sites_within(at, expr.span).map(|site| site.id));
            Some(())
        } else {
            None
        }
    }

    fn held_by(&self, variable: VarRef, left: usize, found: &mut BTreeSet<SiteId>) -> Option<()> {
        let variable = self.imported(variable).unwrap_or(variable);
        let declared = self.variable(variable)?;
        let is_own = matches!(declared.kind, VariableKind::Local | VariableKind::Constant);
        if !is_own || self.bindings.is_cut(variable) {
            return None;
        }
        let sets = self.bindings.values(variable).iter();
        let values: Option<Vec<_>> = sets.map(|set| Some((set.at, whole(set)?))).collect();
        self.all_from(values?, left, found)
    }

    fn all_from(
        &self,
        values: impl IntoIterator<Item = (FnRef, &'a Expr)>,
        left: usize,
        found: &mut BTreeSet<SiteId>,
    ) -> Option<()> {
        let mut some = None;
        for (at, value) in values {
            some = Some(self.comes_from(at, value, left, found)?);
        }
        some
    }
}

/// The value that a name is set to, as a whole or, of Go's results, as the first.
fn whole<'a>(set: &Set<'a>) -> Option<&'a Expr> {
    matches!(&*set.part, [] | [Part::Place(0)]).then_some(set.value)
}
