//! A text with gaps: `postgres://{username}:{password:url}@db/app`.

use crate::secret::{Secret, SecretError, Value};

/// A template that was taken apart once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Field { name: String, form: Form },
}

/// How a value is written into its gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    AsItIs,
    /// With percent codes, as inside of an address.
    Url,
}

/// What is wrong with a template.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace without its partner.
    #[error("a brace has no partner; write {{{{ or }}}} for a brace itself")]
    Brace,
    /// No name, or a form that is none.
    #[error("`{0}` is no gap; write {{NAME}} or {{NAME:url}}")]
    Gap(String),
}

impl Template {
    /// Takes a text apart.
    ///
    /// # Errors
    /// A brace has no partner, or a gap no name.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            plain.push_str(before);
            if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
                plain.push_str(from.get(..1).unwrap_or_default());
                rest = after;
                continue;
            }
            let inside = from.strip_prefix('{').ok_or(TemplateError::Brace)?;
            let (gap, after) = inside.split_once('}').ok_or(TemplateError::Brace)?;
            parts.push(Part::Text(std::mem::take(&mut plain)));
            parts.push(field(gap)?);
            rest = after;
        }
        plain.push_str(rest);
        parts.push(Part::Text(plain));
        Ok(Self(parts))
    }

    /// The names of the gaps.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Field { name, .. } => Some(name.as_str()),
        })
    }

    /// Fills the gaps, in hidden memory.
    ///
    /// # Errors
    /// The name of a gap that has no value, or why the whole can't be held.
    pub fn fill(
        &self,
        value: impl Fn(&str) -> Result<Secret<Value>, String>,
    ) -> Result<Secret<Value>, String> {
        let mut filled = Vec::new();
        for part in &self.0 {
            filled.push(match part {
                Part::Text(text) => Piece::Text(text.as_bytes()),
                Part::Field { name, form } => {
                    let value = value(name)?;
                    Piece::Secret(match form {
                        Form::AsItIs => value,
                        Form::Url => percent(&value).map_err(|error| error.to_string())?,
                    })
                }
            });
        }
        let parts: Vec<&[u8]> = filled.iter().map(Piece::bytes).collect();
        Secret::of_parts(&parts).map_err(|error| error.to_string())
    }
}

enum Piece<'a> {
    Text(&'a [u8]),
    Secret(Secret<Value>),
}

impl Piece<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text,
            Self::Secret(secret) => secret.bytes(),
        }
    }
}

fn field(gap: &str) -> Result<Part, TemplateError> {
    let (name, form) = match gap.split_once(':') {
        None => (gap, Form::AsItIs),
        Some((name, "url")) => (name, Form::Url),
        Some(_) => return Err(TemplateError::Gap(gap.to_owned())),
    };
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(TemplateError::Gap(gap.to_owned()));
    }
    Ok(Part::Field {
        name: name.to_owned(),
        form,
    })
}

fn percent(value: &Secret<Value>) -> Result<Secret<Value>, SecretError> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let bytes = value.bytes();
    let length = bytes
        .iter()
        .map(|byte| if kept(*byte) { 1 } else { 3 })
        .sum();
    Secret::decoded(length, |out| {
        let mut out = out.iter_mut();
        for byte in bytes {
            if kept(*byte) {
                *out.next()? = *byte;
                continue;
            }
            *out.next()? = b'%';
            *out.next()? = DIGITS[usize::from(byte >> 4)];
            *out.next()? = DIGITS[usize::from(byte & 15)];
        }
        Some(length)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, String> {
        let template = Template::parse(text).map_err(|error| error.to_string())?;
        let value = |name: &str| match name {
            "user" => Secret::of_parts(&[b"ada"]).map_err(|error| error.to_string()),
            "password" => Secret::of_parts(&[b"p/w:%"]).map_err(|error| error.to_string()),
            other => Err(format!("no {other}")),
        };
        let secret = template.fill(value)?;
        Ok(secret.expose(|value| String::from_utf8_lossy(value).into_owned()))
    }

    #[test]
    fn gaps_are_filled() {
        assert_eq!(
            filled("pg://{user}:{password:url}@h/{{x}}").unwrap(),
            "pg://ada:p%2Fw%3A%25@h/{x}"
        );
        assert_eq!(filled("{password}").unwrap(), "p/w:%");
        assert_eq!(filled("{nobody}").unwrap_err(), "no nobody");
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for text in ["{", "}", "{}", "a{b", "{user:loud}", "{ }"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
        assert!(filled("").is_err());
    }
}
