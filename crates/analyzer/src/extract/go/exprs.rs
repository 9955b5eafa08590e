//! Expressions.

use tree_sitter::Node;

use super::{Lower, tree};
use crate::extract::build::{Space, opaque};
use crate::facts::{Arg, Call, CallForm, Compare, Entry, Expr, ExprKind, Logic, Mode, Name, Span};

impl Lower<'_> {
    /// An expression; a type where one stands among arguments.
    pub(super) fn expr(&mut self, node: Node<'_>) -> Expr {
        let span = self.span(node);
        if !self.build.enter() {
            return opaque(Vec::new(), span);
        }
        let made = self.plain(node, span);
        self.build.leave();
        made
    }

    fn plain(&mut self, node: Node<'_>, span: Span) -> Expr {
        let kind = match node.kind() {
            "identifier" => {
                let name = self.text(node);
                return self.build.name(&name, Space::Values, span);
            }
            "nil" => ExprKind::Null,
            "true" => ExprKind::Bool(true),
            "false" => ExprKind::Bool(false),
            "int_literal" | "float_literal" => ExprKind::Number(number(self.raw(node))),
            "interpreted_string_literal" => ExprKind::Str(unescaped(self.raw(node))),
            "raw_string_literal" => ExprKind::Str(Name::from(self.raw(node).trim_matches('`'))),
            "rune_literal" => ExprKind::Str(Name::from(self.raw(node).trim_matches('\''))),
            "parenthesized_expression" => match tree::first(node) {
                Some(inner) => return self.expr(inner),
                None => ExprKind::Opaque(Vec::new()),
            },
            "selector_expression" => self.selector(node),
            "index_expression" => {
                match (tree::field(node, "operand"), tree::field(node, "index")) {
                    (Some(object), Some(index)) => {
                        let object = self.expr(object);
                        let index = self.expr(index);
                        ExprKind::Index(Box::new(object), Box::new(index))
                    }
                    _ => ExprKind::Opaque(Vec::new()),
                }
            }
            "call_expression" => return self.call(node),
            "composite_literal" => return self.composite(node),
            "func_literal" => return self.closure(node),
            "unary_expression" => return self.unary(node),
            "binary_expression" => self.binary(node),
            "type_assertion_expression" | "type_conversion_expression" => {
                match tree::field(node, "operand") {
                    Some(inner) => return self.expr(inner),
                    None => ExprKind::Opaque(Vec::new()),
                }
            }
            "type_instantiation_expression" => match tree::field(node, "type") {
                Some(inner) => return self.type_value(inner),
                None => ExprKind::Opaque(Vec::new()),
            },
            "variadic_argument" => match tree::first(node) {
                Some(inner) => ExprKind::Spread(Box::new(self.expr(inner))),
                None => ExprKind::Opaque(Vec::new()),
            },
            "send_statement" => return self.send(node),
            "literal_element" => match tree::first(node) {
                Some(inner) => return self.expr(inner),
                None => ExprKind::Opaque(Vec::new()),
            },
            "literal_value" => ExprKind::List(self.elements(node)),
            kind if kind.ends_with("_type") || kind == "type_identifier" => {
                return self.type_value(node);
            }
            _ => {
                let parts = tree::named(node)
                    .into_iter()
                    .map(|part| self.expr(part))
                    .collect();
                ExprKind::Opaque(parts)
            }
        };
        Expr { kind, span }
    }

    /// An expression list, or one expression.
    pub(super) fn list(&mut self, node: Node<'_>) -> Vec<Expr> {
        if node.kind() == "expression_list" {
            tree::named(node)
                .into_iter()
                .map(|one| self.expr(one))
                .collect()
        } else {
            vec![self.expr(node)]
        }
    }

    fn selector(&mut self, node: Node<'_>) -> ExprKind {
        match (tree::field(node, "operand"), tree::field(node, "field")) {
            (Some(object), Some(name)) => {
                let object = self.expr(object);
                ExprKind::Member(Box::new(object), self.text(name))
            }
            _ => ExprKind::Opaque(Vec::new()),
        }
    }

    fn call(&mut self, node: Node<'_>) -> Expr {
        let span = self.span(node);
        let Some(function) = tree::field(node, "function") else {
            return opaque(Vec::new(), span);
        };
        let callee = generic(self.expr(function));
        let args = tree::field(node, "arguments")
            .map(|list| self.args(list))
            .unwrap_or_default();
        if let Some(joined) = self.formatted(&callee, &args) {
            return Expr { kind: joined, span };
        }
        call(CallForm::Plain, callee, args, span)
    }

    fn args(&mut self, list: Node<'_>) -> Vec<Arg> {
        tree::named(list)
            .into_iter()
            .map(|one| Arg {
                name: None,
                value: self.expr(one),
            })
            .collect()
    }

    /// `T{…}`: a map is an object, a slice a list, a struct a literal.
    fn composite(&mut self, node: Node<'_>) -> Expr {
        let span = self.span(node);
        let (Some(ty), Some(body)) = (tree::field(node, "type"), tree::field(node, "body")) else {
            return opaque(Vec::new(), span);
        };
        let kind = match ty.kind() {
            "map_type" => ExprKind::Object(self.entries(body)),
            "slice_type" | "array_type" | "implicit_length_array_type" => {
                let element = tree::field(ty, "element");
                ExprKind::List(self.typed_elements(body, element))
            }
            _ => {
                let callee = self.type_value(ty);
                let args = self.literal_fields(body);
                return call(CallForm::Literal, callee, args, span);
            }
        };
        Expr { kind, span }
    }

    fn literal_fields(&mut self, body: Node<'_>) -> Vec<Arg> {
        let mut all = Vec::new();
        for element in tree::named(body) {
            if element.kind() == "keyed_element" {
                let name = tree::field(element, "key").map(|key| self.text(key));
                if let Some(value) = tree::field(element, "value") {
                    let value = self.expr(value);
                    all.push(Arg { name, value });
                }
            } else {
                let value = self.expr(element);
                all.push(Arg { name: None, value });
            }
        }
        all
    }

    fn entries(&mut self, body: Node<'_>) -> Vec<Entry> {
        let mut all = Vec::new();
        for element in tree::named(body) {
            let (Some(key), Some(value)) =
                (tree::field(element, "key"), tree::field(element, "value"))
            else {
                continue;
            };
            let key = self.expr(key).text().cloned();
            let value = self.expr(value);
            all.push(Entry { key, value });
        }
        all
    }

    /// Elements of a list; those without a type of their own are literals of the list's.
    fn typed_elements(&mut self, body: Node<'_>, element: Option<Node<'_>>) -> Vec<Expr> {
        let mut all = Vec::new();
        for one in tree::named(body) {
            let value = if one.kind() == "keyed_element" {
                tree::field(one, "value").unwrap_or(one)
            } else {
                one
            };
            let inner = tree::first(value).filter(|inner| inner.kind() == "literal_value");
            match (inner, element) {
                (Some(inner), Some(ty)) if !ty.kind().ends_with("map_type") => {
                    let span = self.span(inner);
                    let callee = self.type_value(ty);
                    let args = self.literal_fields(inner);
                    all.push(call(CallForm::Literal, callee, args, span));
                }
                _ => all.push(self.expr(value)),
            }
        }
        all
    }

    fn elements(&mut self, body: Node<'_>) -> Vec<Expr> {
        self.literal_fields(body)
            .into_iter()
            .map(|arg| arg.value)
            .collect()
    }

    fn closure(&mut self, node: Node<'_>) -> Expr {
        let span = self.span(node);
        let id = self.build.function(Name::from(""), None, Mode::Sync, span);
        self.fill(id, node, None);
        Expr {
            kind: ExprKind::Function(id),
            span,
        }
    }

    fn unary(&mut self, node: Node<'_>) -> Expr {
        let span = self.span(node);
        let Some(operand) = tree::field(node, "operand") else {
            return opaque(Vec::new(), span);
        };
        let operator = tree::field(node, "operator").map(|op| self.text(op));
        let inner = self.expr(operand);
        let kind = match operator.as_deref() {
            Some("<-") => ExprKind::Await(Box::new(inner)),
            Some("!") => ExprKind::Not(Box::new(inner)),
            Some("&" | "*") => return inner,
            _ => {
                if let ExprKind::Number(value) = inner.kind {
                    ExprKind::Number(-value)
                } else {
                    ExprKind::Opaque(vec![inner])
                }
            }
        };
        Expr { kind, span }
    }

    fn binary(&mut self, node: Node<'_>) -> ExprKind {
        let (Some(left), Some(right)) = (tree::field(node, "left"), tree::field(node, "right"))
        else {
            return ExprKind::Opaque(Vec::new());
        };
        let operator = tree::field(node, "operator").map(|op| self.text(op));
        let left = self.expr(left);
        let right = self.expr(right);
        let compare = |how, left, right| ExprKind::Compare(how, Box::new(left), Box::new(right));
        match operator.as_deref() {
            Some("&&") => ExprKind::Logic(Logic::And, Box::new(left), Box::new(right)),
            Some("||") => ExprKind::Logic(Logic::Or, Box::new(left), Box::new(right)),
            Some("==") => compare(Compare::Equal, left, right),
            Some("!=") => compare(Compare::NotEqual, left, right),
            Some("<" | "<=" | ">" | ">=") => compare(Compare::Order, left, right),
            Some("+") if is_text(&left) || is_text(&right) => {
                let mut parts = if let ExprKind::Join(parts) = left.kind {
                    parts
                } else {
                    vec![left]
                };
                parts.push(right);
                ExprKind::Join(parts)
            }
            _ => ExprKind::Opaque(vec![left, right]),
        }
    }
}

pub(super) fn call(form: CallForm, callee: Expr, args: Vec<Arg>, span: Span) -> Expr {
    Expr {
        kind: ExprKind::Call(Box::new(Call { form, callee, args })),
        span,
    }
}

/// `f[T](x)` calls `f`: a type between the brackets is no name of the file.
fn generic(callee: Expr) -> Expr {
    if let ExprKind::Index(object, index) = callee.kind {
        if matches!(index.kind, ExprKind::Global(_)) {
            return *object;
        }
        let kind = ExprKind::Index(object, index);
        return Expr { kind, ..callee };
    }
    callee
}

/// `channel.send(value)`.
pub(super) fn send(channel: Expr, value: Expr, span: Span) -> Expr {
    let callee = Expr {
        span: channel.span,
        kind: ExprKind::Member(Box::new(channel), Name::from("send")),
    };
    call(
        CallForm::Plain,
        callee,
        vec![Arg { name: None, value }],
        span,
    )
}

fn is_text(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Str(_) | ExprKind::Join(_))
}

fn number(text: &str) -> f64 {
    let digits = text.replace('_', "");
    if let Some(hex) = digits.strip_prefix("0x") {
        return u32::from_str_radix(hex, 16).map_or(f64::NAN, f64::from);
    }
    digits.parse().unwrap_or(f64::NAN)
}

/// The value of `"…"`, with the common escapes replaced.
fn unescaped(literal: &str) -> Name {
    let inner = literal
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(literal);
    if !inner.contains('\\') {
        return Name::from(inner);
    }
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(next) = chars.next() {
        if next != '\\' {
            text.push(next);
            continue;
        }
        match chars.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some(other) => text.push(other),
            None => {}
        }
    }
    Name::from(text)
}
