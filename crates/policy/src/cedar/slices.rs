//! Policies cut by what their scopes name, so that a call is judged by few of many.

use std::collections::HashMap;

use cedar_policy::{Policy, PolicySet};

use super::complaint::{Complaint, Severity};
use super::load::Placed;
use super::scope::{self, Scope};
use super::vocabulary::Family;

/// Where each policy has to be evaluated.
#[derive(Debug)]
pub(super) struct Slices {
    families: HashMap<Family, Slice>,
    named: HashMap<Family, HashMap<Box<str>, Slice>>,
}

/// Policies that are evaluated together.
#[derive(Debug, Default)]
pub(super) struct Slice {
    pub(super) set: PolicySet,
    /// Positions in the list of all policies.
    pub(super) members: Vec<usize>,
}

impl Slices {
    /// Cuts the policies of the server called `server`.
    pub(super) fn cut(policies: &[Placed], server: &str) -> Result<Self, Vec<Complaint>> {
        let mut slices = Self {
            families: HashMap::new(),
            named: HashMap::new(),
        };
        let mut complaints = Vec::new();
        for (position, placed) in policies.iter().enumerate() {
            let added = match scope::of(&placed.policy, server) {
                Ok(Scope::Elsewhere) => Ok(()),
                Ok(Scope::Families(families)) => families.into_iter().try_for_each(|family| {
                    let slice = slices.families.entry(family).or_default();
                    slice.add(position, &placed.policy)
                }),
                Ok(Scope::Named(names)) => names.into_iter().try_for_each(|(family, name)| {
                    let named = slices.named.entry(family).or_default();
                    named.entry(name).or_default().add(position, &placed.policy)
                }),
                Err(error) => Err(error.to_string()),
            };
            if let Err(error) = added {
                complaints.push(placed.complain(Severity::Error, error));
            }
        }
        if complaints.is_empty() {
            Ok(slices)
        } else {
            Err(complaints)
        }
    }

    /// The slices that apply to this thing: together they hold every policy that could.
    pub(super) fn of(&self, family: Family, name: &str) -> impl Iterator<Item = &Slice> {
        self.shared(family)
            .into_iter()
            .chain(self.named(family, name))
    }

    /// What applies to every thing of a family.
    pub(super) fn shared(&self, family: Family) -> Option<&Slice> {
        self.families.get(&family)
    }

    /// What applies to that one thing only.
    pub(super) fn named(&self, family: Family, name: &str) -> Option<&Slice> {
        self.named.get(&family).and_then(|named| named.get(name))
    }

    /// The names that policies are cut by in a family.
    pub(super) fn names(&self, family: Family) -> impl Iterator<Item = &str> {
        let named = self.named.get(&family).into_iter().flatten();
        named.map(|(name, _slice)| name.as_ref())
    }
}

impl Slice {
    fn add(&mut self, position: usize, policy: &Policy) -> Result<(), String> {
        self.set
            .add(policy.clone())
            .map_err(|error| error.to_string())?;
        self.members.push(position);
        Ok(())
    }
}
