//! Declarations at the top of a file and inside functions.

use tree_sitter::Node;

use super::{Lower, tree};
use crate::extract::build::Space;
use crate::facts::{
    Block, ClassId, Expr, Field, FnId, Method, Mode, Name, Param, Pattern, Span, Stmt, StmtKind,
    Takes, VarId, VariableKind,
};

impl Lower<'_> {
    /// Declares what stands at the top, so that uses before it are resolved.
    pub(super) fn announce(&mut self, node: Node<'_>) {
        match node.kind() {
            "package_clause" => {
                if let Some(name) = tree::first(node) {
                    self.build.facts.package = self.text(name);
                }
            }
            "import_declaration" => self.import_declaration(node),
            "function_declaration" => {
                let Some(ident) = tree::field(node, "name") else {
                    return;
                };
                let name = self.text(ident);
                let span = self.span(node);
                let id = self.build.function(name.clone(), None, Mode::Sync, span);
                let at = self.span(ident);
                if &*name != "init" && &*name != "_" {
                    self.build
                        .declare(&name, VariableKind::Function(id), None, at);
                }
            }
            "type_declaration" => self.announce_types(node),
            "var_declaration" => self.announce_names(node, VariableKind::Local),
            "const_declaration" => self.announce_names(node, VariableKind::Constant),
            _ => {}
        }
    }

    fn announce_types(&mut self, node: Node<'_>) {
        for spec in tree::named(node) {
            let Some(ident) = tree::field(spec, "name") else {
                continue;
            };
            let name = self.text(ident);
            let span = self.span(ident);
            let class = self.build.class(&name, span);
            let variable = self
                .build
                .declare(&name, VariableKind::Class(class), None, span);
            if let Some(record) = self.build.class_mut(class) {
                record.variable = Some(variable);
                record.span = span;
            }
        }
    }

    fn announce_names(&mut self, node: Node<'_>, kind: VariableKind) {
        for spec in specs(node) {
            let ty = tree::field(spec, "type").and_then(|ty| self.ty(ty));
            for ident in tree::fields(spec, "name") {
                let name = self.text(ident);
                let span = self.span(ident);
                self.build.declare(&name, kind, ty.clone(), span);
            }
        }
    }

    /// Reads what stands at the top; initialisers go to `body`.
    pub(super) fn declaration(&mut self, node: Node<'_>, body: &mut Block) {
        match node.kind() {
            "function_declaration" => {
                let start = self.span(node).start;
                let found =
                    self.build.facts.functions.iter().position(|function| {
                        function.span.start == start && function.class.is_none()
                    });
                if let Some(at) = found {
                    let id = FnId(u32::try_from(at).unwrap_or(u32::MAX));
                    self.fill(id, node, None);
                }
            }
            "method_declaration" => self.method(node),
            "type_declaration" => {
                for spec in tree::named(node) {
                    self.type_spec(spec);
                }
            }
            "var_declaration" | "const_declaration" => {
                for spec in specs(node) {
                    self.initial(spec, Known::Yes, body);
                }
            }
            "package_clause" | "import_declaration" => {}
            _ => self.statement(node, body),
        }
    }

    /// A `type`, `var` or `const` declaration inside a function.
    pub(super) fn local_declaration(&mut self, node: Node<'_>, body: &mut Block) {
        match node.kind() {
            "type_declaration" => {
                self.announce_types(node);
                for spec in tree::named(node) {
                    self.type_spec(spec);
                }
            }
            _ => {
                for spec in specs(node) {
                    self.initial(spec, Known::No, body);
                }
            }
        }
    }

    fn initial(&mut self, spec: Node<'_>, known: Known, body: &mut Block) {
        let span = self.span(spec);
        let values: Vec<Expr> = tree::field(spec, "value")
            .map(|list| self.list(list))
            .unwrap_or_default();
        let kind = if spec.kind() == "const_spec" {
            VariableKind::Constant
        } else {
            VariableKind::Local
        };
        let ty = tree::field(spec, "type").and_then(|ty| self.ty(ty));
        let mut targets = Vec::new();
        for ident in tree::fields(spec, "name") {
            let name = self.text(ident);
            let at = self.span(ident);
            let found = match known {
                Known::Yes => self.build.find_here(&name),
                Known::No => None,
            };
            let id = match found {
                Some(id) => id,
                None => self.build.declare(&name, kind, ty.clone(), at),
            };
            targets.push(Pattern::Var(id));
        }
        self.assign(targets, values, span, body);
    }

    /// `a, b = f()` as one assignment of a list; `a, b = x, y` as one for each.
    pub(super) fn assign(
        &mut self,
        mut targets: Vec<Pattern>,
        values: Vec<Expr>,
        span: Span,
        body: &mut Block,
    ) {
        if targets.len() == values.len() {
            for (target, value) in targets.into_iter().zip(values) {
                let value = Some(value);
                body.push(Stmt::new(StmtKind::Assign { target, value }, span));
            }
            return;
        }
        let mut values = values.into_iter();
        let value = values.next();
        let target = match targets.len() {
            1 => targets.remove(0),
            _ => Pattern::List(targets),
        };
        body.push(Stmt::new(StmtKind::Assign { target, value }, span));
        for extra in values {
            let span = extra.span;
            body.push(Stmt::new(StmtKind::Expr(extra), span));
        }
    }

    fn type_spec(&mut self, spec: Node<'_>) {
        let (Some(ident), Some(ty)) = (tree::field(spec, "name"), tree::field(spec, "type")) else {
            return;
        };
        let name = self.text(ident);
        let class = self.build.class(&name, self.span(ident));
        let mut fields = Vec::new();
        let mut bases = Vec::new();
        if ty.kind() == "struct_type" {
            for declaration in tree::first(ty).map(tree::named).unwrap_or_default() {
                self.struct_field(declaration, &mut fields, &mut bases);
            }
        } else if let Some(base) = self.ty(ty) {
            bases.push(base);
        }
        if let Some(record) = self.build.class_mut(class) {
            record.fields.extend(fields);
            record.bases.extend(bases);
        }
    }

    fn struct_field(&mut self, node: Node<'_>, fields: &mut Vec<Field>, bases: &mut Vec<Expr>) {
        let written = tree::field(node, "type");
        let ty = written.and_then(|ty| self.ty(ty));
        let names = tree::fields(node, "name");
        if names.is_empty() {
            bases.extend(ty);
            return;
        }
        for ident in names {
            fields.push(Field {
                name: self.text(ident),
                value: None,
                ty: ty.clone(),
                span: self.span(ident),
            });
        }
    }

    fn method(&mut self, node: Node<'_>) {
        let (Some(ident), Some(receiver)) =
            (tree::field(node, "name"), tree::field(node, "receiver"))
        else {
            return;
        };
        let Some(receiver) = tree::first(receiver) else {
            return;
        };
        let Some(ty) = tree::field(receiver, "type").and_then(|ty| bare_type(ty)) else {
            return;
        };
        let class = self.build.class(&self.text(ty), self.span(ty));
        let name = self.text(ident);
        let span = self.span(node);
        let id = self
            .build
            .function(name.clone(), Some(class), Mode::Sync, span);
        self.add_method(class, name, id);
        let this = tree::field(receiver, "name").map(|name| self.text(name));
        self.fill(id, node, this);
    }

    fn add_method(&mut self, class: ClassId, name: Name, function: FnId) {
        if let Some(record) = self.build.class_mut(class) {
            record.methods.push(Method { name, function });
        }
    }

    /// Reads parameters, results and body of a function.
    pub(super) fn fill(&mut self, id: FnId, node: Node<'_>, this: Option<Name>) {
        self.build.open(id);
        if let Some(this) = &this {
            self.build.bind_this(this);
        }
        let params = tree::field(node, "parameters")
            .map(|list| self.params(list))
            .unwrap_or_default();
        let result = tree::field(node, "result");
        let returns = result.and_then(|result| self.result_type(result));
        let named = result.map(|result| self.named_results(result));
        self.results.push(named.unwrap_or_default());
        let body = tree::field(node, "body")
            .map(|body| self.block(body))
            .unwrap_or_default();
        self.results.pop();
        self.build.close();
        if let Some(function) = self.build.function_mut(id) {
            function.params = params;
            function.returns = returns;
            function.body = body;
        }
    }

    fn params(&mut self, list: Node<'_>) -> Vec<Param> {
        let mut all = Vec::new();
        for declaration in tree::named(list) {
            let ty = tree::field(declaration, "type").and_then(|ty| self.ty(ty));
            let names = tree::fields(declaration, "name");
            if names.is_empty() {
                all.push(Param {
                    pattern: Pattern::Any,
                    default: None,
                    ty: ty.clone(),
                    takes: Takes::Own,
                });
            }
            for ident in names {
                let place = u32::try_from(all.len()).unwrap_or(u32::MAX);
                let id = self.variable(ident, VariableKind::Parameter(place), ty.as_ref());
                all.push(Param {
                    pattern: Pattern::Var(id),
                    default: None,
                    ty: ty.clone(),
                    takes: Takes::Own,
                });
            }
        }
        all
    }

    fn named_results(&mut self, result: Node<'_>) -> Vec<Expr> {
        let mut all = Vec::new();
        if result.kind() != "parameter_list" {
            return all;
        }
        for declaration in tree::named(result) {
            let ty = tree::field(declaration, "type").and_then(|ty| self.ty(ty));
            for ident in tree::fields(declaration, "name") {
                self.variable(ident, VariableKind::Local, ty.as_ref());
                let name = self.text(ident);
                let span = self.span(ident);
                all.push(self.build.name(&name, Space::Values, span));
            }
        }
        all
    }

    pub(super) fn variable(
        &mut self,
        ident: Node<'_>,
        kind: VariableKind,
        ty: Option<&Expr>,
    ) -> VarId {
        let name = self.text(ident);
        let span = self.span(ident);
        self.build.declare(&name, kind, ty.cloned(), span)
    }
}

/// Whether the names of a declaration were declared before.
#[derive(Debug, Clone, Copy)]
enum Known {
    Yes,
    No,
}

fn specs(node: Node<'_>) -> Vec<Node<'_>> {
    let mut all = Vec::new();
    for child in tree::named(node) {
        if child.kind() == "var_spec_list" {
            all.extend(tree::named(child));
        } else {
            all.push(child);
        }
    }
    all
}

/// The name of a receiver's type: `*Server[T]` gives `Server`.
fn bare_type(mut node: Node<'_>) -> Option<Node<'_>> {
    for _ in 0..8 {
        match node.kind() {
            "type_identifier" => return Some(node),
            "pointer_type" | "parenthesized_type" => node = tree::first(node)?,
            "generic_type" => node = tree::field(node, "type")?,
            _ => return None,
        }
    }
    None
}
