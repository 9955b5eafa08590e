//! Members of a JSON text that stands in hidden memory, taken out without a copy elsewhere.

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

use crate::secret::{Secret, SecretError};

/// The members of an object, in its order, each as it stands in the text.
#[derive(Debug, Default)]
pub(crate) struct Members<'a>(Vec<(&'a str, &'a RawValue)>);

/// The most members that are read.
const MOST: usize = 256;

impl<'a> Members<'a> {
    /// Reads an object whose keys need no escapes.
    pub(crate) fn read(text: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let mut all = self.0.iter();
        all.find_map(|(one, value)| (*one == name).then_some(*value))
    }

    /// The members of a member; none of them where it is missing or no object.
    pub(crate) fn inside(&self, name: &str) -> Self {
        self.get(name)
            .and_then(|value| Self::read(value.get().as_bytes()))
            .unwrap_or_default()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.0.iter().map(|(name, _)| *name)
    }

    /// A text that is no secret.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?.get()).ok()
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        serde_json::from_str(self.get(name)?.get()).ok()
    }

    /// Whether a member is literally `true`.
    pub(crate) fn holds(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.get() == "true")
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Members<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(entry) = map.next_entry::<&'de str, &'de RawValue>()? {
                    if members.len() == MOST {
                        return Err(serde::de::Error::custom("too many members"));
                    }
                    members.push(entry);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reading)
    }
}

/// A value as a secret: a text without its quotes and escapes, anything else as it stands.
pub(crate) fn secret<T>(value: &RawValue) -> Result<Secret<T>, SecretError> {
    let raw = value.get().as_bytes();
    match raw
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""))
    {
        Some(text) => Secret::decoded(text.len(), |out| unescape(text, out)),
        None => Secret::of_parts(&[raw]),
    }
}

/// Undoes the escapes of a JSON text that is known to be valid; the length of what came of it.
fn unescape(text: &[u8], out: &mut [u8]) -> Option<usize> {
    let mut rest = text;
    let mut length = 0;
    let mut put = |bytes: &[u8]| {
        out.get_mut(length..length + bytes.len())?
            .copy_from_slice(bytes);
        length += bytes.len();
        Some(())
    };
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            put(&[*first])?;
            continue;
        }
        let (kind, after) = rest.split_first()?;
        rest = after;
        let plain = match kind {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'b' => 8,
            b'f' => 12,
            b'u' => {
                let (unit, after) = unit(rest)?;
                rest = after;
                let mut units = [unit, 0];
                let mut count = 1;
                if (0xd800..0xdc00).contains(&unit) {
                    let (low, after) = self::unit(rest.strip_prefix(b"\\u")?)?;
                    rest = after;
                    units[1] = low;
                    count = 2;
                }
                let one = char::decode_utf16(units.into_iter().take(count))
                    .next()?
                    .ok()?;
                put(one.encode_utf8(&mut [0; 4]).as_bytes())?;
                continue;
            }
            other => *other,
        };
        put(&[plain])?;
    }
    Some(length)
}

fn unit(text: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, after) = text.split_at_checked(4)?;
    let digits = std::str::from_utf8(digits).ok()?;
    Some((u16::from_str_radix(digits, 16).ok()?, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Value;

    #[test]
    fn texts_lose_their_escapes_and_others_stay() {
        let text = br#"{"a":"x\"\\\/\n\u00e9\ud83d\ude00","n":17,"o":{"k":[1]},"e":""}"#;
        let members = Members::read(text).unwrap();
        let of = |name: &str| secret::<Value>(members.get(name).unwrap());
        of("a").unwrap().expose(|value| {
            assert_eq!(value, "x\"\\/\n\u{e9}\u{1f600}".as_bytes());
        });
        of("n").unwrap().expose(|value| assert_eq!(value, b"17"));
        of("o")
            .unwrap()
            .expose(|value| assert_eq!(value, b"{\"k\":[1]}"));
        assert!(matches!(of("e"), Err(SecretError::Empty)));
        assert_eq!(members.names().collect::<Vec<_>>(), ["a", "n", "o", "e"]);
        assert_eq!(members.number("n"), Some(17));
    }

    #[test]
    fn what_is_no_object_has_no_members() {
        for text in [&b"[]"[..], b"", b"{", b"{\"a\":1}x", b"\xff"] {
            assert!(Members::read(text).is_none());
        }
        let many: Vec<String> = (0..=MOST).map(|n| format!("\"{n}\":0")).collect();
        assert!(Members::read(format!("{{{}}}", many.join(",")).as_bytes()).is_none());
        assert!(Members::read(format!("{{{}}}", many[1..].join(",")).as_bytes()).is_some());
    }
}
