//! The parser, within bounds, and steps over its tree.

use std::ops::ControlFlow;

use tree_sitter::{Node, ParseOptions, Parser, Tree};

use crate::facts::Why;

/// Times that the parser may report progress before it is stopped; a file of the greatest size needs a tenth of it.
const MAX_PROGRESS: usize = 2_000_000;

/// Parses a text without errors.
pub(super) fn parse(text: &str) -> Result<Tree, Why> {
    let mut parser = Parser::new();
    let language = tree_sitter_go::LANGUAGE.into();
    if let Err(error) = parser.set_language(&language) {
        return Err(Why::Io(error.to_string()));
    }
    let mut progress = 0_usize;
    let mut watch = |_: &tree_sitter::ParseState| {
        progress += 1;
        if progress > MAX_PROGRESS {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let options = ParseOptions::new().progress_callback(&mut watch);
    let bytes = text.as_bytes();
    let mut read = |at: usize, _| bytes.get(at..).unwrap_or_default();
    let Some(tree) = parser.parse_with_options(&mut read, None, Some(options)) else {
        return Err(Why::TooDeep);
    };
    if tree.root_node().has_error() {
        let line = first_error(tree.root_node());
        return Err(Why::Syntax(
            line,
            "this is not Go as the parser knows it".to_owned(),
        ));
    }
    Ok(tree)
}

/// The line of the first error.
fn first_error(root: Node<'_>) -> u32 {
    let mut first: Option<usize> = None;
    each(root, &mut |node| {
        if node.is_error() || node.is_missing() {
            let row = node.start_position().row;
            first = Some(first.map_or(row, |known| known.min(row)));
        }
    });
    u32::try_from(first.unwrap_or(0) + 1).unwrap_or(u32::MAX)
}

/// Calls `visit` with every node, without recursion.
pub(super) fn each<'t>(root: Node<'t>, visit: &mut dyn FnMut(Node<'t>)) {
    let mut cursor = root.walk();
    loop {
        visit(cursor.node());
        if cursor.goto_first_child() || cursor.goto_next_sibling() {
            continue;
        }
        loop {
            if !cursor.goto_parent() {
                return;
            }
            if cursor.goto_next_sibling() {
                break;
            }
        }
    }
}

/// The named children without comments, which are all that may stand anywhere.
pub(super) fn named(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor)
        .filter(|child| !child.is_extra())
        .collect()
}

/// The first named child without comments.
pub(super) fn first(node: Node<'_>) -> Option<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor)
        .find(|child| !child.is_extra())
}

/// The children under a field.
pub(super) fn fields<'t>(node: Node<'t>, name: &str) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.children_by_field_name(name, &mut cursor)
        .filter(Node::is_named)
        .collect()
}

/// The child under a field.
pub(super) fn field<'t>(node: Node<'t>, name: &str) -> Option<Node<'t>> {
    node.child_by_field_name(name)
}
