//! What functions of the project make of an error that they are given.

use std::rc::Rc;

use crate::facts::{Arg, Call, Expr, StmtKind, VarId, walk};
use crate::link::FnRef;
use crate::rules::At;

use super::super::memo::Given;
use super::{Flow, Holds, MAX_CALLS, Parts, Way};

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
            inner.each(&mut |kind| {
                if let StmtKind::Return(Some(value)) = kind {
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

    fn places(&self, expr: &'a Expr, way: Way) -> Vec<At> {
        let Some(call) = expr.call() else {
            return Vec::new();
        };
        let targets = match self.project.site_at(self.at, expr) {
            Some(site) if !self.is_construction(call) => &site.targets[..],
            Some(_) | None => &[],
        };
        let given: Vec<Holds> = call.args.iter().map(|arg| self.holds(&arg.value)).collect();
        if !given.contains(&Holds::Error) {
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
        self.each(&mut |kind| {
            let leaving = if let StmtKind::Return(value) = kind {
                value.as_ref().filter(|_| way == Way::Returned)
            } else if let StmtKind::Throw(value) = kind {
                value.as_ref().filter(|_| way == Way::Thrown)
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

    fn each(&self, visit: &mut dyn FnMut(&'a StmtKind)) {
        if let Some(function) = self.project.function(self.at) {
            walk::stmts(&function.body, &mut |stmt| visit(&stmt.kind));
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
            closed: Vec::new(),
            entered: Vec::new(),
            calls: given.calls,
            left: Rc::clone(&self.left),
            memo: Rc::clone(&self.memo),
        };
        inner.read(&function.body);
        Some(inner)
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
