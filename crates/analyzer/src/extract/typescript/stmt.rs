//! Statements and declarations at the top of a file.

use oxc_ast::ast::{
    Declaration, ExportDefaultDeclarationKind, Expression, ForOfStatement, ForStatementInit,
    ForStatementLeft, ImportDeclarationSpecifier, ModuleExportName, Statement, VariableDeclaration,
};
use oxc_span::GetSpan;

use super::Lowering;
use crate::facts::{
    Arm, Block, Catch, Expr, ExprKind, ImportItem, LoopKind, MAX_DEPTH, Name, Pattern, Reading,
    Stmt, StmtKind, VariableKind, Why,
};

impl Lowering<'_> {
    pub(super) fn statements(&mut self, statements: &[Statement<'_>]) -> Block {
        let mut block = Vec::new();
        for statement in statements {
            self.statement(statement, &mut block);
        }
        block
    }

    fn one(&mut self, statement: &Statement<'_>) -> Block {
        let mut block = Vec::new();
        if let Statement::BlockStatement(inner) = statement {
            return self.statements(&inner.body);
        }
        self.statement(statement, &mut block);
        block
    }

    fn statement(&mut self, statement: &Statement<'_>, out: &mut Block) {
        if self.depth >= MAX_DEPTH {
            self.facts.reading = Reading::Not(Why::TooDeep);
            return;
        }
        self.depth += 1;
        let span = self.span(statement.span());
        let outside = std::mem::take(&mut self.before);
        let place = out.len();
        if let Some(kind) = self.statement_kind(statement, out) {
            out.push(Stmt::new(kind, span));
        }
        let before = std::mem::replace(&mut self.before, outside);
        out.splice(place..place, before);
        self.depth -= 1;
    }

    fn statement_kind(&mut self, statement: &Statement<'_>, out: &mut Block) -> Option<StmtKind> {
        Some(match statement {
            Statement::BlockStatement(inner) => StmtKind::Block(self.statements(&inner.body)),
            Statement::BreakStatement(_) => StmtKind::Break,
            Statement::ContinueStatement(_) => StmtKind::Continue,
            Statement::DoWhileStatement(inner) => self.turns(&inner.test, &inner.body),
            Statement::WhileStatement(inner) => self.turns(&inner.test, &inner.body),
            Statement::ExpressionStatement(inner) => self.effect(&inner.expression),
            Statement::ForInStatement(inner) => StmtKind::Loop {
                kind: LoopKind::Each,
                item: Some(self.each(&inner.left)),
                over: Some(Expr {
                    kind: ExprKind::Opaque(vec![self.expr(&inner.right)]),
                    span: self.span_of(&inner.right),
                }),
                body: self.one(&inner.body),
            },
            Statement::ForOfStatement(inner) => StmtKind::Loop {
                kind: LoopKind::Each,
                item: Some(self.each(&inner.left)),
                over: Some(self.each_of(inner)),
                body: self.one(&inner.body),
            },
            Statement::ForStatement(inner) => {
                match &inner.init {
                    Some(ForStatementInit::VariableDeclaration(declared)) => {
                        self.variables(declared, out)
                    }
                    Some(other) => {
                        if let Some(expr) = other.as_expression() {
                            let kind = self.effect(expr);
                            out.push(Stmt::new(kind, self.span_of(expr)));
                        }
                    }
                    None => {}
                }
                let over = inner.test.as_ref().map(|test| self.expr(test));
                let mut body = self.one(&inner.body);
                if let Some(update) = &inner.update {
                    let kind = self.effect(update);
                    body.push(Stmt::new(kind, self.span_of(update)));
                }
                let kind = if over.is_some() {
                    LoopKind::While
                } else {
                    LoopKind::Forever
                };
                StmtKind::Loop {
                    kind,
                    item: None,
                    over,
                    body,
                }
            }
            Statement::IfStatement(inner) => StmtKind::If {
                test: self.expr(&inner.test),
                then: self.one(&inner.consequent),
                otherwise: inner
                    .alternate
                    .as_ref()
                    .map_or_else(Vec::new, |other| self.one(other)),
            },
            Statement::LabeledStatement(inner) => {
                self.statement(&inner.body, out);
                return None;
            }
            Statement::ReturnStatement(inner) => {
                StmtKind::Return(inner.argument.as_ref().map(|value| self.expr(value)))
            }
            Statement::SwitchStatement(inner) => {
                let subject = self.expr(&inner.discriminant);
                let mut arms = Vec::new();
                for case in &inner.cases {
                    let pattern = match &case.test {
                        Some(test) => Pattern::Value(self.expr(test)),
                        None => Pattern::Any,
                    };
                    arms.push(Arm {
                        pattern,
                        test: None,
                        body: self.statements(&case.consequent),
                        span: self.span(case.span),
                    });
                }
                StmtKind::Match { subject, arms }
            }
            Statement::ThrowStatement(inner) => StmtKind::Throw(Some(self.expr(&inner.argument))),
            Statement::TryStatement(inner) => {
                let body = self.statements(&inner.block.body);
                let mut catches = Vec::new();
                if let Some(handler) = &inner.handler {
                    let binding = handler
                        .param
                        .as_ref()
                        .map(|param| self.binding(&param.pattern, Some(VariableKind::Caught)));
                    catches.push(Catch {
                        binding,
                        types: Vec::new(),
                        body: self.statements(&handler.body.body),
                        span: self.span(handler.span),
                    });
                }
                let finally = inner
                    .finalizer
                    .as_ref()
                    .map_or_else(Vec::new, |block| self.statements(&block.body));
                StmtKind::Try {
                    body,
                    catches,
                    finally,
                }
            }
            Statement::VariableDeclaration(declared) => {
                self.variables(declared, out);
                return None;
            }
            Statement::FunctionDeclaration(function) => {
                self.declare_function(function);
                return None;
            }
            Statement::ClassDeclaration(class) => {
                self.class(class);
                return None;
            }
            other => return self.module_item(other, out),
        })
    }

    fn module_item(&mut self, statement: &Statement<'_>, out: &mut Block) -> Option<StmtKind> {
        match statement {
            Statement::ImportDeclaration(import) => self.import_declaration(import),
            Statement::ExportDeclaration(export) => self.declaration(&export.declaration, out),
            Statement::ExportNamedDeclaration(export) => {
                for specifier in &export.specifiers {
                    if let ModuleExportName::IdentifierReference(local) = &specifier.local {
                        let kind = self.identifier(local);
                        let value = self.make(kind, specifier.span);
                        self.export(specifier.exported.name().as_str(), value);
                    }
                }
            }
            Statement::ExportFromDeclaration(export) => {
                let span = self.span(export.span);
                self.import(&export.source.value, ImportItem::All, span);
                for specifier in &export.specifiers {
                    let source = ExprKind::Module(Name::from(export.source.value.as_str()));
                    let module = Box::new(self.make(source, specifier.span));
                    let local = Name::from(specifier.local.name().as_str());
                    let value = self.make(ExprKind::Member(module, local), specifier.span);
                    self.export(specifier.exported.name().as_str(), value);
                }
            }
            Statement::ExportAllDeclaration(export) => {
                let span = self.span(export.span);
                self.import(&export.source.value, ImportItem::All, span);
                let source = ExprKind::Module(Name::from(export.source.value.as_str()));
                let value = self.make(source, export.span);
                let name = export.exported.as_ref().map(|name| name.name().to_string());
                self.export(name.as_deref().unwrap_or("*"), value);
            }
            Statement::ExportDefaultDeclaration(export) => {
                let span = export.span;
                let kind = match &export.declaration {
                    ExportDefaultDeclarationKind::FunctionDeclaration(function) => {
                        ExprKind::Function(self.declare_function(function))
                    }
                    ExportDefaultDeclarationKind::ClassDeclaration(class) => {
                        ExprKind::Class(self.class(class))
                    }
                    other => match other.as_expression() {
                        Some(expr) => self.expr(expr).kind,
                        None => ExprKind::Null,
                    },
                };
                let value = self.make(kind, span);
                if matches!(value.kind, ExprKind::Call(_) | ExprKind::Await(_)) {
                    out.push(Stmt::new(StmtKind::Expr(value.clone()), value.span));
                }
                self.export("default", value);
            }
            Statement::TSImportEqualsDeclaration(import) => {
                self.import_equals(import, out);
            }
            Statement::TSNamespaceDeclaration(namespace) => {
                self.namespace(namespace, out);
            }
            Statement::TSExportAssignment(export) => {
                let value = self.expr(&export.expression);
                self.export("default", value);
            }
            _ => {}
        }
        None
    }

    fn import_declaration(&mut self, import: &oxc_ast::ast::ImportDeclaration<'_>) {
        // Imports of types count as well: a type names what a value of it is.
        let span = self.span(import.span);
        let source = import.source.value.as_str();
        let Some(specifiers) = &import.specifiers else {
            self.import(source, ImportItem::All, span);
            return;
        };
        for specifier in specifiers {
            let (item, local) = match specifier {
                ImportDeclarationSpecifier::ImportSpecifier(inner) => (
                    ImportItem::Named(Name::from(inner.imported.name().as_str())),
                    &inner.local,
                ),
                ImportDeclarationSpecifier::ImportDefaultSpecifier(inner) => {
                    (ImportItem::Default, &inner.local)
                }
                ImportDeclarationSpecifier::ImportNamespaceSpecifier(inner) => {
                    (ImportItem::Module, &inner.local)
                }
            };
            let id = self.import(source, item, span);
            self.declare(local.symbol_id.get(), Some(VariableKind::Import(id)));
        }
    }

    fn declaration(&mut self, declaration: &Declaration<'_>, out: &mut Block) {
        match declaration {
            Declaration::VariableDeclaration(declared) => {
                self.variables(declared, out);
                for declarator in &declared.declarations {
                    for name in declarator.id.get_binding_identifiers() {
                        if let Some(symbol) = name.symbol_id.get() {
                            let kind = ExprKind::Var(crate::facts::VarId(super::var_of(symbol)));
                            let value = self.make(kind, name.span);
                            self.export(name.name.as_str(), value);
                        }
                    }
                }
            }
            Declaration::FunctionDeclaration(function) => {
                let id = self.declare_function(function);
                let value = self.make(ExprKind::Function(id), function.span);
                if let Some(name) = &function.id {
                    self.export(name.name.as_str(), value);
                }
            }
            Declaration::ClassDeclaration(class) => {
                let id = self.class(class);
                let value = self.make(ExprKind::Class(id), class.span);
                if let Some(name) = &class.id {
                    self.export(name.name.as_str(), value);
                }
            }
            Declaration::TSImportEqualsDeclaration(import) => {
                let value = self.import_equals(import, out);
                self.export(import.id.name.as_str(), value);
            }
            Declaration::TSNamespaceDeclaration(namespace) => {
                if let Some(value) = self.namespace(namespace, out) {
                    self.export(namespace.id.name.as_str(), value);
                }
            }
            _ => {}
        }
    }

    fn turns(&mut self, test: &Expression<'_>, body: &Statement<'_>) -> StmtKind {
        let over = self.expr(test);
        let forever = matches!(over.kind, ExprKind::Bool(true));
        StmtKind::Loop {
            kind: if forever {
                LoopKind::Forever
            } else {
                LoopKind::While
            },
            item: None,
            over: Some(over),
            body: self.one(body),
        }
    }

    /// `for await` waits for each of them.
    fn each_of(&mut self, each: &ForOfStatement<'_>) -> Expr {
        let over = self.expr(&each.right);
        if !each.r#await {
            return over;
        }
        let span = over.span;
        Expr {
            kind: ExprKind::Await(Box::new(over)),
            span,
        }
    }

    fn each(&mut self, left: &ForStatementLeft<'_>) -> Pattern {
        match left {
            ForStatementLeft::VariableDeclaration(declared) => declared
                .declarations
                .first()
                .map_or(Pattern::Any, |declarator| {
                    self.binding(&declarator.id, None)
                }),
            other => other
                .as_assignment_target()
                .map_or(Pattern::Any, |target| self.target(target)),
        }
    }

    /// An expression for its effects: assignments are statements of their own.
    fn effect(&mut self, expr: &Expression<'_>) -> StmtKind {
        let value = self.expr(expr);
        match value.kind {
            ExprKind::Assign(target, value) => StmtKind::Assign {
                target: *target,
                value: Some(*value),
            },
            kind => StmtKind::Expr(Expr {
                kind,
                span: value.span,
            }),
        }
    }

    fn variables(&mut self, declared: &VariableDeclaration<'_>, out: &mut Block) {
        for declarator in &declared.declarations {
            let target = self.binding(&declarator.id, None);
            let ty = declarator
                .type_annotation
                .as_ref()
                .and_then(|ty| self.type_of(ty));
            let value = declarator.init.as_ref().map(|value| self.expr(value));
            if let Pattern::Var(id) = &target {
                let at = usize::try_from(id.0).unwrap_or(usize::MAX);
                let name = self.facts.variables.get_mut(at).map(|variable| {
                    variable.ty = ty;
                    variable.name.clone()
                });
                if let (Some(name), Some(ExprKind::Function(function))) =
                    (name, value.as_ref().map(|value| &value.kind))
                {
                    let function = *function;
                    self.name_function(function, &name);
                }
            }
            let span = self.span(declarator.span);
            out.push(Stmt::new(StmtKind::Assign { target, value }, span));
        }
    }
}
