//! What an expression may be: through imports, aliases, defaults, fields, results and arguments.

use std::collections::HashMap;

use crate::facts::{
    ClassId, Expr, ExprKind, FileFacts, ImportItem, Language, Logic, Name, Stmt, StmtKind,
    VariableKind, walk,
};
use crate::vocabulary;

use super::bindings::{Part, Set};
use super::modules::Symbol;
use super::{ClassRef, FnRef, Project, VarRef};

/// Steps of resolution before it gives up.
const MAX_STEPS: usize = 10;

/// Expressions that are looked at for one, over all ways.
const MAX_LOOKS: u32 = 400;

/// Values that are kept of one expression.
const MAX_VALUES: usize = 6;

/// Longest canonical path, in bytes.
const MAX_PATH: usize = 300;

/// What an expression may be.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// Something from outside the project, by its canonical path; `?` stands for what is not known.
    Path(Name),
    /// A function of the project.
    Function(FnRef),
    /// A class of the project.
    Class(ClassRef),
    /// An instance of a class of the project.
    Instance(ClassRef),
    /// A literal, with the function that it stands in.
    Literal(FnRef, &'a Expr),
    /// A file of the project as a module.
    Module(u32),
}

/// Names of methods that give their receiver back, wrapped or converted.
const TRANSPARENT_RUST: &[&str] = &[
    "clone",
    "unwrap",
    "expect",
    "as_ref",
    "as_mut",
    "lock",
    "read",
    "write",
    "borrow",
    "borrow_mut",
    "unwrap_or_default",
    "to_owned",
    "into",
    "as_deref",
    "cloned",
    "with_context",
    "context",
    "map_err",
    "ok",
    "get_mut",
    "into_inner",
    "unwrap_or_else",
];

/// Constructors that wrap their argument.
const WRAPPERS_RUST: &[&str] = &[
    "Arc.new",
    "Box.new",
    "Rc.new",
    "Mutex.new",
    "RwLock.new",
    "RefCell.new",
    "Some",
    "Ok",
    "Pin.new",
    "Box.pin",
    "OnceLock.from",
    "LazyLock.new",
    "Lazy.new",
];

pub(super) fn values<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr) -> Vec<Value<'a>> {
    let mut out = Vec::new();
    let left = std::cell::Cell::new(MAX_LOOKS);
    Resolver { project, left }.expr(at, expr, 0, &mut out);
    out
}

struct Resolver<'p, 'a> {
    project: &'p Project<'a>,
    /// Expressions that may still be looked at for this one.
    left: std::cell::Cell<u32>,
}

impl<'a> Resolver<'_, 'a> {
    fn expr(&self, at: FnRef, expr: &'a Expr, steps: usize, out: &mut Vec<Value<'a>>) {
        if steps > MAX_STEPS || out.len() >= MAX_VALUES || self.left.get() == 0 {
            return;
        }
        self.left.set(self.left.get() - 1);
        let next = steps + 1;
        match &expr.kind {
            ExprKind::Var(id) => self.variable(
                VarRef {
                    file: at.file,
                    id: *id,
                },
                next,
                out,
            ),
            ExprKind::Global(name) => self.global(at, name, next, out),
            ExprKind::This => {
                if let Some(class) = self.project.class_of(at) {
                    add(out, Value::Instance(class));
                }
            }
            ExprKind::Module(source) => {
                self.source(at.file, source, &ImportItem::Module, next, out)
            }
            ExprKind::Member(object, name) => {
                // A chain of calls is as long as it is written; only aliases count as steps.
                let mut objects = Vec::new();
                self.expr(at, object, steps, &mut objects);
                self.members(at, objects, name, next, out);
            }
            ExprKind::Index(object, index) => {
                let mut objects = Vec::new();
                self.expr(at, object, next, &mut objects);
                match index.text() {
                    Some(key) => self.members(at, objects, key, next, out),
                    None => self.items(objects, next, out),
                }
            }
            ExprKind::Call(call) => self.call(at, call, steps, out),
            ExprKind::Function(id) => add(
                out,
                Value::Function(FnRef {
                    file: at.file,
                    id: *id,
                }),
            ),
            ExprKind::Class(id) => add(
                out,
                Value::Class(ClassRef {
                    file: at.file,
                    id: *id,
                }),
            ),
            ExprKind::Await(inner) | ExprKind::Propagate(inner) | ExprKind::Spread(inner) => {
                self.expr(at, inner, next, out);
            }
            ExprKind::Assign(_, value) => self.expr(at, value, next, out),
            ExprKind::Logic(Logic::And, _, right) => self.expr(at, right, next, out),
            ExprKind::Logic(Logic::Or | Logic::Coalesce, left, right) => {
                self.expr(at, left, next, out);
                self.expr(at, right, next, out);
            }
            ExprKind::Choice(_, then, otherwise) => {
                self.expr(at, then, next, out);
                self.expr(at, otherwise, next, out);
            }
            ExprKind::Flow(stmt) => self.flow(at, stmt, next, out),
            ExprKind::Str(_)
            | ExprKind::Number(_)
            | ExprKind::Bool(_)
            | ExprKind::Null
            | ExprKind::Object(_)
            | ExprKind::List(_)
            | ExprKind::Join(_) => add(out, Value::Literal(at, expr)),
            ExprKind::Super | ExprKind::Compare(..) | ExprKind::Not(_) | ExprKind::Opaque(_) => {}
        }
    }

    fn flow(&self, at: FnRef, stmt: &'a Stmt, next: usize, out: &mut Vec<Value<'a>>) {
        let mut values = Vec::new();
        let block = std::slice::from_ref(stmt);
        for stmt in block {
            collect_values(stmt, &mut values);
        }
        for value in values {
            self.expr(at, value, next, out);
        }
    }

    fn global(&self, at: FnRef, name: &Name, next: usize, out: &mut Vec<Value<'a>>) {
        let language = self.project.language(at.file);
        if language == Language::Rust
            && &**name == "Self"
            && let Some(class) = self.project.class_of(at)
        {
            add(out, Value::Class(class));
            return;
        }
        let place = self.project.modules.place(at.file);
        let path = match language {
            Language::TypeScript => name.trim_start_matches("globalThis.").to_owned(),
            Language::Python => name.to_string(),
            Language::Rust => self.project.modules.canonical(at.file, language, name),
            Language::Go => name.to_string(),
        };
        let local = format!("{place}.{name}");
        if language != Language::TypeScript && self.symbol(&local, next, out) {
            return;
        }
        self.path(path, next, out);
    }

    fn variable(&self, variable: VarRef, next: usize, out: &mut Vec<Value<'a>>) {
        let Some(declared) = self.project.variable(variable) else {
            return;
        };
        let before = out.len();
        match declared.kind {
            VariableKind::Import(id) => {
                let imports = self.project.file(variable.file).map(|file| &file.imports);
                let import = imports.and_then(|all| all.get(usize::try_from(id.0).ok()?));
                if let Some(import) = import {
                    self.source(variable.file, &import.source, &import.item, next, out);
                }
                return;
            }
            VariableKind::Function(id) => {
                add(
                    out,
                    Value::Function(FnRef {
                        file: variable.file,
                        id,
                    }),
                );
                return;
            }
            VariableKind::Class(id) => {
                add(
                    out,
                    Value::Class(ClassRef {
                        file: variable.file,
                        id,
                    }),
                );
                return;
            }
            VariableKind::Parameter(place) => {
                self.parameter(variable, declared.owner, place, next, out);
            }
            VariableKind::Local | VariableKind::Constant | VariableKind::Caught => {}
        }
        for set in self.project.bindings.values(variable) {
            self.set(set, next, out);
        }
        if out.len() == before
            && let Some(ty) = &declared.ty
        {
            let at = FnRef {
                file: variable.file,
                id: declared.owner,
            };
            self.instance_of(at, ty, next, out);
        }
    }

    fn parameter(
        &self,
        variable: VarRef,
        owner: crate::facts::FnId,
        place: u32,
        next: usize,
        out: &mut Vec<Value<'a>>,
    ) {
        let at = FnRef {
            file: variable.file,
            id: owner,
        };
        let Ok(place) = usize::try_from(place) else {
            return;
        };
        let Some(function) = self.project.function(at) else {
            return;
        };
        let Some(param) = function.params.get(place) else {
            return;
        };
        if let Some(default) = &param.default {
            self.expr(at, default, next, out);
        }
        if let Some(ty) = &param.ty {
            self.instance_of(at, ty, next, out);
        }
        for id in self.project.callers(at).iter().take(MAX_VALUES) {
            let Some(site) = self.project.site(*id) else {
                continue;
            };
            let name = self
                .project
                .variable(variable)
                .map(|declared| declared.name.clone());
            let named = name.and_then(|name| {
                site.call
                    .args
                    .iter()
                    .find(|arg| arg.name.as_deref() == Some(&name))
            });
            if let Some(value) = named.map(|arg| &arg.value).or_else(|| site.call.arg(place)) {
                self.expr(site.at, value, next + 2, out);
            }
        }
        // `["SIGINT", "SIGTERM"].forEach((signal) => …)`: the parameter is each item.
        if place == 0
            && let Some((at, over)) = self.project.graph.iterated(at)
            && let Some(site) = self.project.site(over)
            && let ExprKind::Member(object, _) = &site.call.callee.kind
        {
            let mut lists = Vec::new();
            self.expr(at, object, next, &mut lists);
            self.items(lists, next, out);
        }
    }

    fn set(&self, set: &Set<'a>, next: usize, out: &mut Vec<Value<'a>>) {
        if set.part.is_empty() {
            self.expr(set.at, set.value, next, out);
            return;
        }
        let mut values = Vec::new();
        self.expr(set.at, set.value, next, &mut values);
        for part in &set.part {
            let mut inner = Vec::new();
            match part {
                Part::Member(name) => self.members(set.at, values, name, next, &mut inner),
                Part::Place(place) => self.place(values, *place, next, &mut inner),
                Part::Item => self.items(values, next, &mut inner),
            }
            values = inner;
        }
        for value in values {
            add(out, value);
        }
    }

    /// The value at a place of a list; of something else the first is the thing itself (Go's results), the others are not known.
    fn place(&self, values: Vec<Value<'a>>, place: usize, next: usize, out: &mut Vec<Value<'a>>) {
        for value in values {
            if let Value::Literal(at, literal) = &value
                && let ExprKind::List(items) = &literal.kind
            {
                if let Some(item) = items.get(place) {
                    self.expr(*at, item, next, out);
                }
            } else if place == 0 {
                add(out, value);
            }
        }
    }

    fn items(&self, values: Vec<Value<'a>>, next: usize, out: &mut Vec<Value<'a>>) {
        for value in values {
            if let Value::Literal(at, literal) = value
                && let ExprKind::List(items) = &literal.kind
            {
                for item in items {
                    self.expr(at, item, next, out);
                }
            }
        }
    }

    fn members(
        &self,
        at: FnRef,
        objects: Vec<Value<'a>>,
        name: &Name,
        next: usize,
        out: &mut Vec<Value<'a>>,
    ) {
        let before = out.len();
        for object in objects {
            match object {
                Value::Path(path) => {
                    let transparent = self.project.language(at.file) == Language::TypeScript
                        && &**name == "default";
                    if transparent {
                        self.path(path.to_string(), next, out);
                    } else {
                        self.path(format!("{path}.{name}"), next, out);
                    }
                }
                Value::Literal(inside, literal) => {
                    if let Some(value) = literal.entry(name) {
                        self.expr(inside, value, next, out);
                    } else {
                        add(
                            out,
                            Value::Path(Name::from(format!("{}.{name}", literal_type(literal)))),
                        );
                    }
                }
                Value::Module(file) => self.export(file, name, next, out),
                Value::Instance(class) | Value::Class(class) => {
                    self.member_of(class, name, next, out)
                }
                Value::Function(function) => {
                    if matches!(&**name, "bind" | "call" | "apply") {
                        add(out, Value::Function(function));
                    }
                }
            }
        }
        if out.len() == before {
            add(out, Value::Path(Name::from(format!("?.{name}"))));
        }
    }

    fn member_of(&self, class: ClassRef, name: &Name, next: usize, out: &mut Vec<Value<'a>>) {
        let before = out.len();
        for class in self.family(class) {
            let Some(declared) = self.project.class(class) else {
                continue;
            };
            for method in declared
                .methods
                .iter()
                .filter(|method| method.name == *name)
            {
                let function = FnRef {
                    file: class.file,
                    id: method.function,
                };
                if super::python::is_property(self.project, function) {
                    self.result(function, next, out);
                } else {
                    add(out, Value::Function(function));
                }
            }
            if out.len() > before {
                return;
            }
            let at = FnRef {
                file: class.file,
                id: crate::facts::FnId::MODULE,
            };
            let fields: Vec<_> = declared
                .fields
                .iter()
                .filter(|field| field.name == *name)
                .collect();
            for field in &fields {
                if let Some(value) = &field.value {
                    self.expr(at, value, next, out);
                }
            }
            for set in self.project.bindings.field(class.file, name) {
                self.set(set, next, out);
            }
            if out.len() == before {
                for ty in fields.iter().filter_map(|field| field.ty.as_ref()) {
                    self.instance_of(at, ty, next, out);
                }
            }
            if out.len() > before {
                return;
            }
        }
        // A member of a base from outside keeps the path of the base.
        for class in self.family(class) {
            let Some(declared) = self.project.class(class) else {
                continue;
            };
            let at = FnRef {
                file: class.file,
                id: crate::facts::FnId::MODULE,
            };
            for base in &declared.bases {
                let mut bases = Vec::new();
                self.expr(at, base, next, &mut bases);
                for value in bases {
                    if let Value::Path(path) = value {
                        self.path(format!("{path}().{name}"), next, out);
                    }
                }
            }
        }
    }

    /// The class, its records in other files of the package, and its bases in the project.
    fn family(&self, class: ClassRef) -> Vec<ClassRef> {
        let mut all = vec![class];
        let mut done = 0;
        while let Some(at) = all.get(done).copied() {
            done += 1;
            let Some(declared) = self.project.class(at) else {
                continue;
            };
            for twin in self.twins(at, &declared.name) {
                if !all.contains(&twin) && all.len() < 16 {
                    all.push(twin);
                }
            }
            let module = FnRef {
                file: at.file,
                id: crate::facts::FnId::MODULE,
            };
            for base in &declared.bases {
                let mut bases = Vec::new();
                self.expr(module, base, MAX_STEPS - 3, &mut bases);
                for value in bases {
                    if let Value::Class(base) = value
                        && !all.contains(&base)
                        && all.len() < 16
                    {
                        all.push(base);
                    }
                }
            }
        }
        all
    }

    fn twins(&self, class: ClassRef, name: &Name) -> Vec<ClassRef> {
        let Some(file) = self.project.file(class.file) else {
            return Vec::new();
        };
        let key = (file.language, twin_home(file), name.clone());
        self.project.twins.get(&key).cloned().unwrap_or_default()
    }

    fn instance_of(&self, at: FnRef, ty: &'a Expr, next: usize, out: &mut Vec<Value<'a>>) {
        let mut types = Vec::new();
        self.expr(at, ty, next, &mut types);
        for value in types {
            match value {
                Value::Class(class) => add(out, Value::Instance(class)),
                Value::Path(path) => add(out, Value::Path(Name::from(format!("{path}()")))),
                Value::Function(_) | Value::Instance(_) | Value::Literal(..) | Value::Module(_) => {
                }
            }
        }
    }

    fn call(
        &self,
        at: FnRef,
        call: &'a crate::facts::Call,
        steps: usize,
        out: &mut Vec<Value<'a>>,
    ) {
        let next = steps + 1;
        let language = self.project.language(at.file);
        if language == Language::Rust && self.transparent(at, call, steps, out) {
            return;
        }
        let mut callees = Vec::new();
        self.expr(at, &call.callee, steps, &mut callees);
        for callee in callees {
            match callee {
                Value::Function(function) => self.result(function, next, out),
                Value::Class(class) => add(out, Value::Instance(class)),
                Value::Path(path) => {
                    if vocabulary::is_same(language, &path) {
                        if let Some(inner) = call.arg(0) {
                            self.expr(at, inner, next, out);
                        }
                    } else if path.len() < MAX_PATH {
                        add(out, Value::Path(Name::from(format!("{path}()"))));
                    }
                }
                Value::Instance(_) | Value::Literal(..) | Value::Module(_) => {}
            }
        }
    }

    /// Rust's wrappers and conversions; says whether it was one.
    fn transparent(
        &self,
        at: FnRef,
        call: &'a crate::facts::Call,
        next: usize,
        out: &mut Vec<Value<'a>>,
    ) -> bool {
        if let ExprKind::Member(object, name) = &call.callee.kind {
            if matches!(&**name, "get_or_init" | "get_or_try_init") {
                return self.made(at, call, next, out);
            }
            if TRANSPARENT_RUST.contains(&&**name) {
                self.expr(at, object, next, out);
                return true;
            }
            if let ExprKind::Global(ty) | ExprKind::Member(_, ty) = &object.kind
                && WRAPPERS_RUST.contains(&format!("{ty}.{name}").as_str())
            {
                return match &**ty {
                    "LazyLock" | "Lazy" => self.made(at, call, next, out),
                    _ => self.first(at, call, next, out),
                };
            }
            if let ExprKind::Var(id) = &object.kind
                && let Some(variable) = self.project.variable(VarRef {
                    file: at.file,
                    id: *id,
                })
                && WRAPPERS_RUST.contains(&format!("{}.{name}", variable.name).as_str())
            {
                return match &*variable.name {
                    "LazyLock" | "Lazy" => self.made(at, call, next, out),
                    _ => self.first(at, call, next, out),
                };
            }
        }
        if let ExprKind::Global(name) = &call.callee.kind
            && WRAPPERS_RUST.contains(&&**name)
        {
            return self.first(at, call, next, out);
        }
        false
    }

    fn first(
        &self,
        at: FnRef,
        call: &'a crate::facts::Call,
        next: usize,
        out: &mut Vec<Value<'a>>,
    ) -> bool {
        if let Some(inner) = call.arg(0) {
            self.expr(at, inner, next, out);
        }
        true
    }

    /// What the closure in the first argument gives, through the `async` block that it may be.
    fn made(
        &self,
        at: FnRef,
        call: &'a crate::facts::Call,
        next: usize,
        out: &mut Vec<Value<'a>>,
    ) -> bool {
        let mut open = Vec::new();
        self.first(at, call, next, &mut open);
        for _ in 0..3 {
            let mut inner = Vec::new();
            for value in open {
                match value {
                    Value::Function(function) => self.result(function, next, &mut inner),
                    // `LazyLock::new(Client::new)`.
                    Value::Path(path) if !path.ends_with(')') => {
                        add(&mut inner, Value::Path(Name::from(format!("{path}()"))));
                    }
                    Value::Path(_)
                    | Value::Class(_)
                    | Value::Instance(_)
                    | Value::Literal(..)
                    | Value::Module(_) => add(&mut inner, value),
                }
            }
            open = inner;
        }
        for value in open {
            add(out, value);
        }
        true
    }

    /// What a function of the project gives back.
    fn result(&self, function: FnRef, next: usize, out: &mut Vec<Value<'a>>) {
        let Some(declared) = self.project.function(function) else {
            return;
        };
        let before = out.len();
        let mut returned = Vec::new();
        walk::stmts(&declared.body, &mut |stmt| {
            if let StmtKind::Return(Some(value)) = &stmt.kind {
                returned.push(value);
            }
        });
        if returned.is_empty() && self.project.language(function.file) == Language::Python {
            // What a context manager yields is what `with` gets.
            returned.extend(super::python::yielded(declared));
        }
        for value in returned.into_iter().take(MAX_VALUES) {
            if let ExprKind::List(parts) = &value.kind
                && self.project.language(function.file) == Language::Go
            {
                if let Some(first) = parts.first() {
                    self.expr(function, first, next + 1, out);
                }
            } else {
                self.expr(function, value, next + 1, out);
            }
        }
        if out.len() == before
            && let Some(ty) = &declared.returns
        {
            self.instance_of(function, ty, next, out);
        }
    }

    fn source(
        &self,
        file: u32,
        source: &Name,
        item: &ImportItem,
        next: usize,
        out: &mut Vec<Value<'a>>,
    ) {
        let Some(facts) = self.project.file(file) else {
            return;
        };
        if let Some(target) = self.project.modules.file(facts, source) {
            match item {
                ImportItem::Module | ImportItem::All => add(out, Value::Module(target)),
                ImportItem::Default => self.export(target, &Name::from("default"), next, out),
                ImportItem::Named(name) => self.export(target, name, next, out),
            }
            return;
        }
        let base = self.project.modules.canonical(file, facts.language, source);
        let path = match item {
            ImportItem::Named(name) if &**name != "default" => {
                if base.is_empty() {
                    name.to_string()
                } else {
                    format!("{base}.{name}")
                }
            }
            ImportItem::Named(_) | ImportItem::Module | ImportItem::Default | ImportItem::All => {
                base
            }
        };
        self.path(path, next, out);
    }

    /// A path, or the symbol of the project that it names.
    fn path(&self, path: String, next: usize, out: &mut Vec<Value<'a>>) {
        if path.len() > MAX_PATH || next > MAX_STEPS {
            return;
        }
        if !self.symbol(&path, next, out) {
            add(out, Value::Path(Name::from(path)));
        }
    }

    fn symbol(&self, path: &str, next: usize, out: &mut Vec<Value<'a>>) -> bool {
        match self.project.modules.symbol(path) {
            Some(Symbol::Function(function)) => add(out, Value::Function(function)),
            Some(Symbol::Class(class)) => add(out, Value::Class(class)),
            Some(Symbol::Variable(variable)) => {
                let before = out.len();
                self.variable(variable, next + 1, out);
                return out.len() > before;
            }
            Some(Symbol::File(_)) | None => return false,
        }
        true
    }

    /// An export of a file, followed through re-exports.
    fn export(&self, file: u32, name: &Name, next: usize, out: &mut Vec<Value<'a>>) {
        if next > MAX_STEPS {
            return;
        }
        let Some(facts) = self.project.file(file) else {
            return;
        };
        let at = FnRef {
            file,
            id: crate::facts::FnId::MODULE,
        };
        let before = out.len();
        for export in facts.exports.iter().filter(|export| export.name == *name) {
            self.expr(at, &export.value, next + 1, out);
        }
        if out.len() == before {
            for export in facts.exports.iter().filter(|export| &*export.name == "*") {
                let mut modules = Vec::new();
                self.expr(at, &export.value, next + 1, &mut modules);
                for value in modules {
                    if let Value::Module(inner) = value {
                        self.export(inner, name, next + 2, out);
                    }
                }
            }
        }
    }
}

/// Records of one type by name: in Go those of a folder, in Rust those of the project.
pub(super) fn twins(files: &[FileFacts]) -> HashMap<(Language, String, Name), Vec<ClassRef>> {
    let mut all: HashMap<(Language, String, Name), Vec<ClassRef>> = HashMap::new();
    for (file, at) in files.iter().zip(0u32..) {
        if !matches!(file.language, Language::Rust | Language::Go) {
            continue;
        }
        for (class, id) in file.classes.iter().zip(0u32..) {
            if !class.name.is_empty() {
                let key = (file.language, twin_home(file), class.name.clone());
                all.entry(key).or_default().push(ClassRef {
                    file: at,
                    id: ClassId(id),
                });
            }
        }
    }
    all
}

fn twin_home(file: &FileFacts) -> String {
    if file.language == Language::Go {
        super::modules::folder(&file.path).to_owned()
    } else {
        String::new()
    }
}

fn collect_values<'a>(stmt: &'a Stmt, out: &mut Vec<&'a Expr>) {
    if let StmtKind::Value(value) = &stmt.kind {
        out.push(value);
    }
    for block in walk::blocks(stmt) {
        for inner in block {
            collect_values(inner, out);
        }
    }
}

fn literal_type(literal: &Expr) -> &'static str {
    if matches!(literal.kind, ExprKind::Str(_) | ExprKind::Join(_)) {
        "text"
    } else if matches!(literal.kind, ExprKind::List(_)) {
        "list"
    } else if matches!(literal.kind, ExprKind::Object(_)) {
        "object"
    } else {
        "?"
    }
}

fn add<'a>(out: &mut Vec<Value<'a>>, value: Value<'a>) {
    if out.len() < MAX_VALUES && !out.iter().any(|known| same(known, &value)) {
        out.push(value);
    }
}

fn same(one: &Value<'_>, other: &Value<'_>) -> bool {
    match (one, other) {
        (Value::Path(a), Value::Path(b)) => a == b,
        (Value::Function(a), Value::Function(b)) => a == b,
        (Value::Class(a), Value::Class(b)) | (Value::Instance(a), Value::Instance(b)) => a == b,
        (Value::Module(a), Value::Module(b)) => a == b,
        (Value::Literal(a, x), Value::Literal(b, y)) => a == b && x.span == y.span,
        (
            Value::Path(_)
            | Value::Function(_)
            | Value::Class(_)
            | Value::Instance(_)
            | Value::Module(_)
            | Value::Literal(..),
            _,
        ) => false,
    }
}
