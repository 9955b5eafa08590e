//! Facts of TypeScript and JavaScript files.
//!
//! The parser's own analysis resolves names to symbols; a symbol becomes the variable of the same number.
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's enums have many forms that mean nothing here"
)]

mod bundle;
mod expr;
mod items;
mod modules;
mod nesting;
mod pattern;
mod stmt;

use oxc_allocator::Allocator;
use oxc_ast::ast::Program;
use oxc_parser::Parser;
use oxc_semantic::{Scoping, SemanticBuilder};
use oxc_span::{GetSpan, SourceType};
use oxc_syntax::symbol::SymbolId;

use super::Source;
use crate::facts::{
    Block, Comment, Export, Expr, ExprKind, FileFacts, FnId, Import, ImportId, ImportItem, Lines,
    Name, Reading, Span, VarId, Variable, VariableKind, Why,
};

/// Reads one file; of a bundle the parts that are its author's.
pub fn extract(source: &Source<'_>) -> FileFacts {
    let bytes = u64::try_from(source.text.len()).unwrap_or(u64::MAX);
    let bundled = || FileFacts::unread(source.path.clone(), source.language, bytes, Why::Bundled);
    match bundle::own(source.text) {
        bundle::Own::Whole => read(source),
        bundle::Own::Unknown => bundled(),
        bundle::Own::Parts(text) => {
            let own = Source {
                path: source.path.clone(),
                language: source.language,
                text: &text,
            };
            let facts = read(&own);
            if facts.reading == Reading::Whole {
                facts
            } else {
                bundled()
            }
        }
    }
}

fn read(source: &Source<'_>) -> FileFacts {
    let bytes = u64::try_from(source.text.len()).unwrap_or(u64::MAX);
    if nesting::check(&source.path, source.text) == nesting::Nesting::TooDeep {
        return FileFacts::unread(source.path.clone(), source.language, bytes, Why::TooDeep);
    }
    let allocator = Allocator::default();
    let kind = SourceType::from_path(&*source.path).unwrap_or_default();
    let mut parsed = Parser::new(&allocator, source.text, kind).parse();
    if parsed.panicked && !kind.is_typescript() {
        // Plain scripts may be modules, and some hold types or markup.
        let other = kind.with_jsx(true).with_typescript(true);
        parsed = Parser::new(&allocator, source.text, other).parse();
    }
    let lines = Lines::of(source.text);
    if parsed.panicked {
        let first = parsed.diagnostics.iter().next();
        let text = first.map_or_else(|| String::from("can't be parsed"), ToString::to_string);
        let label = first.and_then(|told| told.labels.first());
        let offset = label.map(|label| label.offset());
        let line = offset.map_or(1, |offset| lines.span(offset, offset).line);
        let why = Why::Syntax(line, text);
        return FileFacts::unread(source.path.clone(), source.language, bytes, why);
    }
    let program = parsed.program;
    let semantic = SemanticBuilder::new().build(&program).semantic;
    let mut lowering = Lowering::new(source, &lines, semantic.scoping());
    lowering.program(&program);
    lowering.facts
}

/// The way of a file from syntax to facts.
struct Lowering<'s> {
    text: &'s str,
    lines: &'s Lines,
    scoping: &'s Scoping,
    facts: FileFacts,
    /// The function whose code is being read.
    owner: FnId,
    /// How deep in statements and expressions.
    depth: usize,
    /// What the statement that is being read does before its own effect: a default of a pattern,
    /// the static block of a class.
    before: Block,
}

impl<'s> Lowering<'s> {
    fn new(source: &'s Source<'_>, lines: &'s Lines, scoping: &'s Scoping) -> Self {
        let bytes = u64::try_from(source.text.len()).unwrap_or(u64::MAX);
        let mut facts = FileFacts::empty(source.path.clone(), source.language, bytes);
        facts.is_program = source.text.starts_with("#!");
        facts.variables = scoping
            .symbol_ids()
            .map(|symbol| {
                let span = scoping.symbol_span(symbol);
                let constant = scoping.symbol_flags(symbol).is_const_variable();
                Variable {
                    name: Name::from(scoping.symbol_name(symbol)),
                    owner: FnId::MODULE,
                    kind: if constant {
                        VariableKind::Constant
                    } else {
                        VariableKind::Local
                    },
                    ty: None,
                    span: lines.span(span.start, span.end),
                }
            })
            .collect();
        Self {
            text: source.text,
            lines,
            scoping,
            facts,
            owner: FnId::MODULE,
            depth: 0,
            before: Block::new(),
        }
    }

    fn program(&mut self, program: &Program<'_>) {
        for comment in &program.comments {
            let content = comment.content_span();
            let text = self
                .text
                .get(usize_of(content.start)..usize_of(content.end));
            let text = text
                .unwrap_or_default()
                .trim_matches(['*', ' ', '\n', '\t', '\r']);
            let span = self.span(comment.span);
            self.facts.comments.push(Comment {
                span,
                text: Name::from(text),
            });
        }
        let body = self.statements(&program.body);
        let span = self.span(program.span);
        if let Some(module) = self.facts.functions.first_mut() {
            module.body = body;
            module.span = span;
        }
    }

    fn span(&self, span: oxc_span::Span) -> Span {
        self.lines.span(span.start, span.end)
    }

    fn span_of(&self, node: &impl GetSpan) -> Span {
        self.span(node.span())
    }

    fn make(&self, kind: ExprKind, span: oxc_span::Span) -> Expr {
        Expr {
            kind,
            span: self.span(span),
        }
    }

    fn null(&self, span: oxc_span::Span) -> Expr {
        self.make(ExprKind::Null, span)
    }

    /// The variable of a symbol, now known to be declared by the current function.
    fn declare(&mut self, symbol: Option<SymbolId>, kind: Option<VariableKind>) -> VarId {
        let id = symbol.map_or(u32::MAX, var_of);
        let owner = self.owner;
        let at = usize::try_from(id).unwrap_or(usize::MAX);
        if let Some(variable) = self.facts.variables.get_mut(at) {
            variable.owner = owner;
            if let Some(kind) = kind {
                variable.kind = kind;
            }
        }
        VarId(id)
    }

    fn import(&mut self, source: &str, item: ImportItem, span: Span) -> ImportId {
        let id = ImportId(u32::try_from(self.facts.imports.len()).unwrap_or(u32::MAX));
        self.facts.imports.push(Import {
            source: Name::from(source),
            item,
            span,
        });
        id
    }

    fn export(&mut self, name: &str, value: Expr) {
        self.facts.exports.push(Export {
            name: Name::from(name),
            value,
        });
    }
}

fn var_of(symbol: SymbolId) -> u32 {
    u32::try_from(symbol.index()).unwrap_or(u32::MAX)
}

fn usize_of(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
