//! Durations and sizes, as people write them.

use std::path::PathBuf;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::cli::values;

/// The longest duration of a setting that is about keeping: ten years.
const LONGEST: Duration = Duration::from_secs(3650 * 24 * 3600);
/// The shortest duration in which anything can happen.
const SHORTEST: Duration = Duration::from_millis(1);

/// A duration such as `2s`, `150ms` or `30d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) Duration);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = humantime::parse_duration(&text).map_err(|_| {
            D::Error::custom(format!("`{text}` is no duration; write 2s, 150ms or 30d"))
        })?;
        if time > LONGEST {
            return Err(D::Error::custom(format!("`{text}` is more than ten years")));
        }
        Ok(Self(time))
    }
}

impl JsonSchema for Time {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Time".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "duration",
            "pattern": r"^(\d+ ?(ms|s|sec|m|min|h|hr|d|day|days|w|week|weeks|M|month|y|year) ?)+$",
        })
    }
}

/// The path of a folder.
pub(crate) fn some_path<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<PathBuf>, D::Error> {
    let path = PathBuf::deserialize(deserializer)?;
    if path.as_os_str().is_empty() {
        return Err(D::Error::custom(
            "an empty path names no folder; give the path of one, or leave the key out for the usual one",
        ));
    }
    Ok(Some(path))
}

/// A duration of at least 1 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SomeTime(pub(crate) Duration);

impl<'de> Deserialize<'de> for SomeTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Time(time) = Time::deserialize(deserializer)?;
        if time < SHORTEST {
            return Err(D::Error::custom(
                "a time under 1ms refuses every call; leave the key out for the usual time",
            ));
        }
        Ok(Self(time))
    }
}

impl JsonSchema for SomeTime {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SomeTime".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Time::json_schema(generator)
    }
}

/// A size such as `64MiB`, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        values::bytes(&text).map(Self).ok_or_else(|| {
            D::Error::custom(format!(
                "`{text}` is no size; write 64MiB, 1GiB or a number of bytes in quotes"
            ))
        })
    }
}

impl JsonSchema for Size {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Size".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "size",
            "pattern": r"^\d+(B|KiB|MiB|GiB)?$",
        })
    }
}
