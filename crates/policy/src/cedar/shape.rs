//! The part of a tool's JSON Schema that Cedar's types can express.
//!
//! Strings, whole numbers, booleans, lists of one type and objects with declared properties are
//! seen by policies. Everything else (fractions, maps, unions, tuples) is left out; a policy that
//! refers to it fails validation, so it can't be believed to protect anything.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The deepest nesting of a schema that is followed, references included.
const MAX_DEPTH: u8 = 8;

/// The most properties of one tool that policies see; what comes after them is left out.
const MAX_FIELDS: usize = 512;

/// The type of a value that policies see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Whole,
    Truth,
    List(Box<Shape>),
    Record(Record),
}

/// The declared properties of an object.
pub(super) type Record = BTreeMap<Box<str>, Field>;

/// One declared property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) shape: Shape,
    pub(super) presence: Presence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// It has to be there and not null.
    Required,
    /// It may be absent or null, which is the same to policies.
    Optional,
}

/// The arguments of a tool with this `inputSchema`.
pub(super) fn of_arguments(schema: Option<&Value>) -> Record {
    let Some(root) = schema else {
        return Record::new();
    };
    let mut reading = Reading {
        root,
        fields: MAX_FIELDS,
    };
    match reading.shape(root, MAX_DEPTH) {
        Some((Shape::Record(record), _)) => record,
        Some((Shape::Text | Shape::Whole | Shape::Truth | Shape::List(_), _)) | None => {
            Record::new()
        }
    }
}

/// The same as Cedar writes it in a JSON schema.
pub(super) fn cedar_record(record: &Record) -> Value {
    let attributes = record.iter().map(|(name, field)| {
        let mut of = cedar_type(&field.shape);
        of["required"] = Value::Bool(field.presence == Presence::Required);
        (name.to_string(), of)
    });
    json!({"type": "Record", "attributes": Value::Object(attributes.collect())})
}

fn cedar_type(shape: &Shape) -> Value {
    match shape {
        Shape::Text => json!({"type": "String"}),
        Shape::Whole => json!({"type": "Long"}),
        Shape::Truth => json!({"type": "Boolean"}),
        Shape::List(element) => json!({"type": "Set", "element": cedar_type(element)}),
        Shape::Record(record) => cedar_record(record),
    }
}

struct Reading<'a> {
    root: &'a Value,
    fields: usize,
}

impl<'a> Reading<'a> {
    /// The shape, and whether null is allowed in its place; none if Cedar has no such type.
    fn shape(&mut self, schema: &'a Value, depth: u8) -> Option<(Shape, Presence)> {
        let depth = depth.checked_sub(1)?;
        let object = schema.as_object()?;
        if let Some(reference) = object.get("$ref") {
            let target = self.root.pointer(reference.as_str()?.strip_prefix('#')?)?;
            return self.shape(target, depth);
        }
        for union in ["anyOf", "oneOf"] {
            if let Some(members) = object.get(union) {
                return self.nullable(members.as_array()?, depth);
            }
        }
        // A condition on the whole can make a value mean something else than its type says.
        if ["allOf", "not", "if"]
            .iter()
            .any(|key| object.contains_key(*key))
        {
            return None;
        }
        match object.get("type") {
            Some(Value::String(name)) => self.named(name, schema, depth),
            Some(Value::Array(names)) => {
                let mut others = names.iter().filter(|name| *name != "null");
                let name = others.next()?.as_str()?;
                if others.next().is_some() {
                    return None;
                }
                let (shape, presence) = self.named(name, schema, depth)?;
                Some(match names.len() {
                    1 => (shape, presence),
                    _ => (shape, Presence::Optional),
                })
            }
            Some(_) => None,
            None if object.contains_key("properties") => self.named("object", schema, depth),
            None => {
                let words = object.get("enum")?.as_array()?;
                let text = !words.is_empty() && words.iter().all(Value::is_string);
                text.then_some((Shape::Text, Presence::Required))
            }
        }
    }

    /// A union of one type with null.
    fn nullable(&mut self, members: &'a [Value], depth: u8) -> Option<(Shape, Presence)> {
        let null = json!({"type": "null"});
        let mut others = members.iter().filter(|member| **member != null);
        let only = others.next()?;
        if others.next().is_some() {
            return None;
        }
        let (shape, presence) = self.shape(only, depth)?;
        Some(match members.len() {
            1 => (shape, presence),
            _ => (shape, Presence::Optional),
        })
    }

    fn named(&mut self, name: &str, schema: &'a Value, depth: u8) -> Option<(Shape, Presence)> {
        let shape = match name {
            "string" => Shape::Text,
            "integer" => Shape::Whole,
            "boolean" => Shape::Truth,
            "array" if schema.get("prefixItems").is_none() => {
                let (element, presence) = self.shape(schema.get("items")?, depth)?;
                if presence == Presence::Optional {
                    return None;
                }
                Shape::List(Box::new(element))
            }
            "object" => Shape::Record(self.record(schema, depth)?),
            _ => return None,
        };
        Some((shape, Presence::Required))
    }

    fn record(&mut self, schema: &'a Value, depth: u8) -> Option<Record> {
        let empty = Vec::new();
        let required = schema.get("required").and_then(Value::as_array);
        let required = required.unwrap_or(&empty);
        let mut record = Record::new();
        for (name, property) in schema.get("properties")?.as_object()? {
            let Some((shape, null)) = self.shape(property, depth) else {
                continue;
            };
            let Some(fields) = self.fields.checked_sub(1) else {
                break;
            };
            self.fields = fields;
            let named = required.iter().any(|one| one == name);
            let presence = match null {
                Presence::Required if named => Presence::Required,
                Presence::Required | Presence::Optional => Presence::Optional,
            };
            record.insert(name.as_str().into(), Field { shape, presence });
        }
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(schema: &Value) -> Value {
        cedar_record(&of_arguments(Some(schema)))["attributes"].clone()
    }

    #[test]
    fn what_cedar_can_say_is_typed_and_the_rest_is_left_out() {
        let schema = json!({
            "type": "object",
            "required": ["path", "count", "maybe"],
            "properties": {
                "path": {"type": "string"},
                "count": {"type": "integer"},
                "dry": {"type": "boolean"},
                "maybe": {"type": ["string", "null"]},
                "also": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": null},
                "kind": {"enum": ["a", "b"]},
                "edits": {"type": "array", "items": {"$ref": "#/$defs/edit"}},
                "ratio": {"type": "number"},
                "map": {"type": "object", "additionalProperties": {"type": "string"}},
                "pair": {"type": "array", "prefixItems": [{"type": "string"}]},
                "either": {"oneOf": [{"type": "integer"}, {"type": "string"}]},
                "mixed": {"type": ["string", "integer"]},
                "odd": {"type": "string", "not": {"const": "x"}},
                "any": true
            },
            "$defs": {"edit": {"properties": {"from": {"type": "string"}}, "required": ["from"]}}
        });
        assert_eq!(
            attributes(&schema),
            json!({
                "path": {"type": "String", "required": true},
                "count": {"type": "Long", "required": true},
                "dry": {"type": "Boolean", "required": false},
                "maybe": {"type": "String", "required": false},
                "also": {"type": "Long", "required": false},
                "kind": {"type": "String", "required": false},
                "edits": {"type": "Set", "required": false, "element":
                    {"type": "Record", "attributes": {"from": {"type": "String", "required": true}}}},
            })
        );
    }

    #[test]
    fn loops_depth_and_width_are_bounded() {
        let endless = json!({"type": "object", "properties": {"next": {"$ref": "#"}}});
        let mut depth = 0;
        let mut record = of_arguments(Some(&endless));
        while let Some(Field {
            shape: Shape::Record(next),
            ..
        }) = record.remove("next")
        {
            record = next;
            depth += 1;
        }
        assert!(depth < MAX_DEPTH);
        let direct = json!({"$ref": "#"});
        assert_eq!(of_arguments(Some(&direct)), Record::new());

        let wide = (0..2000).map(|n| (format!("p{n}"), json!({"type": "string"})));
        let wide: serde_json::Map<_, _> = wide.collect();
        let wide = json!({"type": "object", "properties": wide});
        assert_eq!(of_arguments(Some(&wide)).len(), MAX_FIELDS);
        for odd in [
            json!(true),
            json!(null),
            json!([]),
            json!({"type": "string"}),
        ] {
            assert_eq!(of_arguments(Some(&odd)), Record::new());
        }
        assert_eq!(of_arguments(None), Record::new());
    }
}
