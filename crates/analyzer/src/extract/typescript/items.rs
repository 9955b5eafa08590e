//! Functions and classes.

use oxc_ast::ast::{
    Argument, ArrowFunctionExpression, Class as OxcClass, ClassElement, Decorator, Expression,
    FormalParameters, Function as OxcFunction, Statement, TSType, TSTypeAnnotation, TSTypeName,
};

use super::Lowering;
use super::expr::key;
use crate::facts::{
    Block, Call, CallForm, Class, ClassId, Expr, ExprKind, Field, FnId, Function, Method, Mode,
    Name, Param, Pattern, Stmt, StmtKind, Takes, VariableKind,
};

impl Lowering<'_> {
    /// A declared function: its name is a variable of the function around it.
    pub(super) fn declare_function(&mut self, function: &OxcFunction<'_>) -> FnId {
        let id = self.function(function, None);
        if let Some(name) = &function.id {
            self.declare(name.symbol_id.get(), Some(VariableKind::Function(id)));
        }
        id
    }

    pub(super) fn function(&mut self, function: &OxcFunction<'_>, class: Option<ClassId>) -> FnId {
        let name = function.id.as_ref().map_or("", |id| id.name.as_str());
        let mode = match (function.r#async, function.generator) {
            (true, _) => Mode::Async,
            (false, true) => Mode::Generator,
            (false, false) => Mode::Sync,
        };
        let id = self.open(name, class, mode, function.span);
        let outer = std::mem::replace(&mut self.owner, id);
        if let Some(own) = &function.id
            && function.is_expression()
        {
            self.declare(own.symbol_id.get(), Some(VariableKind::Function(id)));
        }
        let outside = std::mem::take(&mut self.before);
        let params = self.params(&function.params);
        let defaults = std::mem::replace(&mut self.before, outside);
        let returns = function
            .return_type
            .as_ref()
            .and_then(|ty| self.type_of(ty));
        let mut mode = mode;
        let body = match &function.body {
            Some(body) => match awaiter(&body.statements) {
                Some(inner) => {
                    mode = Mode::Async;
                    self.statements(inner)
                }
                None => self.statements(&body.statements),
            },
            None => Vec::new(),
        };
        let body = after(defaults, body);
        self.owner = outer;
        self.close(id, params, returns, body, mode);
        id
    }

    pub(super) fn arrow(&mut self, arrow: &ArrowFunctionExpression<'_>) -> FnId {
        let mode = if arrow.r#async {
            Mode::Async
        } else {
            Mode::Sync
        };
        let id = self.open("", None, mode, arrow.span);
        let outer = std::mem::replace(&mut self.owner, id);
        let outside = std::mem::take(&mut self.before);
        let params = self.params(&arrow.params);
        let defaults = std::mem::replace(&mut self.before, outside);
        let returns = arrow.return_type.as_ref().and_then(|ty| self.type_of(ty));
        let mut mode = mode;
        let body = match arrow.body.as_function_body() {
            Some(body) => match awaiter(&body.statements) {
                Some(inner) => {
                    mode = Mode::Async;
                    self.statements(inner)
                }
                None => self.statements(&body.statements),
            },
            None => match arrow.body.as_expression() {
                Some(value) => match awaiter_call(value) {
                    Some(inner) => {
                        mode = Mode::Async;
                        self.statements(inner)
                    }
                    None => {
                        let value = self.expr(value);
                        let span = value.span;
                        vec![Stmt::new(StmtKind::Return(Some(value)), span)]
                    }
                },
                None => Vec::new(),
            },
        };
        let body = after(defaults, body);
        self.owner = outer;
        self.close(id, params, returns, body, mode);
        id
    }

    pub(super) fn name_function(&mut self, id: FnId, name: &Name) {
        let at = usize::try_from(id.0).unwrap_or(usize::MAX);
        if let Some(function) = self.facts.functions.get_mut(at)
            && function.name.is_empty()
        {
            function.name = name.clone();
        }
    }

    fn open(
        &mut self,
        name: &str,
        class: Option<ClassId>,
        mode: Mode,
        span: oxc_span::Span,
    ) -> FnId {
        let id = FnId(u32::try_from(self.facts.functions.len()).unwrap_or(u32::MAX));
        self.facts.functions.push(Function {
            name: Name::from(name),
            parent: Some(self.owner),
            class,
            params: Vec::new(),
            mode,
            returns: None,
            decorators: Vec::new(),
            body: Vec::new(),
            span: self.span(span),
        });
        id
    }

    fn close(
        &mut self,
        id: FnId,
        params: Vec<Param>,
        returns: Option<Expr>,
        body: Vec<Stmt>,
        mode: Mode,
    ) {
        let at = usize::try_from(id.0).unwrap_or(usize::MAX);
        if let Some(function) = self.facts.functions.get_mut(at) {
            function.params = params;
            function.returns = returns;
            function.body = body;
            function.mode = mode;
        }
    }

    fn params(&mut self, params: &FormalParameters<'_>) -> Vec<Param> {
        let mut all = Vec::new();
        for (param, place) in params.items.iter().zip(0u32..) {
            let ty = param
                .type_annotation
                .as_ref()
                .and_then(|ty| self.type_of(ty));
            let pattern = self.binding(&param.pattern, Some(VariableKind::Parameter(place)));
            let default = param.initializer.as_ref().map(|value| self.expr(value));
            if let Pattern::Var(id) = &pattern {
                let at = usize::try_from(id.0).unwrap_or(usize::MAX);
                if let Some(variable) = self.facts.variables.get_mut(at) {
                    variable.ty.clone_from(&ty);
                }
            }
            all.push(Param {
                pattern,
                default,
                ty,
                takes: Takes::Own,
            });
        }
        if let Some(rest) = &params.rest {
            let pattern = self.binding(&rest.rest.argument, Some(VariableKind::Local));
            all.push(Param {
                pattern,
                default: None,
                ty: None,
                takes: Takes::Own,
            });
        }
        all
    }

    pub(super) fn class(&mut self, class: &OxcClass<'_>) -> ClassId {
        let id = ClassId(u32::try_from(self.facts.classes.len()).unwrap_or(u32::MAX));
        let variable = class
            .id
            .as_ref()
            .map(|name| self.declare(name.symbol_id.get(), Some(VariableKind::Class(id))));
        self.facts.classes.push(Class {
            name: Name::from(class.id.as_ref().map_or("", |name| name.name.as_str())),
            variable,
            bases: Vec::new(),
            methods: Vec::new(),
            fields: Vec::new(),
            decorators: Vec::new(),
            span: self.span(class.span),
        });
        let decorators = self.decorators(&class.decorators);
        let bases = class
            .heritage
            .as_ref()
            .map(|heritage| self.expr(&heritage.expression));
        let mut methods = Vec::new();
        let mut fields = Vec::new();
        for element in &class.body.body {
            match element {
                ClassElement::MethodDefinition(method) => {
                    if method.value.body.is_none() {
                        continue;
                    }
                    let function = self.function(&method.value, Some(id));
                    let name = key(&method.key).unwrap_or_else(|| Name::from(""));
                    self.name_function(function, &name);
                    let decorators = self.decorators(&method.decorators);
                    let at = usize::try_from(function.0).unwrap_or(usize::MAX);
                    if let Some(function) = self.facts.functions.get_mut(at) {
                        function.decorators = decorators;
                    }
                    if &*name == "constructor" {
                        self.parameter_properties(method, &mut fields);
                    }
                    methods.push(Method { name, function });
                }
                ClassElement::PropertyDefinition(property) => {
                    let name = key(&property.key).unwrap_or_else(|| Name::from(""));
                    let ty = property
                        .type_annotation
                        .as_ref()
                        .and_then(|ty| self.type_of(ty));
                    let before = self.facts.functions.len();
                    let value = property.value.as_ref().map(|value| self.expr(value));
                    // Functions in a field are methods in all but form.
                    if let Some(ExprKind::Function(function)) =
                        value.as_ref().map(|value| &value.kind)
                    {
                        let function = *function;
                        self.name_function(function, &name);
                        methods.push(Method {
                            name: name.clone(),
                            function,
                        });
                    }
                    for function in self.facts.functions.iter_mut().skip(before) {
                        function.class.get_or_insert(id);
                    }
                    let span = self.span(property.span);
                    fields.push(Field {
                        name,
                        value,
                        ty,
                        span,
                    });
                }
                ClassElement::StaticBlock(block) => {
                    let span = block.span;
                    let function = self.open("static", Some(id), Mode::Sync, span);
                    let outer = std::mem::replace(&mut self.owner, function);
                    let body = self.statements(&block.body);
                    self.owner = outer;
                    self.close(function, Vec::new(), None, body, Mode::Sync);
                    self.run_once(function, span);
                }
                _ => {}
            }
        }
        let at = usize::try_from(id.0).unwrap_or(usize::MAX);
        if let Some(class) = self.facts.classes.get_mut(at) {
            class.bases.extend(bases);
            class.decorators = decorators;
            class.methods = methods;
            class.fields = fields;
        }
        id
    }

    fn decorators(&mut self, decorators: &[Decorator<'_>]) -> Vec<Expr> {
        let written = decorators.iter();
        written
            .map(|decorator| self.expr(&decorator.expression))
            .collect()
    }

    /// A function that is called where it is written.
    fn run_once(&mut self, function: FnId, span: oxc_span::Span) {
        let call = ExprKind::Call(Box::new(Call {
            form: CallForm::Plain,
            callee: self.make(ExprKind::Function(function), span),
            args: Vec::new(),
        }));
        self.before.push(Stmt::new(
            StmtKind::Expr(self.make(call, span)),
            self.span(span),
        ));
    }

    /// `constructor(private pool: Pool)` declares a field.
    fn parameter_properties(
        &mut self,
        method: &oxc_ast::ast::MethodDefinition<'_>,
        fields: &mut Vec<Field>,
    ) {
        for param in &method.value.params.items {
            if param.accessibility.is_none() && !param.readonly {
                continue;
            }
            let ty = param
                .type_annotation
                .as_ref()
                .and_then(|ty| self.type_of(ty));
            for name in param.pattern.get_binding_identifiers() {
                let value = name.symbol_id.get().map(|symbol| {
                    self.make(
                        ExprKind::Var(crate::facts::VarId(super::var_of(symbol))),
                        name.span,
                    )
                });
                fields.push(Field {
                    name: Name::from(name.name.as_str()),
                    value,
                    ty: ty.clone(),
                    span: self.span(param.span),
                });
            }
        }
    }

    /// The name of a written type without its wrappers.
    pub(super) fn type_of(&mut self, annotation: &TSTypeAnnotation<'_>) -> Option<Expr> {
        self.type_name(&annotation.type_annotation, 0)
    }

    fn type_name(&mut self, ty: &TSType<'_>, depth: usize) -> Option<Expr> {
        if depth > 8 {
            return None;
        }
        match ty {
            TSType::TSTypeReference(reference) => {
                if let TSTypeName::IdentifierReference(name) = &reference.type_name
                    && matches!(
                        name.name.as_str(),
                        "Promise" | "Readonly" | "Partial" | "Awaited"
                    )
                {
                    let inner = reference.type_arguments.as_ref()?.params.first()?;
                    return self.type_name(inner, depth + 1);
                }
                self.type_path(&reference.type_name, depth + 1)
            }
            TSType::TSUnionType(union) => {
                let mut named = union.types.iter().filter(|ty| {
                    !matches!(ty, TSType::TSNullKeyword(_) | TSType::TSUndefinedKeyword(_))
                });
                let only = named.next()?;
                if named.next().is_some() {
                    return None;
                }
                self.type_name(only, depth + 1)
            }
            TSType::TSParenthesizedType(inner) => self.type_name(&inner.type_annotation, depth + 1),
            _ => None,
        }
    }

    pub(super) fn type_path(&mut self, name: &TSTypeName<'_>, depth: usize) -> Option<Expr> {
        if depth > 8 {
            return None;
        }
        match name {
            TSTypeName::IdentifierReference(name) => {
                let kind = self.identifier(name);
                Some(self.make(kind, name.span))
            }
            TSTypeName::QualifiedName(path) => {
                let left = self.type_path(&path.left, depth + 1)?;
                let kind = ExprKind::Member(Box::new(left), Name::from(path.right.name.as_str()));
                Some(self.make(kind, path.span))
            }
            TSTypeName::ThisExpression(_) => None,
        }
    }

    /// `exports.x = …` and `module.exports = …`.
    pub(super) fn common_export(&mut self, target: &Pattern, value: &Expr) {
        let Pattern::Place(place) = target else {
            return;
        };
        let ExprKind::Member(object, name) = &place.kind else {
            return;
        };
        let is = |expr: &Expr, text: &str| matches!(&expr.kind, ExprKind::Global(global) if &**global == text);
        if is(object, "exports") && !matches!(value.kind, ExprKind::Null) {
            self.export(name, value.clone());
        } else if is(object, "module") && &**name == "exports" {
            if let ExprKind::Object(entries) = &value.kind {
                for entry in entries {
                    if let Some(key) = &entry.key {
                        self.export(key, entry.value.clone());
                    }
                }
            }
            self.export("default", value.clone());
        } else if let ExprKind::Member(outer, inner) = &object.kind
            && is(outer, "module")
            && &**inner == "exports"
        {
            self.export(name, value.clone());
        }
    }
}

fn after(mut first: Block, then: Block) -> Block {
    first.extend(then);
    first
}

/// The body of an `async` function that a compiler made a generator: `return __awaiter(this, …, function* () { body })`.
fn awaiter<'b, 'a>(statements: &'b [Statement<'a>]) -> Option<&'b [Statement<'a>]> {
    let [Statement::ReturnStatement(only)] = statements else {
        return None;
    };
    awaiter_call(only.argument.as_ref()?)
}

fn awaiter_call<'b, 'a>(value: &'b Expression<'a>) -> Option<&'b [Statement<'a>]> {
    let Expression::CallExpression(call) = value else {
        return None;
    };
    let is_awaiter = match &call.callee {
        Expression::Identifier(name) => name.name.ends_with("__awaiter"),
        Expression::StaticMemberExpression(member) => member.property.name == "__awaiter",
        _ => false,
    };
    if !is_awaiter {
        return None;
    }
    let Some(Argument::FunctionExpression(function)) = call.arguments.last() else {
        return None;
    };
    function
        .body
        .as_ref()
        .map(|body| body.statements.as_slice())
}
