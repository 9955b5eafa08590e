//! A tree that counts how much of it a rule looks at, and ends where that is too much: rules that
//! look around in loops within loops could otherwise take hours over one file.

use std::borrow::Cow;
use std::cell::Cell;
use std::ops::Range;

use ast_grep_core::Position;
use ast_grep_core::source::{Doc, Edit, SgNode};
use ast_grep_core::tree_sitter::StrDoc;
use ast_grep_language::SupportLang;

/// What a rule may look at in any file, in nodes.
const BASE: u64 = 2_000_000;

/// What it may look at beside that for each byte of the file.
const PER_BYTE: u64 = 20;

/// Going to a parent or a sibling goes through the tree from its root; so many children of the
/// root are as much as one node.
const WIDTH: u64 = 64;

/// Text that is looked at; so many bytes are as much as one node.
const TEXT: usize = 64;

type Inner = StrDoc<SupportLang>;

/// A parsed file.
#[derive(Clone)]
pub(super) struct Counted {
    doc: Inner,
    left: Cell<u64>,
    aside: u64,
}

impl Counted {
    /// Parses a file.
    pub(super) fn of(text: &str, language: SupportLang) -> Result<Self, String> {
        let doc = Inner::try_new(text, language)?;
        let aside = 1 + SgNode::children(&doc.root_node()).len() as u64 / WIDTH;
        Ok(Self {
            doc,
            left: Cell::new(0),
            aside,
        })
    }

    /// Lets the next rule look around.
    pub(super) fn refill(&self) {
        let bytes = self.doc.src.len() as u64;
        self.left.set(BASE + PER_BYTE * bytes);
    }

    /// Whether there was more to look at than a rule may.
    pub(super) fn is_spent(&self) -> bool {
        self.left.get() == 0
    }
}

impl Doc for Counted {
    type Source = String;
    type Lang = SupportLang;
    type Node<'r> = Node<'r>;

    fn get_lang(&self) -> &SupportLang {
        self.doc.get_lang()
    }

    fn get_source(&self) -> &String {
        self.doc.get_source()
    }

    fn do_edit(&mut self, edit: &Edit<String>) -> Result<(), String> {
        self.doc.do_edit(edit)
    }

    fn root_node(&self) -> Node<'_> {
        Node {
            node: self.doc.root_node(),
            left: &self.left,
            aside: self.aside,
        }
    }

    fn get_node_text<'a>(&'a self, node: &Node<'a>) -> Cow<'a, str> {
        let text = self.doc.get_node_text(&node.node);
        node.spend((text.len() / TEXT) as u64);
        text
    }
}

/// A node of it. Where nothing is left to spend, it has no relatives.
#[derive(Clone)]
pub(super) struct Node<'r> {
    node: <Inner as Doc>::Node<'r>,
    left: &'r Cell<u64>,
    aside: u64,
}

impl<'r> Node<'r> {
    /// Whether there was so much left.
    fn spend(&self, much: u64) -> bool {
        let left = self.left.get().saturating_sub(much);
        self.left.set(left);
        left > 0
    }

    fn with(&self, node: <Inner as Doc>::Node<'r>) -> Self {
        Self {
            node,
            left: self.left,
            aside: self.aside,
        }
    }

    fn aside(&self, node: Option<<Inner as Doc>::Node<'r>>) -> Option<Self> {
        let node = node?;
        self.spend(self.aside).then(|| self.with(node))
    }

    fn each(
        &self,
        nodes: impl Iterator<Item = <Inner as Doc>::Node<'r>>,
    ) -> impl Iterator<Item = Self> {
        let this = self.clone();
        nodes.map_while(move |node| this.spend(1).then(|| this.with(node)))
    }
}

impl<'r> SgNode<'r> for Node<'r> {
    fn parent(&self) -> Option<Self> {
        self.aside(SgNode::parent(&self.node))
    }

    fn children(&self) -> impl ExactSizeIterator<Item = Self> {
        let children = SgNode::children(&self.node);
        let count = children.len();
        let shown = if self.spend(1 + count as u64) {
            count
        } else {
            0
        };
        children.take(shown).map(|node| self.with(node))
    }

    fn kind(&self) -> Cow<'_, str> {
        SgNode::kind(&self.node)
    }

    fn kind_id(&self) -> u16 {
        SgNode::kind_id(&self.node)
    }

    fn node_id(&self) -> usize {
        self.node.node_id()
    }

    fn range(&self) -> Range<usize> {
        SgNode::range(&self.node)
    }

    fn start_pos(&self) -> Position {
        self.node.start_pos()
    }

    fn end_pos(&self) -> Position {
        self.node.end_pos()
    }

    fn ancestors(&self, root: Self) -> impl Iterator<Item = Self> {
        let above = self
            .spend(self.aside)
            .then(|| self.node.ancestors(root.node));
        self.each(above.into_iter().flatten())
    }

    fn dfs(&self) -> impl Iterator<Item = Self> {
        self.each(self.node.dfs())
    }

    fn child(&self, nth: usize) -> Option<Self> {
        let child = SgNode::child(&self.node, nth)?;
        self.spend(1).then(|| self.with(child))
    }

    fn next(&self) -> Option<Self> {
        self.aside(SgNode::next(&self.node))
    }

    fn prev(&self) -> Option<Self> {
        self.aside(SgNode::prev(&self.node))
    }

    fn next_all(&self) -> impl Iterator<Item = Self> {
        let after = self.spend(self.aside).then(|| self.node.next_all());
        self.each(after.into_iter().flatten())
    }

    fn prev_all(&self) -> impl Iterator<Item = Self> {
        // Going back from one sibling to the next goes through all of them each time.
        let mut before = Vec::new();
        if let Some(parent) = SgNode::parent(self) {
            let own = self.node.node_id();
            before.extend(SgNode::children(&parent).take_while(|it| it.node_id() != own));
        }
        before.into_iter().rev()
    }

    fn is_named(&self) -> bool {
        SgNode::is_named(&self.node)
    }

    fn is_named_leaf(&self) -> bool {
        self.node.is_named_leaf()
    }

    fn is_leaf(&self) -> bool {
        self.node.is_leaf()
    }

    fn is_missing(&self) -> bool {
        SgNode::is_missing(&self.node)
    }

    fn is_error(&self) -> bool {
        SgNode::is_error(&self.node)
    }

    fn is_extra(&self) -> bool {
        SgNode::is_extra(&self.node)
    }

    fn field(&self, name: &str) -> Option<Self> {
        let child = self.node.field(name)?;
        self.spend(1).then(|| self.with(child))
    }

    fn field_children(&self, field_id: Option<u16>) -> impl Iterator<Item = Self> {
        self.each(self.node.field_children(field_id))
    }

    fn child_by_field_id(&self, field_id: u16) -> Option<Self> {
        let child = SgNode::child_by_field_id(&self.node, field_id)?;
        self.spend(1).then(|| self.with(child))
    }
}
