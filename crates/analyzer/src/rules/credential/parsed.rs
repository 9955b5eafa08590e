//! Fields of a class of settings that a library fills, from the environment or the command line.

use std::collections::BTreeSet;

use crate::facts::{Class, Expr, ExprKind, ImportItem, Language, walk};
use crate::finding::{Ground, Severity, Surface, Trusted};
use crate::link::{FnRef, Project};
use crate::rules::{At, Report};
use crate::vocabulary::{functions, words};

use super::kept::{wipes, wipes_itself};

/// Python: classes of pydantic's settings. Rust: what clap parses.
pub(super) fn look(project: &Project<'_>, cleared: &BTreeSet<String>, report: &mut Report<'_>) {
    for (file, at) in project.files.iter().zip(0u32..) {
        let module = FnRef::module(at);
        if project.surface(at) != Surface::Runtime {
            continue;
        }
        for class in &file.classes {
            let Some(origin) = origin(project, module, class, file.language) else {
                continue;
            };
            for field in &class.fields {
                let is_secret = project.hints.is_secret(&field.name)
                    && !words::is_question(&field.name)
                    && !cleared.contains(&*field.name);
                let is_text = field
                    .ty
                    .as_ref()
                    .is_some_and(|ty| is_text(project, module, ty));
                if !is_secret || !is_text {
                    continue;
                }
                let place = At {
                    function: module,
                    span: field.span,
                };
                let message = format!(
                    "the field `{}` holds a credential from {origin} as long as the settings live",
                    field.name
                );
                let finding = report.add(place, Ground::Likely(Trusted::Name), message);
                if file.language == Language::Rust {
                    finding.weigh(Severity::Medium);
                }
            }
        }
    }
}

/// Where a library reads the fields of a class, if one does.
fn origin<'a>(
    project: &Project<'a>,
    module: FnRef,
    class: &'a Class,
    language: Language,
) -> Option<&'static str> {
    match language {
        Language::Python => {
            let mut bases = class.bases.iter();
            bases
                .any(|base| project.last_name(module, base).as_deref() == Some("BaseSettings"))
                .then_some("the environment")
        }
        Language::Rust => {
            let mut derived = class.decorators.iter();
            let is_parsed = derived.any(|one| parses(project, module, one))
                && !wipes_itself(project, module, class);
            is_parsed.then_some("the command line or the environment")
        }
        Language::TypeScript | Language::Go => None,
    }
}

/// Whether a derive is of a library that fills the fields from the command line, by the path that it is imported from. A name that
/// leads nowhere is one where the file imports all of the library.
fn parses<'a>(project: &Project<'a>, module: FnRef, derived: &'a Expr) -> bool {
    let mut paths = functions::PARSING.iter();
    paths.any(|path| {
        let (library, name) = path.rsplit_once('.').unwrap_or(("", path));
        let is_named = matches!(&derived.kind, ExprKind::Global(found) if **found == *name);
        let found = project.paths(module, derived);
        found.iter().any(|found| **found == **path)
            || is_named && imports_all(project, module.file, library)
    })
}

fn imports_all(project: &Project<'_>, file: u32, library: &str) -> bool {
    let place = usize::try_from(file).unwrap_or(usize::MAX);
    let file = project.files.get(place);
    file.is_some_and(|file| {
        let mut imports = file.imports.iter();
        imports.any(|import| import.item == ImportItem::All && *import.source == *library)
    })
}

/// Whether a written type is a text that nothing wipes.
fn is_text(project: &Project<'_>, module: FnRef, ty: &Expr) -> bool {
    let mut text = false;
    walk::each(ty, &mut |expr| {
        text |= matches!(&expr.kind, ExprKind::Global(name) if matches!(&**name, "str" | "String"));
    });
    text && !wipes(project, module, ty)
}
