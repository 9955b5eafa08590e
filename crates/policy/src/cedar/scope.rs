//! What the scope of a policy lets it apply to.

use cedar_policy::{ActionConstraint, EntityUid, Policy, ResourceConstraint};

use super::vocabulary::{ACTION, Family, SERVER, TYPES};

/// Where a policy has to be evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    /// For everything of these families.
    Families(Vec<Family>),
    /// For things of these names only.
    Named(Vec<(Family, Box<str>)>),
    /// For things of another server.
    Elsewhere,
}

/// What is wrong with a scope.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ScopeError {
    #[error("there is no entity type `{0}`; the types are {types}", types = TYPES.join(", "))]
    UnknownType(String),
    #[error("the scope can never match: its action and its resource exclude each other")]
    Never,
    #[error(
        "`Action::\"tools/call\"` is the group of all tools; write `action in Action::\"tools/call\"`"
    )]
    Group,
}

/// Which things of the server called `server` the policy can apply to.
pub(super) fn of(policy: &Policy, server: &str) -> Result<Scope, ScopeError> {
    for literal in policy.entity_literals() {
        known(&literal.type_name().to_string())?;
    }
    let principal = policy.principal_constraint();
    if let cedar_policy::PrincipalConstraint::Is(name)
    | cedar_policy::PrincipalConstraint::IsIn(name, _) = &principal
    {
        known(&name.to_string())?;
    }
    let resource = policy.resource_constraint();
    let things = match things(&resource, server)? {
        Things::Of(things) => things,
        Things::Elsewhere => return Ok(Scope::Elsewhere),
    };
    match actions(&policy.action_constraint())? {
        Actions::All => Ok(match things {
            Set::Families(families) => Scope::Families(families),
            Set::Named(names) => Scope::Named(names),
        }),
        Actions::These(groups, tools) => {
            let within = |family: Family| groups.contains(&family);
            match things {
                Set::Families(families) => {
                    let whole: Vec<Family> =
                        families.iter().copied().filter(|f| within(*f)).collect();
                    if !whole.is_empty() && tools.is_empty() {
                        return Ok(Scope::Families(whole));
                    }
                    let named = match families.contains(&Family::Tools) {
                        true => tools,
                        false => Vec::new(),
                    };
                    match (whole.is_empty(), named.is_empty()) {
                        (true, true) => Err(ScopeError::Never),
                        (true, false) => Ok(Scope::Named(
                            named
                                .into_iter()
                                .map(|name| (Family::Tools, name))
                                .collect(),
                        )),
                        (false, true) => Ok(Scope::Families(whole)),
                        // Some of both: evaluating it more often than needed is safe.
                        (false, false) => Ok(Scope::Families(families)),
                    }
                }
                Set::Named(names) => {
                    let matching: Vec<_> = names
                        .into_iter()
                        .filter(|(family, name)| {
                            within(*family) || (*family == Family::Tools && tools.contains(name))
                        })
                        .collect();
                    match matching.is_empty() {
                        true => Err(ScopeError::Never),
                        false => Ok(Scope::Named(matching)),
                    }
                }
            }
        }
    }
}

/// The tools that a policy names anywhere, as actions or as resources.
pub(super) fn tools_named(policy: &Policy) -> Vec<Box<str>> {
    let literals = policy.entity_literals();
    let tools = literals.iter().filter_map(|literal| {
        let id: &str = literal.id().unescaped();
        match literal.type_name().to_string().as_str() {
            ACTION if !super::vocabulary::is_reserved(id) => Some(id.into()),
            "Tool" => Some(id.into()),
            _ => None,
        }
    });
    let mut tools: Vec<Box<str>> = tools.collect();
    tools.sort_unstable();
    tools.dedup();
    tools
}

enum Actions {
    All,
    These(Vec<Family>, Vec<Box<str>>),
}

fn actions(constraint: &ActionConstraint) -> Result<Actions, ScopeError> {
    let one: Vec<EntityUid>;
    let ids = match constraint {
        ActionConstraint::Any => return Ok(Actions::All),
        ActionConstraint::In(ids) => ids,
        ActionConstraint::Eq(id) if id.id().unescaped() == Family::Tools.method() => {
            return Err(ScopeError::Group);
        }
        ActionConstraint::Eq(id) => {
            one = vec![id.clone()];
            &one
        }
    };
    let mut families = Vec::new();
    let mut tools: Vec<Box<str>> = Vec::new();
    for id in ids {
        let id: &str = id.id().unescaped();
        match Family::ALL.into_iter().find(|family| family.method() == id) {
            Some(family) => families.push(family),
            None => tools.push(id.into()),
        }
    }
    Ok(Actions::These(families, tools))
}

enum Set {
    Families(Vec<Family>),
    Named(Vec<(Family, Box<str>)>),
}

enum Things {
    Of(Set),
    Elsewhere,
}

fn things(constraint: &ResourceConstraint, server: &str) -> Result<Things, ScopeError> {
    let everything = || Set::Families(Family::ALL.to_vec());
    Ok(match constraint {
        ResourceConstraint::Any => Things::Of(everything()),
        ResourceConstraint::Is(name) => Things::Of(Set::Families(vec![family(&name.to_string())?])),
        ResourceConstraint::Eq(id) => {
            let of = family(&id.type_name().to_string())?;
            Things::Of(Set::Named(vec![(of, id.id().unescaped().into())]))
        }
        ResourceConstraint::In(id) => inside(id, server, everything())?,
        ResourceConstraint::IsIn(name, id) => {
            let of = family(&name.to_string())?;
            match inside(id, server, Set::Families(vec![of]))? {
                Things::Of(Set::Named(names)) => {
                    let names: Vec<_> = names.into_iter().filter(|(f, _)| *f == of).collect();
                    if names.is_empty() {
                        return Err(ScopeError::Never);
                    }
                    Things::Of(Set::Named(names))
                }
                Things::Of(Set::Families(families)) => Things::Of(Set::Families(families)),
                Things::Elsewhere => Things::Elsewhere,
            }
        }
    })
}

fn inside(id: &EntityUid, server: &str, everything: Set) -> Result<Things, ScopeError> {
    let type_name = id.type_name().to_string();
    let name: &str = id.id().unescaped();
    if type_name == SERVER {
        return Ok(if name == server {
            Things::Of(everything)
        } else {
            Things::Elsewhere
        });
    }
    Ok(Things::Of(Set::Named(vec![(
        family(&type_name)?,
        name.into(),
    )])))
}

fn known(type_name: &str) -> Result<(), ScopeError> {
    if TYPES.contains(&type_name) {
        Ok(())
    } else {
        Err(ScopeError::UnknownType(type_name.to_owned()))
    }
}

fn family(type_name: &str) -> Result<Family, ScopeError> {
    known(type_name)?;
    let mut families = Family::ALL.into_iter();
    families
        .find(|family| family.entity_type() == type_name)
        .ok_or(ScopeError::Never)
}
