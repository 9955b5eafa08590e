//! The same code shipped for both module systems: `index.cjs` beside `index.js` is judged once.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::facts::{Expr, ExprKind, FileFacts, Name, Reading, walk};

/// The files that say what the file beside them says for the other module system. A file of the
/// same name that calls anything else, or does it another number of times, is no such twin.
pub(super) fn spare(files: &[FileFacts]) -> HashSet<Name> {
    let by_path: HashMap<&str, &FileFacts> = files
        .iter()
        .filter(|file| file.reading == Reading::Whole)
        .map(|file| (&*file.path, file))
        .collect();
    let is_spare = |file: &&FileFacts| {
        let Some(stem) = file.path.strip_suffix(".cjs") else {
            return false;
        };
        let mut beside = ["js", "mjs"]
            .into_iter()
            .filter_map(|end| by_path.get(format!("{stem}.{end}").as_str()));
        beside.any(|twin| done(twin) == done(file))
    };
    let read = files
        .iter()
        .filter(|file| by_path.contains_key(&*file.path));
    read.filter(is_spare)
        .map(|file| file.path.clone())
        .collect()
}

/// How often what is called by which name, and with which texts.
fn done(file: &FileFacts) -> BTreeMap<(&str, Vec<&str>), usize> {
    let mut done = BTreeMap::new();
    for function in &file.functions {
        walk::exprs(&function.body, &mut |expr| {
            let ExprKind::Call(call) = &expr.kind else {
                return;
            };
            let name = last_name(&call.callee, file);
            if !joins_modules(name) {
                let texts = call.args.iter().filter_map(|arg| arg.value.text());
                *done
                    .entry((name, texts.map(|text| &**text).collect()))
                    .or_insert(0) += 1;
            }
        });
    }
    done
}

fn last_name<'a>(callee: &'a Expr, file: &'a FileFacts) -> &'a str {
    let callee = &callee.bare().kind;
    if let ExprKind::Global(name) | ExprKind::Member(_, name) = callee {
        return name;
    }
    if let ExprKind::Var(id) = callee
        && let Some(variable) = file.variables.get(id.0 as usize)
    {
        return &variable.name;
    }
    ""
}

/// Compilers write such calls for one of the two module systems only: `__toESM(…)`,
/// `Object.defineProperty(exports, "__esModule", …)`.
fn joins_modules(name: &str) -> bool {
    name.starts_with("__") || name == "require" || name == "defineProperty"
}
