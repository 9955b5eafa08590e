//! Every call of the project, with what it calls.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::facts::{Call, Expr, ExprKind, FileFacts, FnId, Language, Name, Span, StmtKind, walk};
use crate::vocabulary::{self, Remote, Role};

use super::{ClassRef, FnRef, Project, Value};

/// A call, by its place in [`Project::sites`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SiteId(pub u32);

/// A call.
#[derive(Debug, Clone)]
pub struct Site<'a> {
    /// Its place.
    pub id: SiteId,
    /// The function that it stands in.
    pub at: FnRef,
    /// The last name of the callee: `query` of `pool.query`; of a renamed import the name that it was exported by.
    pub label: Name,
    /// The call.
    pub call: &'a Call,
    /// Where it is.
    pub span: Span,
    /// What becomes of its value.
    pub fate: Fate,
    /// Canonical paths of the callee, as far as it is outside the project.
    pub paths: Vec<Name>,
    /// Functions of the project that it calls.
    pub targets: Vec<FnRef>,
    /// Classes of the project that it makes an instance of.
    pub makes: Vec<ClassRef>,
    /// What the first path with a role means.
    pub role: Option<Role>,
}

/// What becomes of the value of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Waited for.
    Awaited,
    /// Given back by the function.
    Returned,
    /// Dropped.
    Dropped,
    /// Anything else.
    Used,
}

impl Site<'_> {
    /// The last name of the callee: `query` of `pool.query`.
    pub fn name(&self) -> &str {
        &self.label
    }
}

/// The last name of a callee in a file, variables by their own.
fn label(file: &FileFacts, callee: &Expr) -> Name {
    if let ExprKind::Var(id) = &callee.bare().kind {
        let variable = usize::try_from(id.0)
            .ok()
            .and_then(|at| file.variables.get(at));
        return variable.map_or_else(|| Name::from(""), |variable| variable.name.clone());
    }
    let last = callee_name(callee);
    if let ExprKind::Member(_, name) | ExprKind::Global(name) = &callee.bare().kind
        && name.len() == last.len()
    {
        return name.clone();
    }
    Name::from(last)
}

/// The last name of a callee.
pub(crate) fn callee_name(callee: &Expr) -> &str {
    if let ExprKind::Member(_, name) | ExprKind::Global(name) = &callee.bare().kind {
        name.rsplit("::").next().unwrap_or(name)
    } else {
        ""
    }
}

/// Every call, not resolved yet.
pub(super) fn collect(files: &[FileFacts]) -> Vec<Site<'_>> {
    let mut sites = Vec::new();
    for (file, at) in files.iter().zip(0u32..) {
        for (function, id) in file.functions.iter().zip(0u32..) {
            let at = FnRef {
                file: at,
                id: FnId(id),
            };
            let from = sites.len();
            walk::stmts(&function.body, &mut |stmt| {
                let root = if let StmtKind::Return(Some(_)) | StmtKind::Value(_) = &stmt.kind {
                    Fate::Returned
                } else if let StmtKind::Expr(_) | StmtKind::Defer(_) = &stmt.kind {
                    Fate::Dropped
                } else {
                    Fate::Used
                };
                for expr in walk::roots(stmt) {
                    gather(file, at, expr, root, &mut sites);
                }
            });
            for param in &function.params {
                if let Some(default) = &param.default {
                    gather(file, at, default, Fate::Used, &mut sites);
                }
            }
            if let Some(new) = sites.get_mut(from..) {
                new.sort_by_key(|site| (site.span.start, std::cmp::Reverse(site.span.end)));
            }
        }
        // Initialisers of fields run with the body of the file, decorators with the function around what they decorate.
        let module = FnRef::module(at);
        for class in &file.classes {
            for value in class.fields.iter().filter_map(|field| field.value.as_ref()) {
                gather(file, module, value, Fate::Used, &mut sites);
            }
        }
        for function in &file.functions {
            let outer = function.parent.map_or(module, |id| module.beside(id));
            for decorator in &function.decorators {
                gather(file, outer, decorator, Fate::Used, &mut sites);
            }
        }
    }
    for (site, id) in sites.iter_mut().zip(0u32..) {
        site.id = SiteId(id);
    }
    sites
}

fn gather<'a>(file: &FileFacts, at: FnRef, expr: &'a Expr, fate: Fate, out: &mut Vec<Site<'a>>) {
    if let ExprKind::Call(call) = &expr.kind {
        out.push(Site {
            id: SiteId(0),
            at,
            label: label(file, &call.callee),
            call,
            span: expr.span,
            fate,
            paths: Vec::new(),
            targets: Vec::new(),
            makes: Vec::new(),
            role: None,
        });
    }
    let passes = matches!(
        expr.kind,
        ExprKind::Propagate(_) | ExprKind::Choice(..) | ExprKind::Logic(..) | ExprKind::Opaque(_)
    );
    let inner = if matches!(expr.kind, ExprKind::Await(_)) {
        Fate::Awaited
    } else if passes {
        fate
    } else {
        Fate::Used
    };
    if let ExprKind::Call(call) = &expr.kind
        && let Some(promise) = chained(call)
    {
        // `await pool.end().catch(log)` waits for the pool.
        gather(file, at, promise, fate, out);
        for arg in &call.args {
            gather(file, at, &arg.value, Fate::Used, out);
        }
        return;
    }
    walk::each_child(expr, &mut |child| gather(file, at, child, inner, out));
}

/// The promise that a call of `then`, `catch` or `finally` goes on with.
fn chained(call: &Call) -> Option<&Expr> {
    if let ExprKind::Member(promise, name) = &call.callee.kind
        && matches!(&**name, "then" | "catch" | "finally")
        && promise.call().is_some()
    {
        return Some(promise);
    }
    None
}

/// Where the calls of each file begin, and behind them the end of the last.
pub(super) fn by_file(files: usize, sites: &[Site<'_>]) -> Vec<usize> {
    let mut all = vec![0; files + 1];
    for site in sites {
        let next = usize::try_from(site.at.file).unwrap_or(usize::MAX);
        if let Some(count) = next.checked_add(1).and_then(|next| all.get_mut(next)) {
            *count += 1;
        }
    }
    let mut before = 0;
    for from in &mut all {
        before += *from;
        *from = before;
    }
    all
}

pub(super) fn by_function(sites: &[Site<'_>]) -> HashMap<FnRef, Vec<SiteId>> {
    let mut all: HashMap<FnRef, Vec<SiteId>> = HashMap::new();
    for site in sites {
        all.entry(site.at).or_default().push(site.id);
    }
    all
}

/// All calls by their functions and places, outer ones first.
pub(super) fn placed(sites: &[Site<'_>]) -> Vec<SiteId> {
    let mut order: Vec<&Site<'_>> = sites.iter().collect();
    order.sort_by_key(|site| {
        let outer_first = std::cmp::Reverse(site.span.end);
        (site.at, site.span.start, outer_first, site.id)
    });
    order.into_iter().map(|site| site.id).collect()
}

/// Of each call the one directly around it in the same function.
pub(super) fn outside(sites: &[Site<'_>], placed: &[SiteId]) -> Vec<Option<SiteId>> {
    let mut all = vec![None; sites.len()];
    let mut open: Vec<&Site<'_>> = Vec::new();
    let of = |id: &SiteId| sites.get(usize::try_from(id.0).ok()?);
    for site in placed.iter().filter_map(of) {
        while open
            .pop_if(|outer| outer.at != site.at || !outer.span.holds(site.span))
            .is_some()
        {}
        let place = usize::try_from(site.id.0).unwrap_or(usize::MAX);
        if let Some(outer) = all.get_mut(place) {
            *outer = open.last().map(|outer| outer.id);
        }
        open.push(site);
    }
    all
}

/// What a callee may be.
#[derive(Debug, Default)]
struct Callee {
    paths: Vec<Name>,
    targets: Vec<FnRef>,
    makes: Vec<ClassRef>,
    /// The name of what a thread runs.
    label: Option<Name>,
    role: Option<Role>,
}

/// The roles of paths that were looked up before.
type Roles = HashMap<(Language, Name), Option<Role>>;

/// Gives the calls of a project their paths, targets and roles, as the project knows them now.
pub(super) fn resolve(project: &mut Project<'_>) {
    let callees: Vec<Callee> = project
        .sites
        .par_iter()
        .map_init(Roles::default, |roles, site| {
            let mut callee = callee(project, site);
            callee.role = role(project.language(site.at.file), &callee.paths, roles);
            callee
        })
        .collect();
    for (site, callee) in project.sites.iter_mut().zip(callees) {
        site.paths = callee.paths;
        site.targets = callee.targets;
        site.makes = callee.makes;
        if let Some(label) = callee.label {
            site.label = label;
        }
        site.role = callee.role;
    }
}

/// What the first path with a role means.
fn role(language: Language, paths: &[Name], roles: &mut Roles) -> Option<Role> {
    paths.iter().find_map(|path| {
        *roles.entry((language, path.clone())).or_insert_with(|| {
            vocabulary::role(language, path).filter(|role| !is_of_answer(language, path, *role))
        })
    })
}

fn callee(project: &Project<'_>, site: &Site<'_>) -> Callee {
    let mut callee = Callee::default();
    let mut values = project.values(site.at, &site.call.callee);
    // What a thread runs is what is called: its functions are those that the call is given.
    let language = project.language(site.at.file);
    let run = values.iter().find_map(|value| {
        let Value::Path(path) = value else {
            return None;
        };
        site.call.arg(vocabulary::threaded(language, path)?)
    });
    if let Some(run) = run {
        let given = project.values(site.at, run).into_iter();
        let outside: Vec<_> = given
            .filter(|value| matches!(value, Value::Path(_)))
            .collect();
        values.splice(0..0, outside);
        let name = callee_name(run);
        callee.label = (!name.is_empty()).then(|| Name::from(name));
    }
    for value in values {
        match value {
            Value::Path(path) => callee.paths.push(path),
            Value::Function(function) => callee.targets.push(function),
            Value::Class(class) => {
                callee.makes.push(class);
                callee.targets.extend(constructor(project, class));
            }
            Value::Instance(_) | Value::Literal(..) | Value::Module(_) => {}
        }
    }
    callee
}

/// Whether a path is something of the answer of an HTTP call: `fetch().headers.get` waits for nobody.
fn is_of_answer(language: Language, path: &str, role: Role) -> bool {
    let is_http = |role: Role| matches!(role, Role::Outbound(Remote::Http, _));
    is_http(role)
        && path.match_indices("()").any(|(at, _)| {
            path.get(..at)
                .and_then(|made| vocabulary::role(language, made))
                .is_some_and(is_http)
        })
}

fn constructor(project: &Project<'_>, class: ClassRef) -> Option<FnRef> {
    let declared = project.class(class)?;
    let method = declared
        .methods
        .iter()
        .find(|method| matches!(&*method.name, "constructor" | "__init__"))?;
    Some(class.function(method.function))
}
