//! What functions of the project make of an error that they are given.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::facts::{Arg, Call, Expr, StmtKind, VarId, walk};
use crate::link::FnRef;
use crate::rules::At;

use super::{Flow, Holds, MAX_CALLS, Parts};

impl<'p, 'a> Flow<'p, 'a> {
    /// What a function gives back of an error that it is given. What each argument holds is known: asking again for each
    /// function would double the work with every call inside an argument.
    pub(super) fn through(&self, target: FnRef, call: &'a Call, given: &[Holds]) -> Holds {
        let Some(inner) = self.inside(target, call, given) else {
            return Holds::Nothing;
        };
        let mut most = Holds::Nothing;
        inner.each(&mut |kind| {
            if let StmtKind::Return(Some(value)) = kind {
                most = most.max(inner.holds(value));
            }
        });
        most
    }

    /// The places in functions of the project where an error that they are given becomes text of what they give back.
    pub(in super::super) fn told(&self, expr: &'a Expr) -> Vec<At> {
        self.places(expr, &|kind| {
            if let StmtKind::Return(Some(value)) = kind {
                Some(value)
            } else {
                None
            }
        })
    }

    /// The places in functions of the project where an error that they are given becomes text of what they throw.
    pub(in super::super) fn thrown(&self, expr: &'a Expr) -> Vec<At> {
        self.places(expr, &|kind| {
            if let StmtKind::Throw(Some(value)) = kind {
                Some(value)
            } else {
                None
            }
        })
    }

    fn places(&self, expr: &'a Expr, way: &dyn Fn(&'a StmtKind) -> Option<&'a Expr>) -> Vec<At> {
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
            let Some(inner) = self.inside(*target, call, &given) else {
                continue;
            };
            inner.each(&mut |kind| {
                if let Some(value) = way(kind).filter(|value| inner.holds(value) == Holds::Text) {
                    let source = inner.source(value);
                    let deeper = inner.places(source, way);
                    let here = At {
                        function: *target,
                        span: source.span,
                    };
                    all.extend(if deeper.is_empty() {
                        vec![here]
                    } else {
                        deeper
                    });
                }
            });
        }
        all
    }

    fn each(&self, visit: &mut dyn FnMut(&'a StmtKind)) {
        if let Some(function) = self.project.function(self.at) {
            walk::stmts(&function.body, &mut |stmt| visit(&stmt.kind));
        }
    }

    /// The flow inside a function of what a call gives it.
    fn inside(&self, target: FnRef, call: &'a Call, given: &[Holds]) -> Option<Self> {
        let left = self.left.get();
        if self.calls >= MAX_CALLS || left == 0 {
            return None;
        }
        self.left.set(left - 1);
        let function = self.project.function(target)?;
        let mut inner = Self {
            project: self.project,
            at: target,
            seek: self.seek,
            errors: BTreeSet::new(),
            texts: BTreeSet::new(),
            parts: Parts::default(),
            closed: Vec::new(),
            entered: Vec::new(),
            calls: self.calls + 1,
            left: Rc::clone(&self.left),
        };
        let mut place = 0;
        for (arg, holds) in call.args.iter().zip(given) {
            let param = self.param(target, arg, place);
            if arg.name.is_none() {
                place += 1;
            }
            match (holds, param) {
                (Holds::Text, Some(id)) => drop(inner.texts.insert(id)),
                (Holds::Error, Some(id)) => drop(inner.errors.insert(id)),
                (Holds::Nothing, _) | (_, None) => {}
            }
        }
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
