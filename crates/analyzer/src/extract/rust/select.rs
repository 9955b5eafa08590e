//! `tokio::select!` and `futures::select!`.

use syn::parse::{Parse, ParseStream};
use syn::{Expr as SynExpr, Macro, Pat, Token};

use super::exprs::wrap;
use super::{Lower, Tail};
use crate::extract::build::between;
use crate::facts::{Arm, Block, ExprKind, Pattern, Stmt, StmtKind};

/// One branch: `pattern = future, if guard => body`, or `else => body`.
struct Branch {
    wait: Option<(Pat, SynExpr)>,
    guard: Option<SynExpr>,
    body: SynExpr,
}

struct Branches(Vec<Branch>);

impl Parse for Branches {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let ahead = input.fork();
        if let Ok(word) = ahead.parse::<syn::Ident>()
            && word == "biased"
            && ahead.peek(Token![;])
        {
            input.parse::<syn::Ident>()?;
            input.parse::<Token![;]>()?;
        }
        let mut all = Vec::new();
        while !input.is_empty() {
            all.push(input.parse()?);
        }
        Ok(Self(all))
    }
}

impl Parse for Branch {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let wait = if is_default(input) {
            None
        } else {
            let pat = Pat::parse_multi_with_leading_vert(input)?;
            input.parse::<Token![=]>()?;
            Some((pat, input.parse()?))
        };
        let mut guard = None;
        if input.peek(Token![,]) && input.peek2(Token![if]) {
            input.parse::<Token![,]>()?;
            input.parse::<Token![if]>()?;
            guard = Some(input.parse()?);
        }
        input.parse::<Token![=>]>()?;
        let body = SynExpr::parse_with_earlier_boundary_rule(input)?;
        input.parse::<Option<Token![,]>>()?;
        Ok(Self { wait, guard, body })
    }
}

/// Whether the branch is `else`, `default` or `complete`, which is taken then.
fn is_default(input: ParseStream<'_>) -> bool {
    if input.peek(Token![else]) {
        return input.parse::<Token![else]>().is_ok();
    }
    let ahead = input.fork();
    let is_word = ahead
        .parse::<syn::Ident>()
        .is_ok_and(|word| word == "default" || word == "complete");
    if is_word && ahead.peek(Token![=>]) {
        return input.parse::<syn::Ident>().is_ok();
    }
    false
}

impl Lower {
    /// The branches as arms, each with the future that it waits for; `None` if the tokens are no branches.
    pub(super) fn select(&mut self, mac: &Macro, tail: Tail) -> Option<Stmt> {
        let branches: Branches = mac.parse_body().ok()?;
        let span = between(self.macro_path(mac).span, self.macro_end(mac));
        let mut arms = Vec::new();
        for branch in branches.0 {
            self.build.push();
            let mut at = span;
            let (pattern, test) = match &branch.wait {
                None => (Pattern::Any, None),
                Some((pat, future)) => {
                    let future = self.expr(future);
                    at = future.span;
                    let waited = wrap(ExprKind::Await(Box::new(future)), at);
                    (self.arm_pattern(pat), Some(waited))
                }
            };
            let mut body = Block::new();
            if let Some(guard) = &branch.guard {
                let guard = self.expr(guard);
                let at = guard.span;
                body.push(super::stmts::stmt(StmtKind::Expr(guard), at));
            }
            let mut then = Block::new();
            self.arm_body(&branch.body, tail, &mut then);
            body.append(&mut then);
            self.build.pop();
            let end = body.last().map_or(at, |last| last.span);
            arms.push(Arm {
                pattern,
                test,
                body,
                span: between(at, end),
            });
        }
        Some(super::stmts::stmt(StmtKind::Select(arms), span))
    }
}
