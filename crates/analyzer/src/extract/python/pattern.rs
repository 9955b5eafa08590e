//! Targets of assignments, and the patterns of `match`.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "most forms of the parser's tree are one case here"
)]

use ruff_python_ast::{Expr as Tree, Pattern as TreePattern, Singleton};

use super::module::Lower;
use super::scope::Meaning;
use crate::facts::{Expr, ExprKind, Name, Pattern};

impl<'a> Lower<'a> {
    /// The left side of an assignment, `for`, `with` or `:=`.
    pub(super) fn target(&mut self, tree: &'a Tree) -> Pattern {
        match tree {
            Tree::Name(name) => match self.scopes.meaning(name.id.as_str()) {
                Meaning::Var(id) => Pattern::Var(id),
                Meaning::Receiver | Meaning::Unknown => Pattern::Place(self.expr(tree)),
            },
            Tree::Tuple(tuple) => self.targets(&tuple.elts),
            Tree::List(list) => self.targets(&list.elts),
            Tree::Starred(starred) => self.target(&starred.value),
            _ => Pattern::Place(self.expr(tree)),
        }
    }

    fn targets(&mut self, trees: &'a [Tree]) -> Pattern {
        self.deeper(Pattern::Any, |lower| {
            Pattern::List(trees.iter().map(|tree| lower.target(tree)).collect())
        })
    }

    /// The pattern of a `case`.
    pub(super) fn case(&mut self, tree: &'a TreePattern) -> Pattern {
        self.deeper(Pattern::Any, |lower| lower.case_inside(tree))
    }

    fn case_inside(&mut self, tree: &'a TreePattern) -> Pattern {
        match tree {
            TreePattern::MatchValue(value) => Pattern::Value(self.expr(&value.value)),
            TreePattern::MatchSingleton(value) => {
                let kind = match value.value {
                    Singleton::None => ExprKind::Null,
                    Singleton::True => ExprKind::Bool(true),
                    Singleton::False => ExprKind::Bool(false),
                };
                Pattern::Value(Expr {
                    kind,
                    span: self.span(tree),
                })
            }
            TreePattern::MatchSequence(sequence) => Pattern::List(
                sequence
                    .patterns
                    .iter()
                    .map(|part| self.case(part))
                    .collect(),
            ),
            TreePattern::MatchMapping(mapping) => Pattern::Object(
                mapping
                    .keys
                    .iter()
                    .zip(&mapping.patterns)
                    .map(|(key, part)| (key_text(key), self.case(part)))
                    .collect(),
            ),
            TreePattern::MatchClass(class) => {
                let path = self.expr(&class.cls);
                let places = class.arguments.patterns.iter();
                let named = class
                    .arguments
                    .keywords
                    .iter()
                    .map(|keyword| &keyword.pattern);
                Pattern::Of(
                    path,
                    places.chain(named).map(|part| self.case(part)).collect(),
                )
            }
            TreePattern::MatchStar(star) => self.captured(star.name.as_ref()),
            TreePattern::MatchAs(part) => match (&part.pattern, &part.name) {
                (Some(pattern), _) => self.case(pattern),
                (None, name) => self.captured(name.as_ref()),
            },
            TreePattern::MatchOr(or) => {
                Pattern::Or(or.patterns.iter().map(|part| self.case(part)).collect())
            }
        }
    }

    fn captured(&mut self, name: Option<&ruff_python_ast::Identifier>) -> Pattern {
        let Some(name) = name else {
            return Pattern::Any;
        };
        match self.scopes.meaning(name.as_str()) {
            Meaning::Var(id) => Pattern::Var(id),
            Meaning::Receiver | Meaning::Unknown => Pattern::Any,
        }
    }
}

fn key_text(key: &Tree) -> Name {
    key.as_string_literal_expr()
        .map_or_else(|| Name::from(""), |text| Name::from(text.value.to_str()))
}
