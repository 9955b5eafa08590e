//! `[tools]`: settings of all tools, and a table for each pattern of names.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::{Error as _, MapAccess, Visitor};

use super::written::{AllTools, ToolWritten};

/// The most patterns of tools.
const MAX_PATTERNS: usize = 1024;

/// `[tools]` as it was written: a name whose value is a table is a pattern.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tools {
    /// What holds for every tool.
    pub(crate) all: AllTools,
    /// By pattern, in the file's order.
    pub(crate) patterns: Vec<ToolEntry>,
}

/// `[tools."PATTERN"]`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToolEntry {
    pub(crate) pattern: String,
    pub(crate) settings: ToolWritten,
}

// The gate's own type is read from no file and has no schema, so the file has this one.
/// What a tool does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ToolClass {
    /// It changes nothing.
    Read,
    /// It may change something.
    Write,
}

impl<'de> Deserialize<'de> for Tools {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Tools;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a table of settings and of tables by pattern of tool names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tools, A::Error> {
        let mut all = toml::Table::new();
        let mut patterns = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value::<toml::Value>()?;
            let toml::Value::Table(table) = value else {
                all.insert(name, value);
                continue;
            };
            if patterns.len() == MAX_PATTERNS {
                let text = format!("more than {MAX_PATTERNS} patterns of tools");
                return Err(A::Error::custom(text));
            }
            let settings = ToolWritten::deserialize(table).map_err(|error| {
                A::Error::custom(format!("[tools.{name:?}]: {}", error.message()))
            })?;
            patterns.push(ToolEntry {
                pattern: name,
                settings,
            });
        }
        let all = AllTools::deserialize(all)
            .map_err(|error| A::Error::custom(format!("[tools]: {}", error.message())))?;
        Ok(Tools { all, patterns })
    }
}

impl JsonSchema for Tools {
    fn schema_name() -> Cow<'static, str> {
        "Tools".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = AllTools::json_schema(generator);
        let pattern = generator.subschema_for::<ToolWritten>();
        schema.insert("additionalProperties".to_owned(), pattern.to_value());
        schema
    }
}
