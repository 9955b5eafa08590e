//! Imports.

use ruff_python_ast::{Alias, StmtImport, StmtImportFrom};
use ruff_text_size::TextRange;

use super::bound::imported;
use super::module::Lower;
use crate::facts::{Import, ImportId, ImportItem, Name, VariableKind};

impl<'a> Lower<'a> {
    /// `import a.b` and `import a.b as c`.
    pub(super) fn import(&mut self, import: &'a StmtImport) {
        for alias in &import.names {
            let (bound, _) = imported(alias);
            let source = if alias.asname.is_some() {
                alias.name.as_str()
            } else {
                bound
            };
            let id = self.add_import(source, ImportItem::Module, alias.range);
            self.define(bound, VariableKind::Import(id));
            if alias.asname.is_none() && bound != alias.name.as_str() {
                // The module below is loaded as well, though nothing is bound to it.
                self.add_import(alias.name.as_str(), ImportItem::All, alias.range);
            }
        }
    }

    /// `from a import b as c`.
    pub(super) fn import_from(&mut self, import: &'a StmtImportFrom) {
        let dots = ".".repeat(usize::try_from(import.level).unwrap_or(0).min(64));
        let module = import.module.as_ref().map_or("", |module| module.as_str());
        let source = format!("{dots}{module}");
        for alias in &import.names {
            self.imported_item(&source, alias);
        }
    }

    fn imported_item(&mut self, source: &str, alias: &'a Alias) {
        let item = alias.name.as_str();
        if item == "*" {
            self.add_import(source, ImportItem::All, alias.range);
            return;
        }
        let id = self.add_import(source, ImportItem::Named(Name::from(item)), alias.range);
        self.define(imported(alias).0, VariableKind::Import(id));
    }

    fn add_import(&mut self, source: &str, item: ImportItem, range: TextRange) -> ImportId {
        let id = ImportId(u32::try_from(self.facts.imports.len()).unwrap_or(u32::MAX));
        let span = self.span(range);
        self.facts.imports.push(Import {
            source: Name::from(source),
            item,
            span,
        });
        id
    }
}
