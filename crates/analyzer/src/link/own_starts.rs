//! TypeScript: code at the top of a file that only runs where the file itself is the program.

use std::collections::{HashMap, HashSet};

use crate::facts::{Compare, Expr, ExprKind, Language, StmtKind, VarId, walk};

use super::branches::{Aside, extent};
use super::{FnRef, Project};

/// Such branches that are kept for one cluster of files: each is looked at for each place that serves.
const MAX_BRANCHES: usize = 64;

/// Such branches, by the cluster of files.
pub(super) type OwnStarts = HashMap<u32, Vec<Aside>>;

/// The branches of all files that do not run where something else imports the file: `if (require.main === module) …`,
/// `if (import.meta.url === pathToFileURL(process.argv[1]).href) …`.
pub(super) fn own_starts(project: &Project<'_>) -> OwnStarts {
    let mut all = OwnStarts::new();
    for (file, at) in project.files.iter().zip(0u32..) {
        let body = file.functions.first().map(|function| &function.body);
        let Some(body) = body.filter(|_| file.language == Language::TypeScript) else {
            continue;
        };
        let mut flags: HashSet<VarId> = HashSet::new();
        for stmt in body {
            if let StmtKind::Assign {
                target,
                value: Some(value),
            } = &stmt.kind
                && let Some(id) = target.variable()
                && asks_for_program(value)
            {
                flags.insert(id);
            }
            if let StmtKind::If { test, then, .. } = &stmt.kind
                && (is_flag(test, &flags) || asks_for_program(test))
            {
                let cluster: &mut Vec<Aside> = all.entry(project.cluster_of(at)).or_default();
                if cluster.len() < MAX_BRANCHES {
                    cluster.extend(extent(then).map(|span| (FnRef::module(at), span)));
                }
            }
        }
    }
    all
}

fn is_flag(test: &Expr, flags: &HashSet<VarId>) -> bool {
    matches!(&test.kind, ExprKind::Var(id) if flags.contains(id))
}

/// Whether something holds where the file is what Node was started with.
fn asks_for_program(test: &Expr) -> bool {
    if let ExprKind::Not(_) | ExprKind::Compare(Compare::NotEqual | Compare::Outside, ..) =
        &test.kind
    {
        return false;
    }
    let mut found = false;
    walk::each(test, &mut |expr| {
        if let ExprKind::Member(object, name) = &expr.kind
            && let ExprKind::Global(of) = &object.kind
        {
            found |= &**name == "main" && matches!(&**of, "require" | "import.meta");
        } else if let ExprKind::Index(object, place) = &expr.kind
            && let ExprKind::Member(_, name) = &object.kind
            && let ExprKind::Number(place) = place.kind
        {
            found |= &**name == "argv" && place.to_bits() == 1f64.to_bits();
        }
    });
    found
}
