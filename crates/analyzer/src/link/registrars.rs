//! Tools that functions of the project register for their callers: `defineTool(name, schema, run)` calls the SDK with
//! `run`, or with a closure that gives back what `run` gives. Every caller of such a function hands it a handler.

use std::collections::BTreeSet;

use crate::facts::{
    Arg, Entry, Expr, ExprKind, FnId, Language, Name, Pattern, StmtKind, VariableKind, walk,
};
use crate::vocabulary::Role;

use super::bindings::Part;
use super::decorated::gives_registration;
use super::described::is_offer;
use super::graph::handed;
use super::kept::of_table;
use super::responders::Responder;
use super::sites::{Fate, SiteId};
use super::{FnRef, Project, Site, Value, shapes};

/// Functions that hand on what they are given to one that registers it, and so on.
const MAX_ROUNDS: usize = 3;

/// Objects, lists and variables that are looked at for the tools of one value.
const MAX_ITEMS: usize = 512;

/// A parameter of a function, or one member of it, that becomes a handler.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Taken {
    function: FnRef,
    place: usize,
    member: Option<Name>,
    site: SiteId,
}

/// What callers hand to functions that register it.
pub(super) fn handlers(project: &Project<'_>) -> Vec<Responder> {
    let registering = project.sites().filter(|site| registers(project, site));
    let mut open: BTreeSet<Taken> = BTreeSet::new();
    let mut all = Vec::new();
    for site in registering {
        for arg in &site.call.args {
            open.extend(taken(project, site.at, &arg.value, site.id));
            let listed = listed(project, site.at, &arg.value);
            let of_table = of_table(project, site.at, &arg.value);
            let functions = listed.into_iter().chain(of_table);
            all.extend(functions.map(|function| Responder {
                function,
                site: site.id,
            }));
        }
    }
    open.extend(by_shape(project));
    let mut seen = open.clone();
    for _ in 0..MAX_ROUNDS {
        let mut next = BTreeSet::new();
        for one in &open {
            let callers = project.callers(one.function).iter();
            for site in callers.filter_map(|id| project.site(*id)) {
                if let Some(value) = given(project, site, one) {
                    let functions = functions(project, site.at, value).into_iter();
                    all.extend(functions.map(|function| Responder {
                        function,
                        site: one.site,
                    }));
                    next.extend(taken(project, site.at, value, one.site));
                }
            }
        }
        next.retain(|one| seen.insert(one.clone()));
        open = next;
    }
    all
}

/// Whether a call or literal registers the functions that it is given.
fn registers(project: &Project<'_>, site: &Site<'_>) -> bool {
    site.role == Some(Role::Responder)
        || gives_registration(project, site)
        || is_offer(project, site)
}

/// The functions that a value hands on, each item of a list among them.
fn functions<'a>(project: &Project<'a>, at: FnRef, value: &'a Expr) -> Vec<FnRef> {
    let mut all = listed(project, at, value);
    if all.is_empty() {
        all = handed(project, at, value);
    }
    all.extend(made(project, at, value));
    all
}

/// Tools that are objects, by themselves, in variables or in lists: the functions that run them, `execute: counted(name, run)` among them.
pub(super) fn made<'a>(project: &Project<'a>, at: FnRef, value: &'a Expr) -> Vec<FnRef> {
    if project.language(at.file) != Language::TypeScript {
        return Vec::new();
    }
    let mut all = Vec::new();
    let mut open = vec![(at, value, MAX_ROUNDS)];
    for _ in 0..MAX_ITEMS {
        let Some((at, value, left)) = open.pop() else {
            break;
        };
        if let ExprKind::Object(entries) = &value.kind {
            all.extend(runs(project, at, entries));
        } else if let ExprKind::List(parts) = &value.kind {
            open.extend(parts.iter().map(|part| (at, part, left)));
        } else if let ExprKind::Var(_) | ExprKind::Member(..) = &value.kind
            && left > 0
        {
            let values = project.values(at, value).into_iter();
            let literals = values.filter_map(|value| value.literal());
            open.extend(literals.map(|(inside, literal)| (inside, literal, left - 1)));
        }
    }
    all
}

/// The functions that run a tool.
fn runs<'a>(project: &Project<'a>, at: FnRef, entries: &'a [Entry]) -> Vec<FnRef> {
    let is_run = |entry: &&'a Entry| {
        let key = entry.key.as_deref();
        key.is_some_and(|key| RUNNING.contains(&key))
    };
    let mut all = Vec::new();
    for entry in entries.iter().filter(is_run) {
        all.extend(handed(project, at, &entry.value));
        if entry.value.call().is_some() {
            let values = project.values(at, &entry.value);
            all.extend(values.iter().filter_map(Value::function));
        }
    }
    all
}

/// Members of a tool that run it.
const RUNNING: &[&str] = &["execute", "handler", "run", "callback", "cb", "load"];

/// `for tool in [read, write]: register(tool)`: the items of the list.
fn listed<'a>(project: &Project<'a>, at: FnRef, value: &'a Expr) -> Vec<FnRef> {
    let ExprKind::Var(id) = value.kind else {
        return Vec::new();
    };
    let sets = project.bindings.values(at.variable(id)).iter();
    let mut all = Vec::new();
    for set in sets.filter(|set| matches!(set.part.as_slice(), [Part::Item])) {
        if let ExprKind::List(_) = set.value.kind {
            all.extend(handed(project, set.at, set.value));
        }
        all.extend(made(project, set.at, set.value));
        for value in project.values(set.at, set.value) {
            if let Some((inside, literal)) = value.literal() {
                all.extend(handed(project, inside, literal));
            }
        }
    }
    all
}

/// What a caller gives in the place of the handler.
fn given<'a>(project: &Project<'a>, site: &Site<'a>, taken: &Taken) -> Option<&'a Expr> {
    let named = |arg: &&'a Arg| {
        let name = arg.name.as_deref();
        name.is_some() && name == parameter_name(project, taken).as_deref()
    };
    let by_name = site.call.args.iter().find(named).map(|arg| &arg.value);
    let value = by_name.or_else(|| site.call.arg(taken.place))?;
    match &taken.member {
        Some(name) => value.entry(name),
        None => Some(value),
    }
}

fn parameter_name(project: &Project<'_>, taken: &Taken) -> Option<Name> {
    let function = project.function(taken.function)?;
    let id = function.params.get(taken.place)?.pattern.variable()?;
    let variable = project.variable(taken.function.variable(id))?;
    Some(variable.name.clone())
}

/// The parameters that closures of Go put what answers around: closures that take a request, and give back what a parameter gives.
fn by_shape(project: &Project<'_>) -> Vec<Taken> {
    let mut all = Vec::new();
    for (at, function) in project.functions() {
        let is_closure = function.parent.is_some_and(|parent| parent != FnId::MODULE);
        if !is_closure || !shapes::answers(project, at, function) {
            continue;
        }
        for inner in project.inside(at) {
            for call in project.sites_of(inner) {
                let found = if is_answer(project, call) {
                    parameter(project, inner, &call.call.callee, SiteId(0))
                } else {
                    reflected(project, inner, call)
                };
                all.extend(found.filter(|one| one.function != at));
            }
        }
    }
    all
}

/// `value := reflect.ValueOf(run)` and `value.Call(args)`: the parameter that is called so.
fn reflected(project: &Project<'_>, at: FnRef, call: &Site<'_>) -> Option<Taken> {
    let ExprKind::Var(value) = call.call.receiver()?.kind else {
        return None;
    };
    if call.name() != "Call" {
        return None;
    }
    let sets = project.bindings.values(at.variable(value)).iter();
    let mut made = sets.filter_map(|set| Some((set.at, set.value.call()?)));
    let (at, made) = made.find(|(_, made)| {
        let is_reflect = |object: &Expr| project.last_name(at, object).as_deref() == Some("reflect");
        matches!(&made.callee.kind, ExprKind::Member(object, name) if &**name == "ValueOf" && is_reflect(object))
    })?;
    parameter(project, at, made.arg(0)?, SiteId(0))
}

/// What stands in Rust's wrappers: `Arc::new(run)`, `Box::pin(run)`.
fn unwrapped<'a>(project: &Project<'_>, at: FnRef, value: &'a Expr) -> &'a Expr {
    let is_wrapper = |object: &Expr| {
        let name = project.last_name(at, object);
        matches!(name.as_deref(), Some("Arc" | "Box" | "Rc" | "Pin"))
    };
    let mut bare = value;
    while let ExprKind::Call(call) = &bare.kind
        && let ExprKind::Member(object, name) = &call.callee.kind
        && matches!(&**name, "new" | "pin")
        && is_wrapper(object)
        && let Some(inner) = call.arg(0)
    {
        bare = inner;
    }
    bare
}

/// The parameters that a registered value comes from: it is one, or a closure that gives back what one gives.
fn taken(project: &Project<'_>, at: FnRef, value: &Expr, site: SiteId) -> Vec<Taken> {
    let value = unwrapped(project, at, value);
    if let Some(one) = parameter(project, at, value, site) {
        return vec![one];
    }
    let is_function = matches!(value.kind, ExprKind::Var(_) | ExprKind::Function(_));
    if !is_function || at.id == FnId::MODULE {
        return Vec::new();
    }
    let mut all = Vec::new();
    for inner in project.inside(at).into_iter().filter(|one| *one != at) {
        for call in project
            .sites_of(inner)
            .filter(|call| is_answer(project, call))
        {
            let found = parameter(project, inner, &call.call.callee, site);
            all.extend(
                found.filter(|one| project.outward(at).any(|(here, _)| here == one.function)),
            );
        }
    }
    all
}

/// Whether what a call gives is what its function gives.
fn is_answer(project: &Project<'_>, call: &Site<'_>) -> bool {
    if call.fate == Fate::Returned {
        return true;
    }
    let Some(function) = project.function(call.at) else {
        return false;
    };
    let (mut kept, mut answered) = (None, false);
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Return(Some(value)) = &stmt.kind {
            answered |= unwrapped(project, call.at, value.bare()).span == call.span
                || matches!(&value.bare().kind, ExprKind::Var(id) if kept == Some(*id));
        } else if let StmtKind::Assign {
            target: Pattern::Var(id),
            value: Some(value),
        } = &stmt.kind
            && value.bare().span == call.span
        {
            kept = Some(*id);
        }
    });
    answered
}

/// The parameter that an expression is, or whose member it is: `run`, `tool.run`, or `run` of `{ name, run }`.
fn parameter(project: &Project<'_>, at: FnRef, value: &Expr, site: SiteId) -> Option<Taken> {
    let (object, member) = if let ExprKind::Member(object, name) = &value.kind {
        (&**object, Some(name.clone()))
    } else {
        (value, None)
    };
    let ExprKind::Var(id) = object.kind else {
        return None;
    };
    let variable = project.variable(at.variable(id))?;
    let VariableKind::Parameter(_) = variable.kind else {
        return None;
    };
    let owner = at.beside(variable.owner);
    let params = project.function(owner)?.params.iter().zip(0..);
    for (param, place) in params {
        let found = if param.pattern.variable() == Some(id) {
            Some(member.clone())
        } else if let Pattern::Object(parts) = &param.pattern {
            let part = parts.iter().find(|(_, part)| part.variable() == Some(id));
            part.map(|(name, _)| Some(name.clone()))
        } else {
            None
        };
        if let Some(member) = found {
            return Some(Taken {
                function: owner,
                place,
                member,
                site,
            });
        }
    }
    None
}
