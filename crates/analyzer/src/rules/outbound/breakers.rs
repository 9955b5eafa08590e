//! Circuit breakers, and the calls that go through them.

use std::collections::BTreeSet;

use crate::facts::ClassId;
use crate::finding::Surface;
use crate::link::{ClassRef, FnRef, Programs, Project, Site};
use crate::vocabulary::{self, Role, words};

/// Methods by which something is done through a breaker, or by which it is asked before and told after.
const ASKING: &[&str] = &[
    "fire",
    "execute",
    "call",
    "call_async",
    "run",
    "exec",
    "wrap",
    "guard",
    "protect",
    "attempt",
];

/// First words of methods that ask a breaker whether it admits, or tell it what came.
const STATE: &[&str] = &[
    "allow", "allows", "can", "is", "should", "check", "try", "before", "acquire", "record",
    "success", "failure", "fail", "on", "ready",
];

/// Parts of the names of libraries that have breakers.
const LIBRARIES: &[&str] = &[
    "reaker",
    "opossum",
    "cockatiel",
    "recloser",
    "purgatory",
    "hystrix",
    "failsafe",
];

/// What goes through a breaker.
pub(super) struct Breakers {
    own: Own,
    /// Functions that only run there, as far as is seen.
    inside: BTreeSet<FnRef>,
    /// Programs in which it is seen what goes through a breaker.
    traced: Programs,
    /// Programs with a breaker.
    with: Programs,
    /// Whether all breakers are the author's own, and nobody uses them.
    idle: bool,
}

impl Breakers {
    pub(super) fn of(project: &Project<'_>) -> Self {
        let own = Own::of(project);
        let mut roots = Vec::new();
        let (mut found, mut traced) = (Vec::new(), Vec::new());
        let mut uses = false;
        for site in project.sites() {
            let runs = project.surface(site.at.file) == Surface::Runtime;
            if !runs || !own.is_breaker(project, site) {
                continue;
            }
            // What a breaker of the author's does itself is no use of it.
            let mut around = project.outward(site.at);
            if around.any(|(at, _)| own.functions.contains(&at)) {
                continue;
            }
            uses = true;
            found.push(site.at.file);
            let given = project.runs_of(site.id).iter().copied();
            let given: Vec<FnRef> = given.filter(|at| !own.functions.contains(at)).collect();
            let through = ASKING.contains(&site.name()) || !given.is_empty();
            if through || asks_state(site) {
                traced.push(site.at.file);
            }
            roots.extend(given);
            if asks_state(site) {
                // What is called where it admits stands beside the question.
                roots.extend(calls(project, site.at));
                roots.push(site.at);
            }
        }
        roots.extend(decorated(project, &own, &mut traced));
        let traced = project.programs_of(traced);
        // One that nobody uses stands around nothing.
        if uses {
            found.extend(&own.files);
        }
        Self {
            inside: project.reach(&roots),
            traced,
            with: project.programs_of(found),
            idle: !uses && !own.files.is_empty(),
            own,
        }
    }

    /// Whether a call goes through a breaker, or may: its file imports one, or nothing is seen to go through that of its program.
    pub(super) fn stand_around(&self, project: &Project<'_>, site: &Site<'_>) -> bool {
        let file = site.at.file;
        let imports = || !self.idle && project.uses_in(file, "breaker");
        let unseen = || project.is_of(file, &self.with) || imports();
        self.inside.contains(&site.at)
            || (!project.is_of(file, &self.traced) && unseen())
            || project
                .sites_around(site)
                .any(|outer| self.own.is_breaker(project, outer))
    }
}

/// What a function calls.
fn calls(project: &Project<'_>, at: FnRef) -> Vec<FnRef> {
    let sites = project.sites_of(at);
    sites
        .flat_map(|site| site.targets.iter().copied())
        .collect()
}

/// Breakers of the author's, by their names.
struct Own {
    classes: BTreeSet<ClassRef>,
    functions: BTreeSet<FnRef>,
    files: BTreeSet<u32>,
}

impl Own {
    fn of(project: &Project<'_>) -> Self {
        let mut all = Self {
            classes: BTreeSet::new(),
            functions: BTreeSet::new(),
            files: BTreeSet::new(),
        };
        for (file, at) in project.files.iter().zip(0u32..) {
            for (class, id) in file.classes.iter().zip(0u32..) {
                if is_named(&class.name) {
                    let class_at = ClassRef {
                        file: at,
                        id: ClassId(id),
                    };
                    let methods = class.methods.iter();
                    let methods = methods.map(|method| class_at.function(method.function));
                    all.functions.extend(methods);
                    all.classes.insert(class_at);
                    all.files.insert(at);
                }
            }
        }
        for (at, function) in project.functions() {
            if is_named(&function.name) {
                all.functions.insert(at);
                all.files.insert(at.file);
            }
        }
        all
    }

    /// Whether a call makes a breaker or is one on it.
    fn is_breaker(&self, project: &Project<'_>, site: &Site<'_>) -> bool {
        let language = project.language(site.at.file);
        let mut paths = site.paths.iter();
        let by_library = paths.any(|path| {
            let mut makers = path.match_indices("()");
            LIBRARIES.iter().any(|name| path.contains(name))
                && makers.any(|(at, _)| {
                    let made = path.get(..at).unwrap_or_default();
                    vocabulary::role(language, made) == Some(Role::Breaker)
                })
        });
        let is_own = |at: &FnRef| self.functions.contains(at);
        let on = site.call.receiver();
        let by_name = || {
            let names = on.map_or_else(Vec::new, |on| project.names_in(site.at, on));
            names.iter().any(|name| is_named(name))
        };
        site.role == Some(Role::Breaker)
            || by_library
            || site.targets.iter().any(is_own)
            || site.makes.iter().any(|class| self.classes.contains(class))
            || (!self.files.is_empty() && by_name())
    }
}

/// Whether a name is that of a breaker: `CircuitBreaker`, `breakers`, `withBreaker`.
fn is_named(name: &str) -> bool {
    let words = words::words(name);
    let mut words = words.iter().map(String::as_str);
    words.any(|word| matches!(word, "breaker" | "breakers" | "circuitbreaker"))
}

/// Whether a call asks whether something is admitted, or tells what came of it.
fn asks_state(site: &Site<'_>) -> bool {
    let words = words::words(site.name());
    let first = words.first().map(String::as_str);
    site.call.receiver().is_some()
        && first.is_some_and(|first| STATE.contains(&first))
        && site.name() != "on"
}

/// Functions under a decorator that is a breaker.
fn decorated(project: &Project<'_>, own: &Own, traced: &mut Vec<u32>) -> Vec<FnRef> {
    let mut all = Vec::new();
    for (at, function) in project.functions() {
        let outer = project.decorated_in(at);
        let language = project.language(at.file);
        let is_breaker = function.decorators.iter().any(|decorator| {
            let callee = decorator.call().map_or(decorator, |call| &call.callee);
            project.values(outer, callee).into_iter().any(|value| {
                let is_own = value
                    .function()
                    .is_some_and(|at| own.functions.contains(&at));
                let path = value.path().unwrap_or_default();
                let made = path.split("()").next().unwrap_or_default();
                is_own || vocabulary::role(language, made) == Some(Role::Breaker)
            })
        });
        if is_breaker {
            traced.push(at.file);
            all.push(at);
        }
    }
    all
}
