//! Which members of a variable hold the text of an error, where not all of it does.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::{Expr, ExprKind, Name, VarId};

/// Variables with the members that hold the text.
#[derive(Debug, Default)]
pub(super) struct Parts(BTreeMap<VarId, BTreeSet<Name>>);

impl Parts {
    /// Says of some members that they hold the text.
    pub(super) fn add(&mut self, id: VarId, names: Vec<Name>) {
        self.0.entry(id).or_default().extend(names);
    }

    /// The variables that have such members.
    pub(super) fn variables(&self) -> impl Iterator<Item = VarId> {
        self.0.keys().copied()
    }

    /// The members of a variable that hold the text.
    pub(super) fn names(&self, id: VarId) -> Vec<Name> {
        let names = self.0.get(&id).into_iter().flatten();
        names.cloned().collect()
    }

    /// Whether any member holds the text: whoever gets the whole gets it too.
    pub(super) fn has(&self, id: VarId) -> bool {
        self.0.contains_key(&id)
    }

    /// Whether others hold the text and this one does not.
    pub(super) fn lacks(&self, id: VarId, name: &str) -> bool {
        self.0
            .get(&id)
            .is_some_and(|names| !names.iter().any(|known| &**known == name))
    }
}

/// The variable whose part a place is, and the name of the part right below it.
pub(super) fn place(place: &Expr) -> Option<(VarId, Option<Name>)> {
    let mut at = place;
    let mut name = None;
    loop {
        if let ExprKind::Member(object, member) = &at.kind {
            (at, name) = (object, Some(member.clone()));
        } else if let ExprKind::Index(object, key) = &at.kind {
            (at, name) = (object, key.text().cloned());
        } else if let ExprKind::Var(id) = at.kind {
            return Some((id, name));
        } else {
            return None;
        }
    }
}

/// The keys of a literal object under which something stands; `None` for anything else, and where a spread or a
/// computed key hides what stands there.
pub(super) fn keys<'a>(value: &'a Expr, stands: impl Fn(&'a Expr) -> bool) -> Option<Vec<Name>> {
    let ExprKind::Object(entries) = &value.kind else {
        return None;
    };
    let mut all = Vec::new();
    for entry in entries.iter().filter(|entry| stands(&entry.value)) {
        all.push(entry.key.clone()?);
    }
    Some(all)
}
