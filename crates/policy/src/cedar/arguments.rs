//! The arguments of a call as policies see them.

use cedar_policy::RestrictedExpression;
use serde_json::{Map, Value};

use super::shape::{Presence, Record, Shape};

/// The most names of arguments that policies can't see; a call with more is denied.
const MAX_UNSEEN: usize = 256;

/// Arguments in Cedar's terms.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) args: RestrictedExpression,
    /// Paths of what was given and is not among `args`, such as `options.mode`.
    pub(super) unseen: Vec<RestrictedExpression>,
}

/// How arguments miss the schema that the server gave.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error("the arguments are not a JSON object")]
    NotAnObject,
    #[error("argument {0} is missing")]
    Missing(String),
    #[error("argument {0} is not of its declared type")]
    Type(String),
    #[error("the call has more than {MAX_UNSEEN} arguments that the schema can not express")]
    TooManyUnseen,
    #[error("the arguments can not be put in the terms of policies")]
    Inexpressible,
}

/// Reads `given` by `record`. No arguments are an empty object.
pub(super) fn read(given: Option<&Value>, record: &Record) -> Result<Seen, Unfit> {
    let empty = Map::new();
    let object = match given {
        None => &empty,
        Some(value) => value.as_object().ok_or(Unfit::NotAnObject)?,
    };
    let mut unseen = Vec::new();
    let args = read_record(object, record, "", &mut unseen)?;
    Ok(Seen { args, unseen })
}

fn read_record(
    object: &Map<String, Value>,
    record: &Record,
    path: &str,
    unseen: &mut Vec<RestrictedExpression>,
) -> Result<RestrictedExpression, Unfit> {
    let mut fields = Vec::with_capacity(record.len());
    for (name, field) in record {
        let at = join(path, name);
        match (object.get(name.as_ref()), field.presence) {
            (None, Presence::Optional) => {}
            (Some(Value::Null), Presence::Optional) => see_not(&at, unseen)?,
            (None, Presence::Required) => return Err(Unfit::Missing(at)),
            (Some(value), Presence::Required | Presence::Optional) => {
                fields.push((
                    name.to_string(),
                    read_value(value, &field.shape, &at, unseen)?,
                ));
            }
        }
    }
    for name in object.keys() {
        if !record.contains_key(name.as_str()) {
            see_not(&join(path, name), unseen)?;
        }
    }
    RestrictedExpression::new_record(fields).map_err(|_twice| Unfit::Inexpressible)
}

fn read_value(
    value: &Value,
    shape: &Shape,
    path: &str,
    unseen: &mut Vec<RestrictedExpression>,
) -> Result<RestrictedExpression, Unfit> {
    let wrong = || Unfit::Type(path.to_owned());
    Ok(match shape {
        Shape::Text => {
            RestrictedExpression::new_string(value.as_str().ok_or_else(wrong)?.to_owned())
        }
        Shape::Whole => RestrictedExpression::new_long(whole(value).ok_or_else(wrong)?),
        Shape::Truth => RestrictedExpression::new_bool(value.as_bool().ok_or_else(wrong)?),
        Shape::List(element) => {
            let items = value.as_array().ok_or_else(wrong)?;
            let mut elements = Vec::with_capacity(items.len());
            for item in items {
                elements.push(read_value(item, element, path, unseen)?);
            }
            RestrictedExpression::new_set(elements)
        }
        Shape::Record(record) => {
            let object = value.as_object().ok_or_else(wrong)?;
            read_record(object, record, path, unseen)?
        }
    })
}

/// The whole number that this is; `2.0` is one to JSON Schema.
fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let float = value.as_f64()?;
        // Below 2^53 every whole float is exactly one integer.
        let exact = float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0;
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
        exact.then_some(float as i64)
    })
}

fn see_not(path: &str, unseen: &mut Vec<RestrictedExpression>) -> Result<(), Unfit> {
    if unseen.len() >= MAX_UNSEEN {
        return Err(Unfit::TooManyUnseen);
    }
    unseen.push(RestrictedExpression::new_string(path.to_owned()));
    Ok(())
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cedar::shape;
    use serde_json::json;

    fn record() -> Record {
        shape::of_arguments(Some(&json!({
            "type": "object",
            "required": ["path"],
            "properties": {
                "path": {"type": "string"},
                "count": {"type": "integer"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "options": {"type": "object", "properties": {"dry": {"type": "boolean"}}},
            },
        })))
    }

    fn seen(given: &Value) -> (String, Vec<String>) {
        let seen = read(Some(given), &record()).unwrap();
        let unseen = seen.unseen.iter().map(|name| format!("{name:?}"));
        let names = unseen.map(|text| {
            let name = text.split("String(\"").nth(1).unwrap_or(&text);
            name.split('"').next().unwrap_or_default().to_owned()
        });
        (format!("{:?}", seen.args), names.collect())
    }

    #[test]
    fn declared_arguments_are_seen_and_the_names_of_others_are_told() {
        let (args, unseen) = seen(&json!({
            "path": "/srv/x", "count": 2.0, "tags": ["a"], "options": {"dry": true, "mode": 7},
            "file_path": "/etc/passwd",
        }));
        assert!(
            args.contains("/srv/x") && !args.contains("/etc/passwd"),
            "{args}"
        );
        assert_eq!(unseen, ["options.mode", "file_path"]);
        let (_, unseen) = seen(&json!({"path": "/", "count": null}));
        assert_eq!(unseen, ["count"]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let rows = [
            (json!([]), Unfit::NotAnObject),
            (json!({}), Unfit::Missing("path".to_owned())),
            (json!({"path": null}), Unfit::Type("path".to_owned())),
            (json!({"path": 1}), Unfit::Type("path".to_owned())),
            (
                json!({"path": "", "count": 0.5}),
                Unfit::Type("count".to_owned()),
            ),
            (
                json!({"path": "", "count": u64::MAX}),
                Unfit::Type("count".to_owned()),
            ),
            (
                json!({"path": "", "count": 1e300}),
                Unfit::Type("count".to_owned()),
            ),
            (
                json!({"path": "", "tags": ["a", 1]}),
                Unfit::Type("tags".to_owned()),
            ),
            (
                json!({"path": "", "options": {"dry": "yes"}}),
                Unfit::Type("options.dry".to_owned()),
            ),
        ];
        for (given, unfit) in rows {
            assert_eq!(read(Some(&given), &record()).unwrap_err(), unfit);
        }
        assert_eq!(
            read(None, &record()).unwrap_err(),
            Unfit::Missing("path".to_owned())
        );
        assert!(read(None, &Record::new()).is_ok());
    }

    #[test]
    fn unseen_arguments_are_bounded() {
        let many = |n: usize| {
            let mut object: Map<_, _> = (0..n).map(|n| (format!("a{n}"), json!(1))).collect();
            object.insert("path".to_owned(), json!(""));
            read(Some(&Value::Object(object)), &record())
        };
        assert_eq!(many(MAX_UNSEEN).unwrap().unseen.len(), MAX_UNSEEN);
        assert_eq!(many(MAX_UNSEEN + 1).unwrap_err(), Unfit::TooManyUnseen);
    }
}
