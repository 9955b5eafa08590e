//! Go: functions that are converted to a type with methods, one of which calls them: `HandlerFunc(f)`, and
//! `func (f HandlerFunc) Handle(a string) string { return f(a) }`.

use std::collections::HashMap;

use crate::facts::{ExprKind, Language};

use super::{ClassRef, FnRef, Project, Site};

/// Functions of one type that a call of itself may mean.
const MAX_FUNCTIONS: usize = 400;

/// The calls that such methods make, with the functions that they may mean.
pub(super) fn called<'p, 'a>(project: &'p Project<'a>) -> Vec<(&'p Site<'a>, Vec<FnRef>)> {
    let mut made: HashMap<ClassRef, Vec<FnRef>> = HashMap::new();
    let go = || {
        let sites = project.sites();
        sites.filter(|site| project.language(site.at.file) == Language::Go)
    };
    for site in go() {
        let Some(given) = site.call.arg(0).filter(|_| !site.makes.is_empty()) else {
            continue;
        };
        let functions = super::graph::handed(project, site.at, given);
        for class in &site.makes {
            let all = made.entry(*class).or_default();
            let left = MAX_FUNCTIONS.saturating_sub(all.len());
            all.extend(functions.iter().take(left));
        }
    }
    let calls = go().filter(|site| matches!(site.call.callee.bare().kind, ExprKind::This));
    let found = calls.filter_map(|site| {
        let functions = made.get(&project.class_of(site.at)?)?;
        Some((site, functions.clone()))
    });
    found.collect()
}
