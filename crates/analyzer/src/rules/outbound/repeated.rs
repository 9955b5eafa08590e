//! What is done again when it failed: by a loop that success leaves, by a library, by a function of the author's that
//! calls what it is given in such a loop.

use std::collections::{BTreeMap, BTreeSet};

use crate::budget::{self, Left};
use crate::facts::{Block, Expr, ExprKind, Language, StmtKind, VarId, walk};
use crate::link::{Failure, Fate, FnRef, Project, Site, SiteId};
use crate::rules::At;
use crate::rules::outbound::recurring;
use crate::rules::outbound::turns::again;
use crate::vocabulary::{self, Role};

/// Calls upwards through which a failure may come to the loop that goes on.
const MAX_CALLS: usize = 2;

/// Members, calls and variables that are followed back to where a chain begins.
const MAX_LINKS: usize = 12;

/// Callers of one function that are looked at.
const MAX_CALLERS: usize = 16;

/// The functions that are called again when they fail, and where.
pub(super) struct Repeated {
    /// By a library, or by a decorator.
    functions: BTreeSet<FnRef>,
    /// By a function of the author's: the call in its loop.
    given: BTreeMap<FnRef, At>,
    /// Where threads run what they are given.
    threads: BTreeMap<FnRef, Vec<SiteId>>,
}

impl Repeated {
    pub(super) fn of(project: &Project<'_>) -> Self {
        let mut all = Self {
            functions: BTreeSet::new(),
            given: BTreeMap::new(),
            threads: BTreeMap::new(),
        };
        let mut takers: BTreeMap<FnRef, At> = BTreeMap::new();
        for site in project.sites() {
            if site.role == Some(Role::Retry) {
                all.functions.extend(project.runs_of(site.id));
            }
            let language = project.language(site.at.file);
            let mut paths = site.paths.iter();
            if paths.any(|path| vocabulary::threaded(language, path).is_some()) {
                for run in project.runs_of(site.id) {
                    all.threads.entry(*run).or_default().push(site.id);
                }
            }
            if let Some(taker) = takes(project, site)
                && is_repeated(project, site)
            {
                let place = At {
                    function: site.at,
                    span: site.span,
                };
                takers.entry(taker).or_insert(place);
            }
        }
        for (taker, place) in &takers {
            for id in project.callers(*taker) {
                let given = project.runs_of(*id).iter().filter(|one| *one != taker);
                all.given.extend(given.map(|one| (*one, *place)));
            }
        }
        all.decorated(project, &takers);
        all
    }

    /// Functions under a decorator that is a library's, or that calls them again itself.
    fn decorated(&mut self, project: &Project<'_>, takers: &BTreeMap<FnRef, At>) {
        for (at, function) in project.functions() {
            let outer = project.decorated_in(at);
            let language = project.language(at.file);
            for decorator in &function.decorators {
                let callee = decorator.call().map_or(decorator, |call| &call.callee);
                for value in project.values(outer, callee) {
                    let own = value.function();
                    let taken = own.and_then(|own| {
                        let mut inside = project.inside(own).into_iter();
                        inside.find_map(|inner| takers.get(&inner))
                    });
                    if let Some(place) = taken {
                        self.given.insert(at, *place);
                    }
                    let is_library = value
                        .path()
                        .is_some_and(|path| vocabulary::role(language, &path) == Some(Role::Retry));
                    if is_library {
                        self.functions.insert(at);
                    }
                }
            }
        }
    }

    /// Where a call is repeated if it fails: itself, or the call of the author's function that repeats what it is given.
    pub(super) fn place(&self, project: &Project<'_>, site: &Site<'_>) -> Option<At> {
        let here = At {
            function: site.at,
            span: site.span,
        };
        self.upwards(project, site, here, MAX_CALLS)
    }

    fn upwards(&self, project: &Project<'_>, site: &Site<'_>, here: At, left: usize) -> Option<At> {
        if is_repeated(project, site) {
            return Some(At {
                function: site.at,
                span: site.span,
            });
        }
        if swallowed(project, site) {
            return None;
        }
        // A closure is repeated with the function around it, as far as it is called there.
        for (at, function) in project.outward(site.at) {
            if self.functions.contains(&at) {
                return Some(here);
            }
            if let Some(place) = self.given.get(&at) {
                return Some(*place);
            }
            if !function.name.is_empty() {
                break;
            }
        }
        let callers = project.callers(site.at);
        if left == 0 || callers.len() > MAX_CALLERS {
            return None;
        }
        let threads = self.threads.get(&site.at).into_iter().flatten();
        let callers = callers.iter().chain(threads);
        let callers = callers.filter_map(|id| project.site(*id));
        let mut callers = callers.chain(waiting(project, site.at));
        callers.find_map(|caller| self.upwards(project, caller, here, left - 1))
    }
}

impl Repeated {
    /// What a function of the author's gives to a closure that it repeats, where a call is made on that: the pool of
    /// `insist(async (pool) => pool.request().query(text))`.
    pub(super) fn given_to<'a>(
        &self,
        project: &Project<'a>,
        site: &Site<'a>,
    ) -> Option<(FnRef, &'a Expr)> {
        let place = self.given.get(&site.at)?;
        let closure = project.function(site.at)?;
        let root = root(project, site.at, site.call.receiver()?)?;
        let mut params = closure.params.iter();
        let at = params.position(|param| param.pattern.variable() == Some(root))?;
        let mut calls = project.sites_holding(place.function, place.span);
        let call = calls.find(|call| call.span == place.span)?;
        Some((call.at, call.call.arg(at)?))
    }
}

/// The call that a closure is written for, where its end is waited for: `await limit(() => send(body))`.
fn waiting<'p, 'a>(project: &'p Project<'a>, closure: FnRef) -> Option<&'p Site<'a>> {
    let function = project.function(closure)?;
    let parent = function.parent.filter(|_| function.name.is_empty())?;
    let around = project
        .sites_holding(closure.beside(parent), function.span)
        .next()?;
    (matches!(around.fate, Fate::Awaited | Fate::Returned)
        && !matches!(around.name(), "map" | "forEach" | "then" | "catch"))
    .then_some(around)
}

/// The variable that a chain of members and calls begins with, through what variables of the function were set to.
fn root<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr) -> Option<VarId> {
    let mut expr = expr;
    for _ in 0..MAX_LINKS {
        let kind = &expr.bare().kind;
        if let ExprKind::Member(object, _) = kind {
            expr = object;
        } else if let ExprKind::Call(call) = kind {
            expr = &call.callee;
        } else if let ExprKind::Var(id) = kind {
            match project.assigned(at.variable(*id)).next() {
                Some((here, value)) if here == at => expr = value,
                Some(_) | None => return Some(*id),
            }
        } else {
            return None;
        }
    }
    None
}

/// The function whose parameter a call calls: `operation(pool)`, `fn(*args)`.
fn takes(project: &Project<'_>, site: &Site<'_>) -> Option<FnRef> {
    let ExprKind::Var(id) = site.call.callee.bare().kind else {
        return None;
    };
    let mut around = project.outward(site.at);
    let taker = around.find(|(_, function)| {
        let mut params = function.params.iter();
        params.any(|param| param.pattern.variable() == Some(id))
    });
    taker.map(|(at, _)| at)
}

/// Whether the failure of a call is not seen outside of its function: something is given back all the same.
fn swallowed(project: &Project<'_>, site: &Site<'_>) -> bool {
    let tells = |block: &Block| {
        let mut found = false;
        walk::stmts(block, &mut |stmt| {
            found |= match project.language(site.at.file) {
                Language::TypeScript | Language::Python => matches!(stmt.kind, StmtKind::Throw(_)),
                Language::Rust | Language::Go => matches!(stmt.kind, StmtKind::Return(_)),
            };
        });
        found
    };
    failures(project, site).any(|failure| !tells(failure.body) && !keeps(project, site, failure))
}

/// Whether the error is kept, and thrown after the region: `failed = error` before `throw failed`.
fn keeps(project: &Project<'_>, site: &Site<'_>, failure: &Failure<'_>) -> bool {
    let Some(function) = project.function(site.at) else {
        return false;
    };
    let mut kept = Vec::new();
    walk::stmts(failure.body, &mut |stmt| {
        if let StmtKind::Assign { target, .. } = &stmt.kind {
            kept.extend(target.variable());
        }
    });
    let mut thrown = false;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Throw(Some(error)) = &stmt.kind {
            thrown |= matches!(error.bare().kind, ExprKind::Var(id) if kept.contains(&id));
        }
    });
    thrown
}

/// The regions of its function that run when a call failed.
pub(super) fn failures<'p, 'a>(
    project: &'p Project<'a>,
    site: &'p Site<'a>,
) -> impl Iterator<Item = &'p Failure<'a>> {
    budget::on(site.at.file);
    let mut all = match budget::spend_on_places(project.failures.len()) {
        Left::Some => project.failures.iter(),
        Left::Nothing => [].iter(),
    };
    std::iter::from_fn(move || {
        all.find(|failure| failure.at == site.at && failure.guarded.holds(site.span))
    })
}

/// Whether a call is made again when it failed, by a loop or because its function calls itself.
fn is_repeated(project: &Project<'_>, site: &Site<'_>) -> bool {
    again(project, site) || recurring::is_repeated(project, site)
}
