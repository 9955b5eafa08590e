//! One page of a server's `tools/list`, as far as definitions go.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::strict_json;

/// The most tools of a server that are looked at; the rest counts as not listed.
pub const MAX_TOOLS: usize = 4096;

/// The longest definition that is kept word for word, in bytes; of a longer one only the digest.
pub const MAX_DEFINITION: usize = 256 * 1024;

/// The longest name of a tool that is looked at, in bytes.
const MAX_NAME: usize = 256;

/// What of a definition reaches the model or a decision, and so is pinned.
const PINNED: [&str; 5] = [
    "title",
    "description",
    "inputSchema",
    "outputSchema",
    "annotations",
];

/// SHA-256, which the caller brings: what computes it fast looks at the processor, and nothing here
/// looks at the machine.
pub type Sha256 = fn(&[u8]) -> [u8; 32];

/// Whether a page is the whole list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The request had no cursor and the result offers none: these are all tools.
    Whole,
    /// The last page of several.
    Last,
    /// There are more pages to come.
    More,
}

/// What one page of a list holds.
#[derive(Debug, Clone)]
pub struct ToolPage {
    /// The tools that could be read, in the server's order.
    pub tools: Vec<ToolDefinition>,
    /// Whether these are all.
    pub extent: Extent,
    /// How many entries were passed over: no object, no name, a key twice, a name twice, or more
    /// than [`MAX_TOOLS`].
    pub passed_over: usize,
}

/// A result of `tools/list` that holds no list of tools.
#[derive(Debug, thiserror::Error)]
#[error("the server's tool list can't be read, so its tools count as not listed: {0}")]
pub struct OddPage(serde_json::Error);

/// One tool as the server describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolDefinition {
    name: Box<str>,
    digest: Box<str>,
    definition: Value,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    tools: Vec<&'a RawValue>,
    #[serde(borrow, default, rename = "nextCursor")]
    next_cursor: Option<&'a RawValue>,
}

impl ToolPage {
    /// Reads the `result` of a `tools/list`. `cursor` is the cursor of the request, if it had one.
    ///
    /// # Errors
    /// The result is not an object with an array `tools`.
    pub fn read(result: &[u8], cursor: Option<&str>, sha256: Sha256) -> Result<Self, OddPage> {
        let wire: Wire<'_> = serde_json::from_slice(result).map_err(OddPage)?;
        let mut names = std::collections::HashSet::new();
        let mut tools = Vec::new();
        let mut passed_over = 0;
        for raw in wire.tools {
            match ToolDefinition::read(raw.get(), sha256) {
                Some(tool) if tools.len() < MAX_TOOLS && names.insert(tool.name.clone()) => {
                    tools.push(tool);
                }
                Some(_) | None => passed_over += 1,
            }
        }
        let extent = match (wire.next_cursor, cursor) {
            (Some(_), _) => Extent::More,
            (None, Some(_)) => Extent::Last,
            (None, None) => Extent::Whole,
        };
        Ok(Self {
            tools,
            extent,
            passed_over,
        })
    }
}

impl ToolDefinition {
    fn read(text: &str, sha256: Sha256) -> Option<Self> {
        let value = strict_json::read(text.as_bytes()).ok()?;
        let object = value.as_object()?;
        let name = object.get("name")?.as_str()?;
        if name.is_empty() || name.len() > MAX_NAME {
            return None;
        }
        let pinned: Map<String, Value> = PINNED
            .into_iter()
            .filter_map(|key| Some((key.to_owned(), object.get(key)?.clone())))
            .collect();
        let definition = Value::Object(pinned);
        Some(Self {
            name: name.into(),
            digest: digest(&definition, sha256),
            definition,
        })
    }

    /// The definition that a store kept for the tool of this name.
    pub(super) fn recorded(name: &str, digest: &str, definition: &Value) -> Self {
        Self {
            name: name.into(),
            digest: digest.into(),
            definition: definition.clone(),
        }
    }

    /// The tool's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `sha256:` and the digest of all that is pinned, as canonical JSON.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// All that is pinned, as an object.
    #[must_use]
    pub fn definition(&self) -> &Value {
        &self.definition
    }

    /// The schema of the arguments, if the server gives one.
    #[must_use]
    pub fn input_schema(&self) -> Option<&Value> {
        self.definition.get("inputSchema")
    }

    /// What the server claims about the tool. It may be a lie.
    #[must_use]
    pub fn annotations(&self) -> Option<&Value> {
        self.definition.get("annotations")
    }
}

pub(super) fn digest(definition: &Value, sha256: Sha256) -> Box<str> {
    let mut name = String::from("sha256:");
    for byte in sha256(strict_json::canonical(definition).as_bytes()) {
        // Writing to a String can't fail.
        let _infallible = write!(name, "{byte:02x}");
    }
    name.into()
}
