//! Who calls whom.

use std::collections::{BTreeSet, HashMap};

use rayon::prelude::*;

use crate::budget::{self, Left};
use crate::facts::{Expr, ExprKind, Function, ImportItem, Language, Pattern, StmtKind, walk};
use crate::finding::Surface;
use crate::vocabulary::Role;

use super::guesses::{Methods, is_common, is_unknown, methods, takes};
use super::sites::SiteId;
use super::{ClassRef, FnRef, Project, Site, Value, resolve};
use super::{adapters, kept};

/// Methods of one name that an unresolved call may mean; with more it means none.
const MAX_CANDIDATES: usize = 40;

/// Edges between functions.
#[derive(Debug, Default)]
pub(super) struct Graph {
    edges: HashMap<FnRef, BTreeSet<FnRef>>,
    callers: HashMap<FnRef, Vec<SiteId>>,
    iterated: HashMap<FnRef, (FnRef, SiteId)>,
    by_site: HashMap<SiteId, Vec<FnRef>>,
    /// All edges, turned round.
    back: HashMap<FnRef, Vec<FnRef>>,
    /// Methods that a call on something unknown may mean: they run where an object of their class was made.
    guesses: HashMap<FnRef, Vec<FnRef>>,
    /// The classes whose methods an object made by a function has.
    made: HashMap<FnRef, Vec<ClassRef>>,
    /// The class of each method that such a call may mean, unless nothing is seen to make one.
    owners: HashMap<FnRef, ClassRef>,
}

impl Graph {
    pub(super) fn of(project: &Project<'_>) -> Self {
        let mut graph = Self::default();
        let mut methods = methods(project);
        kept::by_name(project, &mut methods);
        let given: Vec<Vec<FnRef>> = project
            .sites
            .par_iter()
            .map(|site| {
                let args = site.call.args.iter();
                args.flat_map(|arg| handed(project, site.at, &arg.value))
                    .collect()
            })
            .collect();
        for (site, given) in project.sites.iter().zip(given) {
            for target in &site.targets {
                graph.call(site, *target);
                graph.callers.entry(*target).or_default().push(site.id);
            }
            if site.targets.is_empty()
                && let ExprKind::Member(..) = &site.call.callee.kind
                && let Some(candidates) =
                    methods.get(&(project.clusters.number(site.at.file), site.name()))
                && candidates.len() <= kept::most(site.name()).unwrap_or(MAX_CANDIDATES)
                && !is_common(site.name())
                && site.paths.iter().all(|path| is_unknown(path))
            {
                let meant: Vec<FnRef> = candidates
                    .iter()
                    .copied()
                    .filter(|candidate| takes(project, *candidate, site))
                    .collect();
                let guesses = graph.guesses.entry(site.at).or_default();
                guesses.extend(&meant);
                graph.by_site.entry(site.id).or_default().extend(meant);
            }
            for class in &site.makes {
                let family = resolve::family(project, *class);
                graph.made.entry(site.at).or_default().extend(family);
            }
            let registers = matches!(
                site.role,
                Some(
                    Role::OnSignal { .. }
                        | Role::OnExit { .. }
                        | Role::OnStdin { .. }
                        | Role::OnStop(_)
                )
            );
            if registers && !super::by_hand::takes_data(site) {
                continue;
            }
            let iterates = matches!(site.name(), "forEach" | "map" | "for_each");
            for function in given {
                graph.call(site, function);
                if iterates {
                    graph.iterated.insert(function, (site.at, site.id));
                }
            }
        }
        let by_value = kept::by_key(project).into_iter();
        for (site, functions) in by_value.chain(adapters::called(project)) {
            for function in functions {
                graph.call(site, function);
            }
        }
        graph.leave_out_tests(project);
        graph.owners(project, &methods);
        graph.decorators(project);
        graph.values_given(project);
        graph.modules(project);
        graph.turn_round();
        graph
    }

    /// What a test hands to the code of a server is no part of the server, and a dozen stand-ins would crowd out what it is handed
    /// in truth. Where only tests and examples call something, those are what is known of it.
    fn leave_out_tests(&mut self, project: &Project<'_>) {
        let is_test = |file: u32| project.surface(file) == Surface::Tests;
        for (target, callers) in &mut self.callers {
            let of_server =
                |id: &SiteId| project.site(*id).is_some_and(|site| !is_test(site.at.file));
            if !is_test(target.file) && callers.iter().any(of_server) {
                callers.retain(of_server);
            }
        }
    }

    fn turn_round(&mut self) {
        let edges = self
            .edges
            .iter()
            .flat_map(|(from, all)| all.iter().map(|to| (*from, *to)));
        let guesses = self
            .guesses
            .iter()
            .flat_map(|(from, all)| all.iter().map(|to| (*from, *to)));
        for (from, to) in edges.chain(guesses) {
            self.back.entry(to).or_default().push(from);
        }
    }

    fn owners(&mut self, project: &Project<'_>, methods: &Methods<'_>) {
        let made: BTreeSet<ClassRef> = self.made.values().flatten().copied().collect();
        for method in methods.values().flatten() {
            // Structs of Go and Rust are made in too many ways to be sure.
            let counts = matches!(
                project.language(method.file),
                Language::TypeScript | Language::Python
            );
            if let Some(class) = project.class_of(*method).filter(|_| counts)
                && made.contains(&class)
            {
                self.owners.insert(*method, class);
            }
        }
    }

    /// A decorated function runs inside what its decorators give.
    fn decorators(&mut self, project: &Project<'_>) {
        let functions: Vec<(FnRef, &Function)> = project.functions().collect();
        let targets = functions.par_iter().flat_map_iter(|(at, function)| {
            let outer = project.decorated_in(*at);
            function.decorators.iter().flat_map(move |decorator| {
                let callee = decorator.call().map_or(decorator, |call| &call.callee);
                let values = project.values(outer, callee).into_iter();
                values.filter_map(move |value| Some((*at, value.function()?)))
            })
        });
        for (at, target) in targets.collect::<Vec<_>>() {
            self.edge(at, target);
        }
    }

    /// Functions that are given back, put into objects or stored in fields: whoever gets them may call them.
    fn values_given(&mut self, project: &Project<'_>) {
        let functions: Vec<(FnRef, &Function)> = project.functions().collect();
        let edges = functions.par_iter().flat_map_iter(|(at, function)| {
            let at = *at;
            // An `async` block of Rust is written to be awaited where it stands.
            let is_block = function.mode == crate::facts::Mode::Async && function.name.is_empty();
            let mut edges = Vec::new();
            if let (true, Some(id), Language::Rust) =
                (is_block, function.parent, project.language(at.file))
            {
                edges.push((at.beside(id), at));
            }
            let mut given = Vec::new();
            walk::stmts(&function.body, &mut |stmt| {
                if let StmtKind::Return(Some(value))
                | StmtKind::Value(value)
                | StmtKind::Defer(value) = &stmt.kind
                {
                    given.push(value);
                } else if let StmtKind::Assign {
                    target: Pattern::Place(place),
                    value: Some(value),
                } = &stmt.kind
                    && !is_close_hook(stmt)
                    && !is_export(place)
                {
                    given.push(value)
                } else if let StmtKind::Assign {
                    value: Some(value), ..
                } = &stmt.kind
                    && matches!(value.kind, ExprKind::Object(_) | ExprKind::List(_))
                {
                    given.push(value);
                }
            });
            for value in given {
                edges.extend(handed(project, at, value).into_iter().map(|to| (at, to)));
            }
            edges
        });
        for (at, target) in edges.collect::<Vec<_>>() {
            self.edge(at, target);
        }
    }

    fn modules(&mut self, project: &Project<'_>) {
        for (file, at) in project.files.iter().zip(0u32..) {
            let from = FnRef::module(at);
            for import in &file.imports {
                if let Some(target) = project.modules.file(file, &import.source) {
                    self.edge(from, FnRef::module(target));
                }
                if file.language == Language::Python {
                    let base = project.modules.canonical(at, file.language, &import.source);
                    let mut names = vec![base.clone()];
                    if let ImportItem::Named(name) = &import.item {
                        names.push(format!("{base}.{name}"));
                    }
                    for name in names {
                        if let Some(super::modules::Symbol::File(target)) =
                            project.modules.symbol(&name)
                        {
                            self.edge(from, FnRef::module(target));
                        }
                    }
                }
            }
        }
    }

    fn call(&mut self, site: &Site<'_>, to: FnRef) {
        self.by_site.entry(site.id).or_default().push(to);
        self.edge(site.at, to);
    }

    fn edge(&mut self, from: FnRef, to: FnRef) {
        if from != to {
            self.edges.entry(from).or_default().insert(to);
        }
    }

    /// What a call may run: its targets, and the functions that it is given.
    pub(super) fn runs_of(&self, id: SiteId) -> &[FnRef] {
        self.by_site.get(&id).map_or(&[], Vec::as_slice)
    }

    pub(super) fn callers(&self, at: FnRef) -> &[SiteId] {
        self.callers.get(&at).map_or(&[], Vec::as_slice)
    }

    /// The call that hands this function each item of a list.
    pub(super) fn iterated(&self, at: FnRef) -> Option<(FnRef, SiteId)> {
        self.iterated.get(&at).copied()
    }

    /// The functions that calls lead to, by those alone that are known to mean what they reach.
    pub(super) fn led_to(&self, roots: &[FnRef]) -> BTreeSet<FnRef> {
        follow(roots, |at| self.edges.get(&at).into_iter().flatten())
    }

    pub(super) fn reach(&self, roots: &[FnRef]) -> BTreeSet<FnRef> {
        follow(roots, |at| {
            let edges = self.edges.get(&at).into_iter().flatten();
            edges.chain(self.guesses.get(&at).into_iter().flatten())
        })
    }

    /// As [`Self::reach`] for a whole process: without entering some functions and without some edges, and into methods that
    /// a call may mean only if an object of their class is made on the way.
    pub(super) fn runs_from(
        &self,
        roots: &[FnRef],
        closed: &BTreeSet<FnRef>,
        cut: &BTreeSet<(FnRef, FnRef)>,
    ) -> BTreeSet<FnRef> {
        let mut made: BTreeSet<ClassRef> = BTreeSet::new();
        let mut waiting: HashMap<ClassRef, Vec<FnRef>> = HashMap::new();
        let mut seen: BTreeSet<FnRef> = roots.iter().copied().collect();
        let mut open: Vec<FnRef> = roots.to_vec();
        while let Some(at) = open.pop() {
            if budget::spend(1) == Left::Nothing {
                break;
            }
            let may_enter = |to: &FnRef| !closed.contains(to) && !cut.contains(&(at, *to));
            for class in self.made.get(&at).into_iter().flatten() {
                if made.insert(*class) {
                    let methods = waiting.remove(class).unwrap_or_default();
                    open.extend(methods.into_iter().filter(|method| seen.insert(*method)));
                }
            }
            let edges = self.edges.get(&at).into_iter().flatten();
            let guesses = self.guesses.get(&at).into_iter().flatten();
            for next in guesses.filter(|next| may_enter(next)) {
                match self.owners.get(next).filter(|class| !made.contains(class)) {
                    Some(class) => waiting.entry(*class).or_default().push(*next),
                    None if seen.insert(*next) => open.push(*next),
                    None => {}
                }
            }
            let known = edges.filter(|next| may_enter(next));
            open.extend(known.filter(|next| seen.insert(**next)));
        }
        seen
    }

    /// The functions from which one can be reached, itself included.
    pub(super) fn ancestors(&self, of: FnRef) -> BTreeSet<FnRef> {
        self.ancestors_of([of])
    }

    /// The functions from which any of some can be reached, those included.
    pub(super) fn ancestors_of(&self, of: impl IntoIterator<Item = FnRef>) -> BTreeSet<FnRef> {
        let mut seen: BTreeSet<FnRef> = of.into_iter().collect();
        let mut open: Vec<FnRef> = seen.iter().copied().collect();
        while let Some(at) = open.pop() {
            if budget::spend(1) == Left::Nothing {
                break;
            }
            for next in self.back.get(&at).into_iter().flatten() {
                if seen.insert(*next) {
                    open.push(*next);
                }
            }
        }
        seen
    }
}

/// All that some functions lead to, those included, by what comes next after each.
fn follow<'g, N: Iterator<Item = &'g FnRef>>(
    roots: &[FnRef],
    next: impl Fn(FnRef) -> N,
) -> BTreeSet<FnRef> {
    let mut seen: BTreeSet<FnRef> = roots.iter().copied().collect();
    let mut open: Vec<FnRef> = roots.to_vec();
    while let Some(at) = open.pop() {
        if budget::spend(1) == Left::Nothing {
            break;
        }
        open.extend(next(at).filter(|next| seen.insert(**next)));
    }
    seen
}

/// `exports.f`, `module.exports`, `module.exports.f`: what imports it runs it, not the file that has it.
fn is_export(place: &Expr) -> bool {
    let is =
        |expr: &Expr, text: &str| matches!(&expr.kind, ExprKind::Global(name) if &**name == text);
    if is(place, "exports") {
        return true;
    }
    let ExprKind::Member(object, name) = &place.kind else {
        return false;
    };
    (is(object, "module") && &**name == "exports") || is_export(object)
}

/// `x.onclose = f`: a hook, run by whoever closes.
pub(super) fn is_close_hook(stmt: &crate::facts::Stmt) -> bool {
    if let StmtKind::Assign {
        target: Pattern::Place(place),
        ..
    } = &stmt.kind
        && let ExprKind::Member(_, name) = &place.kind
    {
        return matches!(&**name, "onclose" | "onClose");
    }
    false
}

/// The functions that an argument or value hands on, also inside objects and lists.
pub(super) fn handed<'a>(project: &Project<'a>, at: FnRef, value: &'a Expr) -> Vec<FnRef> {
    let mut all = Vec::new();
    let mut open = vec![value];
    while let Some(expr) = open.pop() {
        if let ExprKind::Function(id) = &expr.kind {
            all.push(at.beside(*id));
        } else if let ExprKind::Object(entries) = &expr.kind {
            open.extend(entries.iter().map(|entry| &entry.value));
        } else if let ExprKind::List(parts) = &expr.kind {
            open.extend(parts);
        } else if let ExprKind::Choice(_, left, right) | ExprKind::Logic(_, left, right) =
            &expr.kind
        {
            open.extend([&**left, &**right]);
        } else if let ExprKind::Await(inner)
        | ExprKind::Spread(inner)
        | ExprKind::Propagate(inner) = &expr.kind
        {
            open.push(inner);
        } else if let ExprKind::Var(_) | ExprKind::Member(..) | ExprKind::Global(_) = &expr.kind {
            all.extend(project.values(at, expr).iter().filter_map(Value::function));
        }
    }
    all
}
