//! What functions of the project make of an error that they are given.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::facts::{Arg, Call, Expr, Name, Pattern, Stmt, StmtKind, VarId, walk};
use crate::link::{FnRef, Project, Site};
use crate::rules::At;

use super::super::memo::Given;
use super::{Flow, Holds, MAX_CALLS, Parts, Seek, Way};

/// Calls that take parts out of a text.
const TAKING_OUT: &[&str] = &[
    "replace",
    "replaceAll",
    "replace_all",
    "sub",
    "ReplaceAll",
    "ReplaceAllString",
    "ReplaceAllStringFunc",
    "Replace",
    "translate",
];

/// Whether a function of the project that is called a cleaner does what its name says: it replaces something, itself or in
/// what it calls.
pub(super) fn cleans(project: &Project<'_>, at: FnRef) -> bool {
    // `text.split(secret).join("***")`.
    let joins_parts = |site: &Site<'_>| {
        let parts = site.call.receiver().and_then(Expr::call);
        site.name() == "join"
            && parts.is_some_and(|parts| crate::link::callee_name(&parts.callee) == "split")
    };
    project.reach(&[at]).iter().any(|at| {
        project
            .sites_of(*at)
            .any(|site| TAKING_OUT.contains(&site.name()) || joins_parts(site))
    })
}

impl<'p, 'a> Flow<'p, 'a> {
    /// What a function gives back of an error that it is given. What each argument holds is known: asking again for each
    /// function would double the work with every call inside an argument.
    pub(super) fn through(&self, target: FnRef, call: &'a Call, given: &[Holds]) -> Holds {
        let Some(given) = self.given(target, call, given) else {
            return Holds::Nothing;
        };
        self.memo.back(&given, || {
            let inner = self.inside(&given)?;
            let mut most = Holds::Nothing;
            inner.each(&mut |stmt| {
                if let StmtKind::Return(Some(value)) = &stmt.kind {
                    most = most.max(inner.holds(value));
                }
            });
            Some(most)
        })
    }

    /// The places in functions of the project where an error that they are given becomes text of what they give back.
    pub(in super::super) fn told(&self, expr: &'a Expr) -> Vec<At> {
        self.places(expr, Way::Returned)
    }

    /// The places in functions of the project where an error that they are given becomes text of what they throw.
    pub(in super::super) fn thrown(&self, expr: &'a Expr) -> Vec<At> {
        self.places(expr, Way::Thrown)
    }

    /// Whether a function of the project that is called sends what it is given as the answer to an HTTP request: the argument that
    /// holds the text already, or the places there where an error becomes text.
    pub(in super::super) fn sent(&self, expr: &'a Expr) -> (Option<&'a Expr>, Vec<At>) {
        let places = self.places(expr, Way::Sent);
        let with_text = expr.call().and_then(|call| {
            let mut args = call.args.iter().map(|arg| &arg.value);
            args.find(|value| self.holds(value) == Holds::Text)
        });
        match with_text {
            Some(text) if !places.is_empty() => (Some(text), Vec::new()),
            Some(_) | None => (None, places),
        }
    }

    fn places(&self, expr: &'a Expr, way: Way) -> Vec<At> {
        let Some(call) = expr.call() else {
            return Vec::new();
        };
        let targets = match self.project.site_at(self.at, expr) {
            Some(site) if !self.is_construction(call) => &site.targets[..],
            Some(_) | None => &[],
        };
        let given: Vec<Holds> = call.args.iter().map(|arg| self.holds(&arg.value)).collect();
        let least = match way {
            Way::Returned | Way::Thrown => given.contains(&Holds::Error),
            Way::Sent => given.iter().any(|holds| *holds != Holds::Nothing),
        };
        if !least {
            return Vec::new();
        }
        let mut all = Vec::new();
        for target in targets {
            if let Some(given) = self.given(*target, call, &given) {
                let places = self
                    .memo
                    .places(&given, way, || Some(self.inside(&given)?.places_here(way)));
                all.extend(places.iter().copied());
            }
        }
        all
    }

    /// The places of this function where text leaves it in a way, or those of the functions that make the text.
    fn places_here(&self, way: Way) -> Vec<At> {
        let mut all = Vec::new();
        self.each(&mut |stmt| {
            let leaving = if let (Way::Returned, StmtKind::Return(value)) = (way, &stmt.kind) {
                value.as_ref()
            } else if let (Way::Thrown, StmtKind::Throw(value)) = (way, &stmt.kind) {
                value.as_ref()
            } else if way == Way::Sent {
                let sent = super::super::http::sent(self.project, self.at, stmt);
                sent.into_iter().max_by_key(|value| self.holds(value))
            } else {
                None
            };
            let Some(value) = leaving.filter(|value| self.holds(value) == Holds::Text) else {
                return;
            };
            let source = self.source(value);
            let deeper = self.places(source, way);
            if deeper.is_empty() {
                all.push(At {
                    function: self.at,
                    span: source.span,
                });
            }
            all.extend(deeper);
        });
        all
    }

    fn each(&self, visit: &mut dyn FnMut(&'a Stmt)) {
        if let Some(function) = self.project.function(self.at) {
            walk::stmts(&function.body, visit);
        }
    }

    /// What a call gives a function; `None` where the text came too far to be followed into it.
    fn given(&self, target: FnRef, call: &'a Call, given: &[Holds]) -> Option<Given> {
        if self.calls >= MAX_CALLS {
            return None;
        }
        let mut params = Vec::new();
        let mut place = 0;
        for (arg, holds) in call.args.iter().zip(given) {
            if let (None, Some(Pattern::Object(parts))) = (&arg.name, self.pattern(target, place)) {
                params.extend(self.taken(&arg.value, *holds, parts));
            }
            let param = self.param(target, arg, place);
            if arg.name.is_none() {
                place += 1;
            }
            if let (Holds::Text | Holds::Error, Some(id)) = (holds, param) {
                params.push((id, *holds));
            }
        }
        Some(Given {
            function: target,
            seek: self.seek,
            calls: self.calls + 1,
            params,
        })
    }

    /// The flow inside a function of what it is given.
    fn inside(&self, given: &Given) -> Option<Self> {
        let left = self.left.get().checked_sub(1)?;
        self.left.set(left);
        let function = self.project.function(given.function)?;
        let holding = |what: Holds| {
            let params = given.params.iter();
            params.filter(move |(_, holds)| *holds == what)
        };
        let mut inner = Self {
            project: self.project,
            at: given.function,
            seek: self.seek,
            errors: holding(Holds::Error).map(|(id, _)| *id).collect(),
            texts: holding(Holds::Text).map(|(id, _)| *id).collect(),
            parts: Parts::default(),
            shown: BTreeSet::new(),
            closed: if self.seek == Seek::Trace {
                super::super::debug::branches(self.project, given.function)
            } else {
                Vec::new()
            },
            entered: Vec::new(),
            calls: given.calls,
            left: Rc::clone(&self.left),
            memo: Rc::clone(&self.memo),
        };
        inner.read(&function.body);
        Some(inner)
    }

    fn pattern(&self, target: FnRef, place: usize) -> Option<&'a Pattern> {
        let function = self.project.function(target)?;
        function.params.get(place).map(|param| &param.pattern)
    }

    /// What a parameter `{ name, … }` takes out of an argument.
    fn taken(
        &self,
        value: &'a Expr,
        whole: Holds,
        parts: &'a [(Name, Pattern)],
    ) -> Vec<(VarId, Holds)> {
        let parts = parts.iter().filter_map(|(name, part)| {
            let holds = match value.entry(name) {
                Some(entry) => self.holds(entry),
                None => self.of_member(whole, name),
            };
            Some((part.variable()?, holds))
        });
        parts
            .filter(|(_, holds)| *holds != Holds::Nothing)
            .collect()
    }

    fn param(&self, target: FnRef, arg: &Arg, place: usize) -> Option<VarId> {
        let function = self.project.function(target)?;
        let file = self.project.file(target.file)?;
        let name_of = |id: VarId| {
            file.variables
                .get(usize::try_from(id.0).ok()?)
                .map(|variable| variable.name.clone())
        };
        let vars = || {
            function
                .params
                .iter()
                .filter_map(|param| param.pattern.variable())
        };
        match &arg.name {
            Some(name) => vars().find(|id| name_of(*id).as_ref() == Some(name)),
            None => function.params.get(place)?.pattern.variable(),
        }
    }
}
