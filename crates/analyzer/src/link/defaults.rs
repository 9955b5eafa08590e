//! Limits of time that a program sets once for all calls of a library.

use std::collections::{BTreeSet, HashMap};

use crate::budget;
use crate::facts::{Class, ExprKind, FnId, Language, Name, Param, Pattern, StmtKind, walk};

use super::clusters::Programs;
use super::{FnRef, Project, Site, SiteId};

/// The programs that set a limit for all calls of a library.
#[derive(Debug, Default)]
pub(super) struct Defaults {
    /// `socket.setdefaulttimeout(5)`.
    sockets: Programs,
    /// `axios.defaults.timeout = 5_000`, and of what `axios.create` made.
    axios: Programs,
    /// `session.request = partial(session.request, timeout=5)`, an adapter that adds a timeout.
    requests: Programs,
    /// The calls that limit what they are made on, or end it, by their functions: `request.setTimeout(5_000)`, `child.kill()`.
    told: HashMap<FnRef, Vec<SiteId>>,
    /// The files with such a call on a socket.
    sockets_told: BTreeSet<u32>,
}

/// Calls in one function that limit something, and are looked at.
const MAX_TOLD: usize = 64;

impl<'a> Project<'a> {
    /// The calls of a function that limit what they are made on, or end it.
    pub fn told_in(&self, at: FnRef) -> impl Iterator<Item = &Site<'a>> {
        let defaults = self
            .defaults
            .get_or_init(|| budget::apart(|| Defaults::of(self)));
        let told = defaults.told.get(&at).into_iter().flatten();
        told.filter_map(|id| self.site(*id))
    }

    /// Whether a file gives a socket a limit.
    pub fn limits_sockets(&self, file: u32) -> bool {
        let defaults = self
            .defaults
            .get_or_init(|| budget::apart(|| Defaults::of(self)));
        defaults.sockets_told.contains(&file)
    }

    /// Whether the program that a call is of sets a limit for all such calls.
    pub fn has_default_limit(&self, site: &Site<'_>) -> bool {
        let defaults = self
            .defaults
            .get_or_init(|| budget::apart(|| Defaults::of(self)));
        let of = |library: &str| site.paths.iter().any(|path| path.starts_with(library));
        let file = site.at.file;
        match self.language(file) {
            Language::Python => {
                self.is_of(file, &defaults.sockets)
                    || (of("requests") && self.is_of(file, &defaults.requests))
            }
            Language::TypeScript => of("axios") && self.is_of(file, &defaults.axios),
            Language::Rust | Language::Go => false,
        }
    }
}

impl Defaults {
    fn of(project: &Project<'_>) -> Self {
        let (mut sockets, mut axios, mut requests) = (Vec::new(), Vec::new(), Vec::new());
        let (mut told, mut sockets_told) = (HashMap::<_, Vec<_>>::new(), BTreeSet::new());
        for site in project.sites() {
            let limits = matches!(
                site.name(),
                "setTimeout" | "settimeout" | "setblocking" | "kill" | "terminate"
            );
            if limits && site.call.receiver().is_some() {
                let all = told.entry(site.at).or_default();
                if all.len() < MAX_TOLD {
                    all.push(site.id);
                }
            }
            if matches!(site.name(), "settimeout" | "setblocking") {
                sockets_told.insert(site.at.file);
            }
            let is = |known: &str| site.paths.iter().any(|path: &Name| &**path == known);
            if is("socket.setdefaulttimeout") {
                sockets.push(site.at.file);
            }
            let wraps = is("functools.partial") && site.call.option("timeout").is_some();
            let of_session = site
                .call
                .arg(0)
                .and_then(|of| project.last_name(site.at, of));
            if wraps && matches!(of_session.as_deref(), Some("request" | "send")) {
                requests.push(site.at.file);
            }
        }
        for (file, at) in project.files.iter().zip(0u32..) {
            let adds = |class: &Class| adds_timeout(project, at, class);
            match file.language {
                Language::TypeScript => axios.extend(sets_axios(project, at).then_some(at)),
                Language::Python => {
                    requests.extend(file.classes.iter().any(adds).then_some(at));
                }
                Language::Rust | Language::Go => {}
            }
        }
        Self {
            sockets: project.programs_of(sockets),
            axios: project.programs_of(axios),
            requests: project.programs_of(requests),
            told,
            sockets_told,
        }
    }
}

/// Whether a file sets the timeout among the defaults of axios or of an instance.
fn sets_axios(project: &Project<'_>, file: u32) -> bool {
    let mut found = false;
    for (_, function) in project.functions_in(file) {
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Assign {
                target: Pattern::Place(place),
                ..
            } = &stmt.kind
                && let ExprKind::Member(object, name) = &place.kind
                && let ExprKind::Member(_, of) = &object.kind
            {
                found |= &**name == "timeout" && &**of == "defaults";
            }
        });
    }
    found
}

/// `class Patient(HTTPAdapter): def send(self, request, timeout=5, **rest)`.
fn adds_timeout(project: &Project<'_>, file: u32, class: &Class) -> bool {
    let module = FnRef::module(file);
    let is_adapter = class.bases.iter().any(|base| {
        let name = project.last_name(module, base);
        name.is_some_and(|name| name.ends_with("HTTPAdapter"))
    });
    let speaks = |function: FnId| {
        let Some(function) = project.function(module.beside(function)) else {
            return false;
        };
        // The parameter that `send` has anyway adds nothing.
        let adds = |param: &Param| {
            let default = param.default.as_ref();
            default.is_some_and(|value| matches!(value.kind, ExprKind::Number(_)))
        };
        let mut found = function.params.iter().any(adds);
        walk::exprs(&function.body, &mut |expr| {
            found |= expr.text().is_some_and(|text| &**text == "timeout");
        });
        found
    };
    is_adapter
        && class
            .methods
            .iter()
            .any(|method| &*method.name == "send" && speaks(method.function))
}
