//! Expressions.

use oxc_ast::ast::{
    Argument, ArrayExpressionElement, BinaryOperator, CallExpression, ChainElement, Expression,
    IdentifierReference, LogicalOperator, ObjectPropertyKind, PropertyKey, SimpleAssignmentTarget,
    UnaryOperator,
};
use oxc_span::GetSpan;

use super::Lowering;
use crate::facts::{
    Arg, Call, CallForm, Compare, Entry, Expr, ExprKind, ImportItem, Logic, MAX_DEPTH, Name,
    Pattern, Reading, VarId, VariableKind, Why,
};

impl Lowering<'_> {
    pub(super) fn expr(&mut self, expr: &Expression<'_>) -> Expr {
        if self.depth >= MAX_DEPTH {
            self.facts.reading = Reading::Not(Why::TooDeep);
            return self.make(ExprKind::Opaque(Vec::new()), expr.span());
        }
        self.depth += 1;
        let kind = self.kind(expr);
        self.depth -= 1;
        self.make(kind, expr.span())
    }

    fn boxed(&mut self, expr: &Expression<'_>) -> Box<Expr> {
        Box::new(self.expr(expr))
    }

    fn kind(&mut self, expr: &Expression<'_>) -> ExprKind {
        match expr {
            Expression::BooleanLiteral(literal) => ExprKind::Bool(literal.value),
            Expression::NullLiteral(_) => ExprKind::Null,
            Expression::NumericLiteral(literal) => ExprKind::Number(literal.value),
            Expression::StringLiteral(literal) => ExprKind::Str(Name::from(literal.value.as_str())),
            Expression::TemplateLiteral(template) => {
                let texts = template.quasis.iter().map(|quasi| quasi.value.raw.as_str());
                if template.expressions.is_empty() {
                    return ExprKind::Str(Name::from(texts.collect::<String>()));
                }
                let mut parts = Vec::new();
                let mut values = template.expressions.iter();
                for (text, quasi) in texts.zip(&template.quasis) {
                    if !text.is_empty() {
                        parts.push(self.make(ExprKind::Str(Name::from(text)), quasi.span));
                    }
                    if let Some(value) = values.next() {
                        parts.push(self.expr(value));
                    }
                }
                ExprKind::Join(parts)
            }
            Expression::Identifier(name) => self.identifier(name),
            Expression::Super(_) => ExprKind::Super,
            Expression::ThisExpression(_) => ExprKind::This,
            Expression::ArrayExpression(array) => {
                let mut parts = Vec::new();
                for element in &array.elements {
                    match element {
                        ArrayExpressionElement::SpreadElement(spread) => {
                            let inner = self.boxed(&spread.argument);
                            parts.push(self.make(ExprKind::Spread(inner), spread.span));
                        }
                        ArrayExpressionElement::Elision(hole) => parts.push(self.null(hole.span)),
                        other => parts.extend(other.as_expression().map(|e| self.expr(e))),
                    }
                }
                ExprKind::List(parts)
            }
            Expression::ObjectExpression(object) => {
                ExprKind::Object(object.properties.iter().map(|p| self.entry(p)).collect())
            }
            Expression::ArrowFunctionExpression(arrow) => ExprKind::Function(self.arrow(arrow)),
            Expression::FunctionExpression(function) => {
                ExprKind::Function(self.function(function, None))
            }
            Expression::ClassExpression(class) => ExprKind::Class(self.class(class)),
            Expression::AssignmentExpression(assign) => {
                let target = self.target(&assign.left);
                let value = self.expr(&assign.right);
                self.common_export(&target, &value);
                ExprKind::Assign(Box::new(target), Box::new(value))
            }
            Expression::AwaitExpression(inner) => ExprKind::Await(self.boxed(&inner.argument)),
            Expression::YieldExpression(inner) => match &inner.argument {
                Some(argument) => ExprKind::Await(self.boxed(argument)),
                None => ExprKind::Null,
            },
            Expression::BinaryExpression(binary) => {
                self.binary(&binary.left, binary.operator, &binary.right)
            }
            Expression::LogicalExpression(logical) => {
                let logic = match logical.operator {
                    LogicalOperator::Or => Logic::Or,
                    LogicalOperator::And => Logic::And,
                    LogicalOperator::Coalesce => Logic::Coalesce,
                };
                ExprKind::Logic(logic, self.boxed(&logical.left), self.boxed(&logical.right))
            }
            Expression::ImportMeta(_) => ExprKind::Global(Name::from("import.meta")),
            Expression::CallExpression(call) => self.call(call),
            Expression::NewExpression(new) => {
                let callee = self.expr(&new.callee);
                let args = self.args(&new.arguments);
                ExprKind::Call(Box::new(Call {
                    form: CallForm::New,
                    callee,
                    args,
                }))
            }
            Expression::ImportExpression(import) => match &import.source {
                Expression::StringLiteral(source) => self.module(&source.value, source.span),
                other => ExprKind::Opaque(vec![self.expr(other)]),
            },
            Expression::ChainExpression(chain) => match &chain.expression {
                ChainElement::CallExpression(call) => self.call(call),
                ChainElement::TSNonNullExpression(inner) => self.kind(&inner.expression),
                other => match other.as_member_expression() {
                    Some(member) => self.member(member),
                    None => ExprKind::Opaque(Vec::new()),
                },
            },
            Expression::ConditionalExpression(choice) => ExprKind::Choice(
                self.boxed(&choice.test),
                self.boxed(&choice.consequent),
                self.boxed(&choice.alternate),
            ),
            Expression::ParenthesizedExpression(inner) => self.kind(&inner.expression),
            Expression::TSAsExpression(inner) => self.kind(&inner.expression),
            Expression::TSSatisfiesExpression(inner) => self.kind(&inner.expression),
            Expression::TSTypeAssertion(inner) => self.kind(&inner.expression),
            Expression::TSNonNullExpression(inner) => self.kind(&inner.expression),
            Expression::TSInstantiationExpression(inner) => self.kind(&inner.expression),
            Expression::SequenceExpression(sequence) => self.sequence(&sequence.expressions),
            Expression::TaggedTemplateExpression(tagged) => {
                let callee = self.expr(&tagged.tag);
                let args = tagged
                    .quasi
                    .expressions
                    .iter()
                    .map(|value| Arg {
                        name: None,
                        value: self.expr(value),
                    })
                    .collect();
                ExprKind::Call(Box::new(Call {
                    form: CallForm::Plain,
                    callee,
                    args,
                }))
            }
            Expression::UnaryExpression(unary) => match unary.operator {
                UnaryOperator::LogicalNot => ExprKind::Not(self.boxed(&unary.argument)),
                UnaryOperator::Void => match &unary.argument {
                    Expression::NumericLiteral(_) => ExprKind::Null,
                    argument => self.kind(argument),
                },
                _ => ExprKind::Opaque(vec![self.expr(&unary.argument)]),
            },
            Expression::UpdateExpression(update) => {
                let (old, target) = self.stepped(&update.argument);
                let value = self.make(ExprKind::Opaque(vec![old]), update.span);
                ExprKind::Assign(Box::new(target), Box::new(value))
            }
            Expression::JSXElement(_) | Expression::JSXFragment(_) => ExprKind::Opaque(Vec::new()),
            other => match other.as_member_expression() {
                Some(member) => self.member(member),
                None => ExprKind::Opaque(Vec::new()),
            },
        }
    }

    /// What `x++` looks at, and what it sets.
    fn stepped(&mut self, place: &SimpleAssignmentTarget<'_>) -> (Expr, Pattern) {
        let kind = match place {
            SimpleAssignmentTarget::AssignmentTargetIdentifier(name) => self.identifier(name),
            other => match other.as_member_expression() {
                Some(member) => self.member(member),
                None => ExprKind::Opaque(Vec::new()),
            },
        };
        let old = self.make(kind, place.span());
        let target = if let ExprKind::Var(id) = &old.kind {
            Pattern::Var(*id)
        } else {
            Pattern::Place(old.clone())
        };
        (old, target)
    }

    /// `(a, b)`; `(0, x.f)(…)` of compilers is `x.f`.
    fn sequence(&mut self, parts: &oxc_allocator::Vec<'_, Expression<'_>>) -> ExprKind {
        if let [Expression::NumericLiteral(_), last] = parts.as_slice() {
            return self.kind(last);
        }
        ExprKind::Opaque(parts.iter().map(|part| self.expr(part)).collect())
    }

    pub(super) fn identifier(&mut self, name: &IdentifierReference<'_>) -> ExprKind {
        if let Some(id) = self.variable_of(name) {
            return ExprKind::Var(id);
        }
        match name.name.as_str() {
            "undefined" => ExprKind::Null,
            text => ExprKind::Global(Name::from(text)),
        }
    }

    pub(super) fn variable_of(&self, name: &IdentifierReference<'_>) -> Option<VarId> {
        let reference = self.scoping.get_reference(name.reference_id.get()?);
        Some(VarId(super::var_of(reference.symbol_id()?)))
    }

    pub(super) fn member(&mut self, member: &oxc_ast::ast::MemberExpression<'_>) -> ExprKind {
        use oxc_ast::ast::MemberExpression as M;
        match member {
            M::StaticMemberExpression(inner) => {
                let object = self.boxed(&inner.object);
                // `globalThis.process` is `process`.
                if let ExprKind::Global(name) = &object.kind
                    && matches!(&**name, "globalThis" | "global")
                {
                    return ExprKind::Global(Name::from(inner.property.name.as_str()));
                }
                ExprKind::Member(object, Name::from(inner.property.name.as_str()))
            }
            M::PrivateFieldExpression(inner) => {
                let name = format!("#{}", inner.field.name);
                ExprKind::Member(self.boxed(&inner.object), Name::from(name))
            }
            M::ComputedMemberExpression(inner) => {
                let object = self.boxed(&inner.object);
                let index = self.expr(&inner.expression);
                match &index.kind {
                    ExprKind::Str(key) => ExprKind::Member(object, key.clone()),
                    _ => ExprKind::Index(object, Box::new(index)),
                }
            }
        }
    }

    fn binary(
        &mut self,
        left: &Expression<'_>,
        operator: BinaryOperator,
        right: &Expression<'_>,
    ) -> ExprKind {
        let compare = match operator {
            BinaryOperator::Equality | BinaryOperator::StrictEquality => Compare::Equal,
            BinaryOperator::Inequality | BinaryOperator::StrictInequality => Compare::NotEqual,
            BinaryOperator::LessThan
            | BinaryOperator::LessEqualThan
            | BinaryOperator::GreaterThan
            | BinaryOperator::GreaterEqualThan => Compare::Order,
            BinaryOperator::In | BinaryOperator::Instanceof => Compare::Inside,
            BinaryOperator::Addition => return self.addition(left, right),
            _ => return ExprKind::Opaque(vec![self.expr(left), self.expr(right)]),
        };
        ExprKind::Compare(compare, self.boxed(left), self.boxed(right))
    }

    /// `"a" + b + c` as one join; sums of anything else are opaque.
    fn addition(&mut self, left: &Expression<'_>, right: &Expression<'_>) -> ExprKind {
        // Long sums nest to the left; they are taken apart without recursion.
        let mut parts = vec![right];
        let mut at = left;
        while let Expression::BinaryExpression(inner) = at {
            if inner.operator != BinaryOperator::Addition {
                break;
            }
            parts.push(&inner.right);
            at = &inner.left;
        }
        parts.push(at);
        parts.reverse();
        let parts: Vec<Expr> = parts.into_iter().map(|part| self.expr(part)).collect();
        let text = parts
            .iter()
            .any(|part| matches!(part.kind, ExprKind::Str(_) | ExprKind::Join(_)));
        if text {
            ExprKind::Join(parts)
        } else {
            ExprKind::Opaque(parts)
        }
    }

    fn call(&mut self, call: &CallExpression<'_>) -> ExprKind {
        if self.is_require(&call.callee)
            && let [Argument::StringLiteral(source)] = call.arguments.as_slice()
        {
            return self.module(&source.value, call.span);
        }
        let callee = self.expr(&call.callee);
        let args = self.args(&call.arguments);
        ExprKind::Call(Box::new(Call {
            form: CallForm::Plain,
            callee,
            args,
        }))
    }

    /// `require`, also one that was made: `createRequire(import.meta.url)`.
    fn is_require(&self, callee: &Expression<'_>) -> bool {
        match callee {
            Expression::Identifier(name) if name.name == "require" => {
                let kind = self.variable_of(name).and_then(|id| {
                    let at = usize::try_from(id.0).ok()?;
                    Some(self.facts.variables.get(at)?.kind)
                });
                !matches!(kind, Some(VariableKind::Parameter(_)))
            }
            Expression::CallExpression(made) => match &made.callee {
                Expression::Identifier(name) => name.name == "createRequire",
                Expression::StaticMemberExpression(member) => {
                    member.property.name == "createRequire"
                }
                _ => false,
            },
            _ => false,
        }
    }

    pub(super) fn module(&mut self, source: &str, span: oxc_span::Span) -> ExprKind {
        let span = self.span(span);
        self.import(source, ImportItem::All, span);
        ExprKind::Module(Name::from(source))
    }

    fn args(&mut self, arguments: &oxc_allocator::Vec<'_, Argument<'_>>) -> Vec<Arg> {
        let mut args = Vec::new();
        for argument in arguments {
            let value = match argument {
                Argument::SpreadElement(spread) => {
                    let inner = self.boxed(&spread.argument);
                    Some(self.make(ExprKind::Spread(inner), spread.span))
                }
                other => other.as_expression().map(|e| self.expr(e)),
            };
            args.extend(value.map(|value| Arg { name: None, value }));
        }
        args
    }

    fn entry(&mut self, property: &ObjectPropertyKind<'_>) -> Entry {
        match property {
            ObjectPropertyKind::ObjectProperty(property) => {
                let key = if property.computed {
                    None
                } else {
                    key(&property.key)
                };
                let value = self.expr(&property.value);
                if let (ExprKind::Function(id), Some(name)) = (&value.kind, &key) {
                    self.name_function(*id, name);
                }
                Entry { key, value }
            }
            ObjectPropertyKind::SpreadProperty(spread) => {
                let inner = self.boxed(&spread.argument);
                Entry {
                    key: None,
                    value: self.make(ExprKind::Spread(inner), spread.span),
                }
            }
        }
    }
}

/// A key that is a plain name or text.
pub(super) fn key(key: &PropertyKey<'_>) -> Option<Name> {
    match key {
        PropertyKey::StaticIdentifier(name) => Some(Name::from(name.name.as_str())),
        PropertyKey::PrivateIdentifier(name) => Some(Name::from(format!("#{}", name.name))),
        PropertyKey::StringLiteral(text) => Some(Name::from(text.value.as_str())),
        _ => None,
    }
}
