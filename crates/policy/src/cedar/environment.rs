//! What policies are checked against and evaluated in: the schema of one tool or method.

use cedar_policy::{
    Entities, Entity, EntityUid, RestrictedExpression, Schema, ValidationMode, Validator,
};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

use super::complaint::{Complaint, Severity};
use super::load::{Placed, Reach, explained};
use super::scope;
use super::shape::{self, Record};
use super::slices::Slice;
use super::vocabulary::{Family, SERVER, USER, entity};

/// The hints of annotations that policies see, all of them claims of the server.
const HINTS: [&str; 4] = [
    "readOnlyHint",
    "destructiveHint",
    "idempotentHint",
    "openWorldHint",
];

/// The world of one tool, or of one of the methods that have no types of their own.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) family: Family,
    pub(super) action: EntityUid,
    pub(super) schema: Schema,
    /// The arguments that policies see; empty for methods.
    pub(super) arguments: Record,
    pub(super) annotations: RestrictedExpression,
    /// The actions, and the tool inside its server.
    pub(super) entities: Entities,
}

/// How much of a slice is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// All of it: the types are known.
    Whole,
    /// What does not look at arguments: their types are not known yet.
    WithoutArguments,
}

impl Environment {
    /// The world of a tool. `mentioned` are the tools that its policies name besides it.
    pub(super) fn of_tool(
        name: &str,
        server: &str,
        arguments: Record,
        annotations: Option<&Value>,
        mentioned: &HashSet<Box<str>>,
    ) -> Result<Self, String> {
        let mut actions = bare_actions(mentioned);
        actions.insert(
            name.to_owned(),
            json!({
                "memberOf": [{"id": Family::Tools.method()}],
                "appliesTo": {
                    "principalTypes": [USER],
                    "resourceTypes": [Family::Tools.entity_type()],
                    "context": tool_context(&arguments),
                },
            }),
        );
        let schema = schema(actions)?;
        let thing = resource(Family::Tools, name, server)?;
        Ok(Self {
            family: Family::Tools,
            action: entity(super::vocabulary::ACTION, name).ok_or("no such action")?,
            entities: entities(&schema, thing)?,
            schema,
            arguments,
            annotations: seen_annotations(annotations)?,
        })
    }

    /// The world of a method whose things are not known beforehand.
    pub(super) fn of_method(family: Family, mentioned: &HashSet<Box<str>>) -> Result<Self, String> {
        let mut actions = bare_actions(mentioned);
        actions.insert(
            family.method().to_owned(),
            json!({
                "appliesTo": {
                    "principalTypes": [USER],
                    "resourceTypes": [family.entity_type()],
                    "context": method_context(),
                },
            }),
        );
        let schema = schema(actions)?;
        Ok(Self {
            family,
            action: entity(super::vocabulary::ACTION, family.method()).ok_or("no such action")?,
            entities: entities(&schema, Vec::new())?,
            schema,
            arguments: Record::new(),
            annotations: seen_annotations(None)?,
        })
    }

    /// What the strict check says of these slices.
    pub(super) fn check<'a>(
        &self,
        slices: impl Iterator<Item = &'a Slice>,
        policies: &[Placed],
        check: Check,
        what: &str,
    ) -> Vec<Complaint> {
        let validator = Validator::new(self.schema.clone());
        let mut complaints = Vec::new();
        for slice in slices {
            let deferred;
            let set = match check {
                Check::Whole => &slice.set,
                Check::WithoutArguments => {
                    let known = slice.members.iter().filter_map(|at| policies.get(*at));
                    let known = known.filter(|placed| placed.reach == Reach::Always);
                    let known = known.map(|placed| placed.policy.clone());
                    match cedar_policy::PolicySet::from_policies(known) {
                        Ok(set) => deferred = set,
                        Err(error) => return vec![internal(&error.to_string())],
                    }
                    &deferred
                }
            };
            for error in validator
                .validate(set, ValidationMode::Strict)
                .validation_errors()
            {
                let id: &str = error.policy_id().as_ref();
                let mut members = slice.members.iter().filter_map(|at| policies.get(*at));
                let text = format!("not valid for {what}: {}", explained(error));
                complaints.push(match members.find(|placed| placed.id() == id) {
                    Some(placed) => placed.complain(Severity::Error, text),
                    None => internal(&text),
                });
            }
        }
        complaints
    }
}

/// The tools that the policies of these slices name.
pub(super) fn mentioned<'a>(
    slices: impl Iterator<Item = &'a Slice>,
    policies: &[Placed],
) -> HashSet<Box<str>> {
    slices
        .flat_map(|slice| &slice.members)
        .filter_map(|at| policies.get(*at))
        .flat_map(|placed| scope::tools_named(&placed.policy))
        .collect()
}

/// The thing that a request uses, inside its server.
pub(super) fn resource(family: Family, name: &str, server: &str) -> Result<Vec<Entity>, String> {
    let thing = entity(family.entity_type(), name).ok_or("no such type")?;
    let server = entity(SERVER, server).ok_or("no such type")?;
    Ok(vec![
        Entity::new_no_attrs(server.clone(), HashSet::new()),
        Entity::new_no_attrs(thing, HashSet::from([server])),
    ])
}

fn entities(schema: &Schema, things: Vec<Entity>) -> Result<Entities, String> {
    let actions = schema
        .action_entities()
        .map_err(|error| error.to_string())?;
    actions
        .add_entities(things, Some(schema))
        .map_err(|error| error.to_string())
}

fn internal(text: &str) -> Complaint {
    Complaint {
        severity: Severity::Error,
        file: "policies".to_owned(),
        line: 0,
        text: text.to_owned(),
    }
}

/// Actions that policies name and that apply to nothing here.
fn bare_actions(mentioned: &HashSet<Box<str>>) -> Map<String, Value> {
    let methods = Family::ALL.iter().map(|family| family.method());
    let mentioned = mentioned.iter().map(AsRef::as_ref);
    methods
        .chain(mentioned)
        .map(|name| (name.to_owned(), json!({})))
        .collect()
}

fn schema(actions: Map<String, Value>) -> Result<Schema, String> {
    let things = Family::ALL.iter().map(|family| {
        let inside = json!({"memberOfTypes": [SERVER]});
        (family.entity_type().to_owned(), inside)
    });
    let mut types: Map<String, Value> = things.collect();
    types.insert(USER.to_owned(), json!({}));
    types.insert(SERVER.to_owned(), json!({}));
    Schema::from_json_value(json!({"": {"entityTypes": types, "actions": actions}}))
        .map_err(|error| format!("the tool's schema can't be put in Cedar's terms: {error}"))
}

fn method_context() -> Value {
    json!({"type": "Record", "attributes": {
        "name": {"type": "String"},
        "class": {"type": "String"},
        "read_only": {"type": "Boolean"},
        "time": {"type": "Record", "attributes": {
            "unix": {"type": "Long"},
            "hour": {"type": "Long"},
            "minute": {"type": "Long"},
            "weekday": {"type": "String"},
        }},
    }})
}

fn tool_context(arguments: &Record) -> Value {
    let mut context = method_context();
    let attributes = &mut context["attributes"];
    attributes["args"] = shape::cedar_record(arguments);
    attributes["unseen"] = json!({"type": "Set", "element": {"type": "String"}});
    let hints = HINTS.map(|hint| {
        let claim = json!({"type": "Boolean", "required": false});
        (hint.to_owned(), claim)
    });
    attributes["untrusted_annotations"] =
        json!({"type": "Record", "attributes": Map::from_iter(hints)});
    context
}

/// The server's claims, as far as they are claims at all.
fn seen_annotations(annotations: Option<&Value>) -> Result<RestrictedExpression, String> {
    let claims = HINTS.into_iter().filter_map(|hint| {
        let claim = annotations?.get(hint)?.as_bool()?;
        Some((hint.to_owned(), RestrictedExpression::new_bool(claim)))
    });
    RestrictedExpression::new_record(claims).map_err(|error| error.to_string())
}
