//! One incoming message, borrowed from its line.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A request, a notification or a response; ids and parameters keep their bytes.
#[derive(Deserialize)]
pub struct Message<'a> {
    /// The id, unless absent or `null`.
    #[serde(borrow)]
    pub id: Option<&'a RawValue>,
    /// The method; absent in a response.
    #[serde(borrow)]
    pub method: Option<Cow<'a, str>>,
    /// The parameters, unless absent or `null`.
    #[serde(borrow)]
    pub params: Option<&'a RawValue>,
}

impl<'a> Message<'a> {
    /// Reads a line; `None` when it is no JSON object of this shape.
    #[must_use]
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(line).ok()?;
        // An array would also do for the derived reader, but a batch is no message.
        if !text.trim_start().starts_with('{') {
            return None;
        }
        serde_json::from_str(text).ok()
    }

    /// The id as it was written, or `null`.
    #[must_use]
    pub fn id_text(&self) -> &'a str {
        self.id.map_or("null", RawValue::get)
    }

    /// The parameters as they were written, or an empty object.
    #[must_use]
    pub fn params_text(&self) -> &'a str {
        self.params.map_or("{}", RawValue::get)
    }
}
