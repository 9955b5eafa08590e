//! What TypeScript alone has beside modules: `namespace`, and `import x = …`.

use oxc_ast::ast::{
    TSImportEqualsDeclaration, TSModuleReference, TSNamespaceDeclaration,
    TSNamespaceDeclarationBody, TSQualifiedName,
};
use oxc_syntax::symbol::SymbolId;

use super::Lowering;
use crate::facts::{Block, Entry, Expr, ExprKind, Name, Pattern, Stmt, StmtKind};

impl Lowering<'_> {
    /// `import pg = require("pg")`, `import Level = logging.Level`.
    pub(super) fn import_equals(
        &mut self,
        import: &TSImportEqualsDeclaration<'_>,
        out: &mut Block,
    ) -> Expr {
        let span = import.span;
        let value = match &import.module_reference {
            TSModuleReference::ExternalModuleReference(module) => {
                let kind = self.module(&module.expression.value, span);
                Some(self.make(kind, span))
            }
            TSModuleReference::IdentifierReference(name) => {
                let kind = self.identifier(name);
                Some(self.make(kind, span))
            }
            TSModuleReference::QualifiedName(path) => self.qualified(path),
        };
        self.set(import.id.symbol_id.get(), value, span, out)
    }

    /// Its statements run where it stands, and what it exports are the members of its name.
    pub(super) fn namespace(
        &mut self,
        namespace: &TSNamespaceDeclaration<'_>,
        out: &mut Block,
    ) -> Option<Expr> {
        if namespace.declare {
            return None;
        }
        let outside = std::mem::take(&mut self.facts.exports);
        match &namespace.body {
            TSNamespaceDeclarationBody::TSModuleBlock(block) => {
                out.extend(self.statements(&block.body));
            }
            TSNamespaceDeclarationBody::TSNamespaceDeclaration(inner) => {
                if let Some(value) = self.namespace_within(inner, out) {
                    self.export(inner.id.name.as_str(), value);
                }
            }
        }
        let members = std::mem::replace(&mut self.facts.exports, outside);
        let entries = members.into_iter().map(|member| Entry {
            key: Some(member.name),
            value: member.value,
        });
        let value = self.make(ExprKind::Object(entries.collect()), namespace.span);
        let symbol = namespace.id.symbol_id.get();
        Some(self.set(symbol, Some(value), namespace.span, out))
    }

    /// Names with dots, `namespace a.b.c`, are as deep as statements may be.
    fn namespace_within(
        &mut self,
        namespace: &TSNamespaceDeclaration<'_>,
        out: &mut Block,
    ) -> Option<Expr> {
        if self.depth >= crate::facts::MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let value = self.namespace(namespace, out);
        self.depth -= 1;
        value
    }

    /// A name that is set to a value where it is declared; the name as an expression.
    fn set(
        &mut self,
        symbol: Option<SymbolId>,
        value: Option<Expr>,
        span: oxc_span::Span,
        out: &mut Block,
    ) -> Expr {
        let variable = self.declare(symbol, None);
        out.push(Stmt::new(
            StmtKind::Assign {
                target: Pattern::Var(variable),
                value,
            },
            self.span(span),
        ));
        self.make(ExprKind::Var(variable), span)
    }

    fn qualified(&mut self, path: &TSQualifiedName<'_>) -> Option<Expr> {
        let left = self.type_path(&path.left, 0)?;
        let kind = ExprKind::Member(Box::new(left), Name::from(path.right.name.as_str()));
        Some(self.make(kind, path.span))
    }
}
