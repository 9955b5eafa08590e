//! Facts of Go files: tree-sitter parses, this module reduces its tree.
//!
//! What is a channel operation becomes what it means elsewhere: `<-ch` is an await of `ch`, `ch <- v` a call of `ch.send`.

mod decls;
mod exprs;
mod flow;
mod format;
mod imports;
mod stmts;
#[cfg(test)]
mod tests;
mod tree;
mod types;

use tree_sitter::Node;

use super::Source;
use super::build::Build;
use crate::facts::{Block, Comment, Expr, FileFacts, FnId, Name, Span};

/// Reads one file.
pub fn extract(source: &Source<'_>) -> FileFacts {
    let bytes = u64::try_from(source.text.len()).unwrap_or(u64::MAX);
    match tree::parse(source.text) {
        Ok(parsed) => Lower {
            build: Build::new(source),
            text: source.text,
            results: Vec::new(),
        }
        .file(parsed.root_node()),
        Err(why) => FileFacts::unread(source.path.clone(), source.language, bytes, why),
    }
}

/// The reduction of one file.
struct Lower<'a> {
    build: Build,
    text: &'a str,
    /// Named results of the functions being read: what a bare `return` gives.
    results: Vec<Vec<Expr>>,
}

impl Lower<'_> {
    fn file(mut self, root: Node<'_>) -> FileFacts {
        let mut body = Block::new();
        let tops = tree::named(root);
        for top in &tops {
            self.announce(*top);
        }
        for top in tops {
            self.declaration(top, &mut body);
        }
        if let Some(module) = self.build.function_mut(FnId::MODULE) {
            module.body = body;
        }
        self.comments(root);
        let has_main = self.build.facts.functions.iter().any(|function| {
            &*function.name == "main"
                && function.class.is_none()
                && function.parent == Some(FnId::MODULE)
        });
        self.build.facts.is_program = has_main && &*self.build.facts.package == "main";
        self.build.facts
    }

    fn comments(&mut self, root: Node<'_>) {
        let mut found = Vec::new();
        tree::each(root, &mut |node| {
            if node.is_extra() {
                found.push(node);
            }
        });
        for node in found {
            let marks = |c: char| c == '/' || c == '*' || c.is_whitespace();
            let text = Name::from(self.raw(node).trim_matches(marks));
            let span = self.span(node);
            self.build.facts.comments.push(Comment { span, text });
        }
    }

    fn span(&self, node: Node<'_>) -> Span {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.build
            .lines
            .span(offset(node.start_byte()), offset(node.end_byte()))
    }

    /// The text of a node.
    fn raw(&self, node: Node<'_>) -> &str {
        self.text.get(node.byte_range()).unwrap_or("")
    }

    fn text(&self, node: Node<'_>) -> Name {
        Name::from(self.raw(node))
    }
}
