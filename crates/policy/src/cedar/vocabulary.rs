//! The words that policies are written in: entity types, actions, and who owns them.

use cedar_policy::{EntityId, EntityTypeName, EntityUid};

use crate::question::Subject;

/// The type of principals.
pub(super) const USER: &str = "User";
/// The type of what tools, resources, prompts and other methods belong to.
pub(super) const SERVER: &str = "Server";
/// The type of actions.
pub(super) const ACTION: &str = "Action";
/// Every type that a policy may name.
pub(super) const TYPES: [&str; 7] = [USER, SERVER, "Tool", "Resource", "Prompt", "Method", ACTION];

/// What sort of thing a request uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Family {
    Tools,
    Resources,
    Prompts,
    Methods,
}

impl Family {
    pub(super) const ALL: [Self; 4] = [Self::Tools, Self::Resources, Self::Prompts, Self::Methods];

    pub(super) fn of(subject: Subject<'_>) -> Self {
        match subject {
            Subject::Tool(_) => Self::Tools,
            Subject::Resource(_) => Self::Resources,
            Subject::Prompt(_) => Self::Prompts,
            Subject::Method(_) => Self::Methods,
        }
    }

    /// The entity type of the things.
    pub(super) fn entity_type(self) -> &'static str {
        match self {
            Self::Tools => "Tool",
            Self::Resources => "Resource",
            Self::Prompts => "Prompt",
            Self::Methods => "Method",
        }
    }

    /// The action; for tools the group that every tool's own action belongs to.
    pub(super) fn method(self) -> &'static str {
        match self {
            Self::Tools => "tools/call",
            Self::Resources => "resources/read",
            Self::Prompts => "prompts/get",
            Self::Methods => "methods/call",
        }
    }
}

/// Whether a tool's name is that of a method, whose action it would take.
pub(super) fn is_reserved(tool: &str) -> bool {
    Family::ALL.iter().any(|family| family.method() == tool)
}

/// An entity of one of the types above.
///
/// None only if the type's name did not parse, which none of the constants above does.
pub(super) fn entity(type_name: &str, id: &str) -> Option<EntityUid> {
    let type_name: EntityTypeName = type_name.parse().ok()?;
    Some(EntityUid::from_type_name_and_id(
        type_name,
        EntityId::new(id),
    ))
}
