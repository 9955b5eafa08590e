//! Items: functions, types, `impl` blocks, modules, statics.

use syn::{Attribute, Fields, FnArg, ImplItem, Item, Signature, TraitItem};

use super::uses::unraw;
use super::{Lower, Tail};
use crate::extract::build::between;
use crate::facts::{
    Block, ClassId, Expr, Field, FnId, Method, Mode, Name, Param, Pattern, Span, Stmt, StmtKind,
    Takes, VariableKind,
};

/// A function of any kind of item.
struct Source<'a> {
    attrs: &'a [Attribute],
    sig: &'a Signature,
    block: Option<&'a syn::Block>,
    span: Span,
}

impl Lower {
    /// Reads the items of a module or block: first their names, then what is in them. Initialisers go to `body`.
    pub(super) fn items(&mut self, items: &[&Item], body: &mut Block) {
        let here: Vec<&Item> = items
            .iter()
            .copied()
            .filter(|item| !Self::is_foreign(attrs_of(item)))
            .collect();
        let mut functions = Vec::new();
        for item in &here {
            self.announce(item, &mut functions);
        }
        let mut functions = functions.into_iter();
        for item in here {
            self.item(item, &mut functions, body);
        }
    }

    /// Declares what the item names, so that uses before it are resolved.
    fn announce(&mut self, item: &Item, functions: &mut Vec<FnId>) {
        match item {
            Item::Fn(one) => {
                let span = between(
                    self.span(one.sig.fn_token.span),
                    self.span(one.block.brace_token.span.close()),
                );
                let name = Name::from(unraw(&one.sig.ident));
                let mode = mode_of(&one.sig);
                let id = self.build.function(name.clone(), None, mode, span);
                let at = self.span(one.sig.ident.span());
                self.build
                    .declare(&name, VariableKind::Function(id), None, at);
                functions.push(id);
            }
            Item::Struct(one) => self.announce_type(&one.ident, &one.attrs),
            Item::Enum(one) => self.announce_type(&one.ident, &one.attrs),
            Item::Union(one) => self.announce_type(&one.ident, &one.attrs),
            Item::Trait(one) => self.announce_type(&one.ident, &one.attrs),
            Item::Static(one) => {
                let ty = self.ty(&one.ty);
                let span = self.span(one.ident.span());
                let name = Name::from(unraw(&one.ident));
                self.build.declare(&name, VariableKind::Constant, ty, span);
            }
            Item::Const(one) => {
                let ty = self.ty(&one.ty);
                let span = self.span(one.ident.span());
                let name = Name::from(unraw(&one.ident));
                self.build.declare(&name, VariableKind::Constant, ty, span);
            }
            Item::Use(one) => self.use_tree("", &one.tree),
            Item::Macro(one) => self.announce_macro(one),
            _ => {}
        }
    }

    fn announce_type(&mut self, ident: &syn::Ident, attrs: &[Attribute]) {
        let span = self.span(ident.span());
        let name = Name::from(unraw(ident));
        let id = self.build.class(&name, span);
        let variable = self
            .build
            .declare(&name, VariableKind::Class(id), None, span);
        let decorators = self.decorators(attrs);
        if let Some(class) = self.class_mut(id) {
            class.variable = Some(variable);
            class.span = span;
            class.decorators.extend(decorators);
        }
    }

    fn item(&mut self, item: &Item, functions: &mut impl Iterator<Item = FnId>, body: &mut Block) {
        if !self.build.enter() {
            if let Item::Fn(_) = item {
                functions.next();
            }
            return;
        }
        match item {
            Item::Fn(one) => {
                if let Some(id) = functions.next() {
                    let source = Source {
                        attrs: &one.attrs,
                        sig: &one.sig,
                        block: Some(&one.block),
                        span: Span::default(),
                    };
                    self.fill(id, &source);
                }
            }
            Item::Static(one) => self.initial(&one.ident, &one.expr, body),
            Item::Const(one) => self.initial(&one.ident, &one.expr, body),
            Item::Struct(one) => self.fields(&one.ident, &one.fields),
            Item::Impl(one) => self.impl_block(one),
            Item::Trait(one) => self.trait_methods(one),
            Item::Mod(one) => self.module(one, body),
            Item::Macro(one) => self.item_macro(one, body),
            _ => {}
        }
        self.build.leave();
    }

    /// `static X: T = value;` as an assignment of the module's body.
    pub(super) fn initial(&mut self, ident: &syn::Ident, value: &syn::Expr, body: &mut Block) {
        let span = self.span(ident.span());
        let value = self.expr(value);
        let Some(id) = self.build.find_here(&unraw(ident)) else {
            return;
        };
        let whole = between(span, value.span);
        let kind = StmtKind::Assign {
            target: Pattern::Var(id),
            value: Some(value),
        };
        body.push(Stmt::new(kind, whole));
    }

    fn fields(&mut self, ident: &syn::Ident, fields: &Fields) {
        let span = self.span(ident.span());
        let class = self.build.class(&Name::from(unraw(ident)), span);
        let mut all = Vec::new();
        for (place, field) in fields.iter().enumerate() {
            let name = field
                .ident
                .as_ref()
                .map_or_else(|| place.to_string(), unraw);
            let span = field
                .ident
                .as_ref()
                .map_or(span, |ident| self.span(ident.span()));
            let ty = self.ty(&field.ty);
            all.push(Field {
                name: Name::from(name),
                value: None,
                ty,
                span,
            });
        }
        if let Some(class) = self.class_mut(class) {
            class.fields.extend(all);
        }
    }

    fn impl_block(&mut self, block: &syn::ItemImpl) {
        let Some(ty) = self.ty(&block.self_ty) else {
            return;
        };
        let name = last_name(&self.build.facts, &ty);
        let class = self.build.class(&name, ty.span);
        let base = block.trait_.as_ref().map(|(path, _)| self.type_path(path));
        let decorators = self.decorators(&block.attrs);
        if let Some(record) = self.class_mut(class) {
            record.bases.extend(base);
            record.decorators.extend(decorators);
        }
        self.selves.push(ty);
        for item in &block.items {
            if let ImplItem::Fn(one) = item
                && !Self::is_foreign(&one.attrs)
            {
                let source = Source {
                    attrs: &one.attrs,
                    sig: &one.sig,
                    block: Some(&one.block),
                    span: between(
                        self.span(one.sig.fn_token.span),
                        self.span(one.block.brace_token.span.close()),
                    ),
                };
                self.method(class, &source);
            }
        }
        self.selves.pop();
    }

    fn trait_methods(&mut self, item: &syn::ItemTrait) {
        let span = self.span(item.ident.span());
        let name = Name::from(unraw(&item.ident));
        let class = self.build.class(&name, span);
        let ty = self.ident(&item.ident, crate::extract::build::Space::Types);
        self.selves.push(ty);
        for item in &item.items {
            if let TraitItem::Fn(one) = item
                && let Some(block) = &one.default
            {
                let source = Source {
                    attrs: &one.attrs,
                    sig: &one.sig,
                    block: Some(block),
                    span: between(
                        self.span(one.sig.fn_token.span),
                        self.span(block.brace_token.span.close()),
                    ),
                };
                self.method(class, &source);
            }
        }
        self.selves.pop();
    }

    fn method(&mut self, class: ClassId, source: &Source<'_>) {
        if !self.build.enter() {
            return;
        }
        let name = Name::from(unraw(&source.sig.ident));
        let mode = mode_of(source.sig);
        let id = self
            .build
            .function(name.clone(), Some(class), mode, source.span);
        if let Some(record) = self.class_mut(class) {
            record.methods.push(Method { name, function: id });
        }
        self.fill(id, source);
        self.build.leave();
    }

    fn fill(&mut self, id: FnId, source: &Source<'_>) {
        let decorators = self.decorators(source.attrs);
        let returns = self.returns(&source.sig.output);
        self.build.open(id);
        let mut params = Vec::new();
        for input in &source.sig.inputs {
            if let FnArg::Typed(input) = input {
                let place = u32::try_from(params.len()).unwrap_or(u32::MAX);
                let ty = self.ty(&input.ty);
                let pattern = self.pattern(&input.pat, VariableKind::Parameter(place), ty.as_ref());
                params.push(Param {
                    pattern,
                    default: None,
                    ty,
                    takes: Takes::Own,
                });
            }
        }
        let body = source
            .block
            .map(|block| self.block(block, Tail::Return))
            .unwrap_or_default();
        self.build.close();
        if let Some(function) = self.build.function_mut(id) {
            function.params = params;
            function.decorators = decorators;
            function.returns = returns;
            function.body = body;
        }
    }

    fn module(&mut self, module: &syn::ItemMod, body: &mut Block) {
        let name = Name::from(unraw(&module.ident));
        let Some((_, items)) = &module.content else {
            if let Some(path) = placed(&module.attrs)
                && self.build.inline.is_empty()
            {
                self.build.facts.placed.push((name, path));
            }
            return;
        };
        let is_at_top = self.build.current() == FnId::MODULE;
        if is_at_top {
            self.build.inline.push(name);
        }
        self.build.push();
        self.items(&items.iter().collect::<Vec<_>>(), body);
        self.build.pop();
        if is_at_top {
            self.build.inline.pop();
        }
    }
}

/// What `#[path = "…"]` says.
fn placed(attrs: &[Attribute]) -> Option<Name> {
    attrs.iter().find_map(|attr| {
        let syn::Meta::NameValue(pair) = &attr.meta else {
            return None;
        };
        let syn::Expr::Lit(literal) = &pair.value else {
            return None;
        };
        let syn::Lit::Str(text) = &literal.lit else {
            return None;
        };
        pair.path.is_ident("path").then(|| Name::from(text.value()))
    })
}

fn mode_of(sig: &Signature) -> Mode {
    if sig.asyncness.is_some() {
        Mode::Async
    } else {
        Mode::Sync
    }
}

/// The last name of a path: what `impl` blocks of one type have in common.
fn last_name(facts: &crate::facts::FileFacts, path: &Expr) -> Name {
    use crate::facts::ExprKind;
    match &path.kind {
        ExprKind::Member(_, name) | ExprKind::Global(name) => name.clone(),
        ExprKind::Var(id) => facts
            .variables
            .get(usize::try_from(id.0).unwrap_or(usize::MAX))
            .map_or_else(|| Name::from(""), |variable| variable.name.clone()),
        _ => Name::from(""),
    }
}

fn attrs_of(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(one) => &one.attrs,
        Item::Enum(one) => &one.attrs,
        Item::Fn(one) => &one.attrs,
        Item::Impl(one) => &one.attrs,
        Item::Macro(one) => &one.attrs,
        Item::Mod(one) => &one.attrs,
        Item::Static(one) => &one.attrs,
        Item::Struct(one) => &one.attrs,
        Item::Trait(one) => &one.attrs,
        Item::Use(one) => &one.attrs,
        _ => &[],
    }
}
