//! The left sides of bindings and assignments.

use oxc_ast::ast::{
    AssignmentTarget, AssignmentTargetMaybeDefault, AssignmentTargetProperty, BindingPattern,
    Expression,
};
use oxc_span::GetSpan;

use super::Lowering;
use super::expr::key;
use crate::facts::{Expr, ExprKind, Name, Pattern, Stmt, StmtKind, VariableKind};

impl Lowering<'_> {
    pub(super) fn binding(
        &mut self,
        pattern: &BindingPattern<'_>,
        kind: Option<VariableKind>,
    ) -> Pattern {
        match pattern {
            BindingPattern::BindingIdentifier(name) => {
                Pattern::Var(self.declare(name.symbol_id.get(), kind))
            }
            BindingPattern::ObjectPattern(object) => {
                let kind = inner(kind);
                let mut parts = Vec::new();
                for property in &object.properties {
                    let name = key(&property.key).unwrap_or_else(|| Name::from("?"));
                    parts.push((name, self.binding(&property.value, kind)));
                }
                if let Some(rest) = &object.rest {
                    parts.push((Name::from("..."), self.binding(&rest.argument, kind)));
                }
                Pattern::Object(parts)
            }
            BindingPattern::ArrayPattern(array) => {
                let kind = inner(kind);
                let parts = array
                    .elements
                    .iter()
                    .map(|element| match element {
                        Some(element) => self.binding(element, kind),
                        None => Pattern::Any,
                    })
                    .collect();
                Pattern::List(parts)
            }
            BindingPattern::AssignmentPattern(inner) => {
                let left = self.binding(&inner.left, kind);
                self.default(&left, &inner.right);
                left
            }
        }
    }

    pub(super) fn target(&mut self, target: &AssignmentTarget<'_>) -> Pattern {
        match target {
            AssignmentTarget::AssignmentTargetIdentifier(name) => match self.variable_of(name) {
                Some(id) => Pattern::Var(id),
                None => {
                    let kind = ExprKind::Global(Name::from(name.name.as_str()));
                    Pattern::Place(self.make(kind, name.span))
                }
            },
            AssignmentTarget::ArrayAssignmentTarget(array) => {
                let parts = array
                    .elements
                    .iter()
                    .map(|element| match element {
                        Some(element) => self.maybe_default(element),
                        None => Pattern::Any,
                    })
                    .collect();
                Pattern::List(parts)
            }
            AssignmentTarget::ObjectAssignmentTarget(object) => {
                let mut parts = Vec::new();
                for property in &object.properties {
                    match property {
                        AssignmentTargetProperty::AssignmentTargetPropertyIdentifier(name) => {
                            let part = match self.variable_of(&name.binding) {
                                Some(id) => Pattern::Var(id),
                                None => Pattern::Any,
                            };
                            parts.push((Name::from(name.binding.name.as_str()), part));
                        }
                        AssignmentTargetProperty::AssignmentTargetPropertyProperty(property) => {
                            let name = key(&property.name).unwrap_or_else(|| Name::from("?"));
                            parts.push((name, self.maybe_default(&property.binding)));
                        }
                    }
                }
                Pattern::Object(parts)
            }
            other => match other
                .as_simple_assignment_target()
                .and_then(|t| t.as_member_expression())
            {
                Some(member) => {
                    let kind = self.member(member);
                    Pattern::Place(Expr {
                        kind,
                        span: self.span(other.span()),
                    })
                }
                None => Pattern::Any,
            },
        }
    }

    /// A part that is not given has this value; what is given comes after it.
    fn default(&mut self, target: &Pattern, value: &Expression<'_>) {
        let span = self.span_of(value);
        let value = self.expr(value);
        self.before.push(Stmt::new(
            StmtKind::Assign {
                target: target.clone(),
                value: Some(value),
            },
            span,
        ));
    }

    fn maybe_default(&mut self, target: &AssignmentTargetMaybeDefault<'_>) -> Pattern {
        match target {
            AssignmentTargetMaybeDefault::AssignmentTargetWithDefault(inner) => {
                let target = self.target(&inner.binding);
                self.default(&target, &inner.init);
                target
            }
            other => other
                .as_assignment_target()
                .map_or(Pattern::Any, |t| self.target(t)),
        }
    }
}

/// Parts of a parameter are locals that get their value from it.
fn inner(kind: Option<VariableKind>) -> Option<VariableKind> {
    match kind {
        Some(VariableKind::Parameter(_)) => Some(VariableKind::Local),
        other => other,
    }
}
