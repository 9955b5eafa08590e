//! Names from outside the function: globals, imports, exports and paths.

use crate::facts::{ExprKind, ImportItem, Language, Name, VariableKind};
use crate::link::modules::Symbol;

use super::{MAX_PATH, MAX_STEPS, Resolver, Value, add};
use crate::link::{FnRef, Project, VarRef};

impl Project<'_> {
    /// The variable of another file of the project that an imported name stands for.
    pub fn imported(&self, variable: VarRef) -> Option<VarRef> {
        let VariableKind::Import(id) = self.variable(variable)?.kind else {
            return None;
        };
        let facts = self.file(variable.file)?;
        let import = facts.imports.get(usize::try_from(id.0).ok()?)?;
        let ImportItem::Named(name) = &import.item else {
            return None;
        };
        if let Some(file) = self.modules.file(facts, &import.source) {
            let exports = &self.file(file)?.exports;
            let export = exports.iter().find(|export| export.name == *name)?;
            if let ExprKind::Var(id) = export.value.bare().kind {
                return Some(VarRef { file, id });
            }
            return None;
        }
        let base = self
            .modules
            .canonical(variable.file, facts.language, &import.source);
        match self.modules.symbol(&format!("{base}.{name}"))? {
            Symbol::Variable(found) => Some(found),
            Symbol::File(_) | Symbol::Function(_) | Symbol::Class(_) => None,
        }
    }
}

impl<'a> Resolver<'_, 'a> {
    pub(super) fn source(
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
        let modules = &self.project.modules;
        let path = modules.path_of(file, facts.language, source, item);
        self.path(path, next, out);
    }

    /// A path, or the symbol of the project that it names.
    pub(super) fn path(&self, path: String, next: usize, out: &mut Vec<Value<'a>>) {
        if path.len() > MAX_PATH || next > MAX_STEPS {
            return;
        }
        if !self.symbol(&path, next, out) {
            add(out, Value::Path(Name::from(path)));
        }
    }

    pub(super) fn symbol(&self, path: &str, next: usize, out: &mut Vec<Value<'a>>) -> bool {
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
    pub(super) fn export(&self, file: u32, name: &Name, next: usize, out: &mut Vec<Value<'a>>) {
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

    pub(super) fn global(&self, at: FnRef, name: &Name, next: usize, out: &mut Vec<Value<'a>>) {
        let language = self.project.language(at.file);
        if language == Language::Rust
            && &**name == "Self"
            && let Some(class) = self.project.class_of(at)
        {
            add(out, Value::Class(class));
            return;
        }
        if language == Language::TypeScript {
            let path = name.trim_start_matches("globalThis.").to_owned();
            return self.path(path, next, out);
        }
        let place = self.project.modules.place(at.file);
        let local = format!("{place}.{name}");
        // `ending::asked` is a function of the module `ending` below this one.
        if language == Language::Rust
            && let Some(Symbol::File(_)) = self.project.modules.symbol(&local)
        {
            add(out, Value::Path(Name::from(local)));
            return;
        }
        if self.symbol(&local, next, out) {
            return;
        }
        let path = if language == Language::Rust {
            self.project.modules.canonical(at.file, language, name)
        } else {
            name.to_string()
        };
        self.path(path, next, out);
    }
}
