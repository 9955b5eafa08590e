//! Rust: statements of a database, whose limit may be a setting of the session, or that go to a file of this machine.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use crate::facts::{Expr, Language, walk};
use crate::link::{Project, Site};
use crate::vocabulary::{Remote, Role};

/// Settings by which the server of a database ends a statement.
const SETTINGS: &[&str] = &[
    "statement_timeout",
    "max_execution_time",
    "max_statement_time",
];

/// The programs, by their clusters of files, whose statements are bounded or local.
#[derive(Debug, Default)]
pub(super) struct Statements(OnceCell<BTreeSet<u32>>);

impl Statements {
    /// Whether a statement of Rust needs no limit of its own.
    pub(super) fn are_bounded(&self, project: &Project<'_>, site: &Site<'_>) -> bool {
        project.language(site.at.file) == Language::Rust
            && matches!(site.role, Some(Role::Outbound(Remote::Database, _)))
            && self
                .0
                .get_or_init(|| settled(project))
                .contains(&project.cluster_of(site.at.file))
    }
}

fn settled(project: &Project<'_>) -> BTreeSet<u32> {
    let rust = |file: u32| project.language(file) == Language::Rust;
    let local = project
        .sites()
        .filter(|site| rust(site.at.file))
        .filter(|site| {
            let mut paths = site.paths.iter();
            paths.any(|path| path.starts_with("sqlx") && path.contains("Sqlite"))
        })
        .map(|site| project.cluster_of(site.at.file));
    let mut all: BTreeSet<u32> = local.collect();
    for (at, function) in project.functions().filter(|(at, _)| rust(at.file)) {
        let mut set = false;
        walk::exprs(&function.body, &mut |expr: &Expr| {
            let text = expr.text();
            set |= text.is_some_and(|text| SETTINGS.iter().any(|setting| text.contains(setting)));
        });
        if set {
            all.insert(project.cluster_of(at.file));
        }
    }
    all
}
