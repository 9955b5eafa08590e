//! Places that are named like a credential and keep what was read from outside: fields, entries of a configuration, variables that a function sets.

use std::collections::BTreeSet;

use crate::facts::{
    Call, CallForm, Class, ClassId, Expr, ExprKind, FnId, Language, Pattern, StmtKind, walk,
};
use crate::finding::{Ground, Severity, Surface, Trusted};
use crate::link::{ClassRef, FnRef, Project, Site};
use crate::rules::{At, Report};
use crate::vocabulary::{Role, words};

use super::origin;

/// Types that wipe what they hold, or hide it until it is asked for.
const WIPING: &[&str] = &[
    "SecretString",
    "SecretBox",
    "SecretStr",
    "SecretBytes",
    "Secret",
    "Zeroizing",
    "SecUtf8",
    "SecVec",
];

pub(super) fn look(project: &Project<'_>, cleared: &BTreeSet<String>, report: &mut Report<'_>) {
    let mut kept = Kept {
        project,
        cleared,
        report,
    };
    for (at, function) in project.functions() {
        if project.surface(at.file) != Surface::Runtime {
            continue;
        }
        let for_one_call = project.handler_reach().contains(&at);
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Assign {
                target,
                value: Some(value),
            } = &stmt.kind
            {
                kept.set(at, target, value);
            } else if let StmtKind::Return(Some(value)) = &stmt.kind
                && !for_one_call
            {
                kept.entries(at, value);
            }
        });
        for site in project.sites_of(at) {
            kept.once(site);
            if !for_one_call {
                kept.given(site);
            }
        }
    }
    super::parsed::look(project, cleared, report);
}

struct Kept<'k, 'p, 'r> {
    project: &'k Project<'p>,
    cleared: &'k BTreeSet<String>,
    report: &'k mut Report<'r>,
}

impl<'p> Kept<'_, 'p, '_> {
    /// Fields, variables of a file that a function sets, and configurations that a file keeps.
    fn set(&mut self, at: FnRef, target: &Pattern, value: &'p Expr) {
        let is_module = at.id == FnId::MODULE;
        if let Pattern::Place(place) = target
            && let ExprKind::Member(object, field) = &place.kind
            && matches!(object.kind, ExprKind::This)
        {
            if let ExprKind::Object(_) = value.kind {
                self.entries(at, value);
            } else {
                self.judge(at, field, value, place);
            }
        } else if let Pattern::Var(id) = target {
            let variable = at.variable(*id);
            let Some(declared) = self.project.variable(variable) else {
                return;
            };
            if declared.owner != FnId::MODULE {
                return;
            }
            if is_module && matches!(value.kind, ExprKind::Object(_)) {
                self.entries(at, value);
            }
            let name = declared.name.clone();
            let is_wiped = declared
                .ty
                .as_ref()
                .is_some_and(|ty| wipes(self.project, at, ty));
            if !is_wiped {
                self.judge(at, &name, value, value);
            }
        }
    }

    /// Rust: `KEY.get_or_init(|| …)`, `KEY.set(…)` of a static.
    fn once(&mut self, site: &Site<'p>) {
        let call: &'p Call = site.call;
        let (Some(object), Some(given)) = (call.receiver(), call.arg(0)) else {
            return;
        };
        let ExprKind::Var(id) = object.kind else {
            return;
        };
        let declared = self.project.variable(site.at.variable(id));
        let Some(declared) = declared.filter(|variable| variable.owner == FnId::MODULE) else {
            return;
        };
        let is_wiped = declared
            .ty
            .as_ref()
            .is_some_and(|ty| wipes(self.project, site.at, ty));
        if self.project.language(site.at.file) != Language::Rust || is_wiped {
            return;
        }
        let name = declared.name.clone();
        if matches!(site.name(), "get_or_init" | "get_or_try_init") {
            let origin = origin::by_closure(self.project, site.at, given);
            self.tell(site.at, &name, origin, given);
        } else if site.name() == "set" {
            self.judge(site.at, &name, given, given);
        }
    }

    /// What a constructor or the literal of a struct is given to keep.
    fn given(&mut self, site: &Site<'p>) {
        let makes = site.call.form == CallForm::Literal || !site.makes.is_empty();
        let call: &'p Call = site.call;
        let is_super = matches!(call.callee.kind, ExprKind::Super);
        // A class of Python with a constructor of its own is judged by what that keeps.
        let by_constructor = self.project.language(site.at.file) == Language::Python
            && site.makes.iter().any(|class| self.has_constructor(*class));
        for arg in &call.args {
            if let ExprKind::Object(_) = arg.value.kind {
                if makes || is_super {
                    self.entries(site.at, &arg.value);
                }
            } else if let Some(name) = arg.name.as_deref()
                && makes
                && !by_constructor
                && !self.wipes_field(site, name)
            {
                self.judge(site.at, name, &arg.value, &arg.value);
            }
        }
    }

    /// The entries of a literal, also of those inside it.
    fn entries(&mut self, at: FnRef, literal: &'p Expr) {
        let ExprKind::Object(entries) = &literal.kind else {
            return;
        };
        for entry in entries {
            if let ExprKind::Object(_) = entry.value.kind {
                self.entries(at, &entry.value);
            } else if let Some(key) = &entry.key {
                self.judge(at, key, &entry.value, &entry.value);
            }
        }
    }

    fn judge(&mut self, at: FnRef, name: &str, value: &'p Expr, place: &Expr) {
        if self.is_kept(name) && !is_wiped(self.project, at, value) {
            self.tell(at, name, origin::of(self.project, at, value), place);
        }
    }

    /// Whether a name holds a credential that nothing clears at a stop.
    fn is_kept(&self, name: &str) -> bool {
        let is_secret = self.project.hints.is_secret(name) && !words::is_question(name);
        is_secret && !self.cleared.contains(name)
    }

    fn tell(&mut self, at: FnRef, name: &str, origin: Option<String>, place: &Expr) {
        let Some(origin) = origin.filter(|_| self.is_kept(name)) else {
            return;
        };
        let place = At {
            function: at,
            span: place.span,
        };
        if self.report.has(place) {
            return;
        }
        let message = format!("`{name}` holds a credential from {origin} as long as it is kept");
        let finding = self
            .report
            .add(place, Ground::Likely(Trusted::Name), message);
        if self.project.language(at.file) == Language::Rust {
            finding.weigh(Severity::Medium);
        }
    }

    fn has_constructor(&self, class: ClassRef) -> bool {
        self.project.class(class).is_some_and(|class| {
            let mut methods = class.methods.iter();
            methods.any(|method| &*method.name == "__init__")
        })
    }

    /// Whether the field of a struct that is made wipes what it holds, or the struct does.
    fn wipes_field(&self, site: &Site<'p>, name: &str) -> bool {
        let by_name = || {
            let name = crate::link::callee_name(&site.call.callee);
            if name == "Self" {
                return self.project.class_of(site.at);
            }
            let classes = &self.project.file(site.at.file)?.classes;
            let place = classes.iter().position(|class| &*class.name == name)?;
            Some(ClassRef {
                file: site.at.file,
                id: ClassId(u32::try_from(place).ok()?),
            })
        };
        let Some(made) = site.makes.first().copied().or_else(by_name) else {
            return false;
        };
        let declared = FnRef::module(made.file);
        self.project.class(made).is_some_and(|class| {
            let field = class.fields.iter().find(|field| &*field.name == name);
            let ty = field.and_then(|field| field.ty.as_ref());
            ty.is_some_and(|ty| wipes(self.project, declared, ty))
                || wipes_itself(self.project, declared, class)
        })
    }
}

/// A struct that wipes itself when it is dropped.
pub(super) fn wipes_itself(project: &Project<'_>, at: FnRef, class: &Class) -> bool {
    let derived = class.decorators.iter().chain(&class.bases);
    names(project, at, derived).any(|name| matches!(&*name, "ZeroizeOnDrop" | "Zeroize"))
}

fn names<'e>(
    project: &Project<'_>,
    at: FnRef,
    all: impl Iterator<Item = &'e Expr>,
) -> impl Iterator<Item = String> {
    let mut found = Vec::new();
    for one in all {
        walk::each(one, &mut |expr| found.extend(project.last_name(at, expr)));
    }
    found.into_iter()
}

/// Whether a written type wipes what it holds.
pub(super) fn wipes(project: &Project<'_>, at: FnRef, ty: &Expr) -> bool {
    names(project, at, std::iter::once(ty)).any(|name| WIPING.contains(&&*name))
}

/// Whether a value is put into memory that is wiped.
fn is_wiped(project: &Project<'_>, at: FnRef, value: &Expr) -> bool {
    let mut found = false;
    walk::each(value, &mut |expr| {
        if let ExprKind::Call(_) = expr.kind {
            found |= project
                .site_at(at, expr)
                .is_some_and(|site| site.role == Some(Role::Wiping));
        }
    });
    found
}
