//! What a request's `params._meta` says that dropgate heeds.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::id::Id;

/// The longest idempotency key, bytes.
const MAX_KEY_BYTES: usize = 512;

/// The members of `params._meta` that dropgate reads. What is not as it should be counts as absent,
/// but for the idempotency key: who sends one relies on it, so a bad one refuses the call.
#[derive(Debug, Default)]
pub struct CallMeta<'a> {
    /// `progressToken`: under this name the server may report progress.
    pub progress_token: Option<Id<'a>>,
    /// `dev.dropgate/idempotencyKey`: calls with the same key are one call.
    pub idempotency_key: Option<Cow<'a, str>>,
    /// `traceparent`, as the W3C writes it; not checked here.
    pub traceparent: Option<Cow<'a, str>>,
}

impl<'a> CallMeta<'a> {
    /// Reads the bytes of `_meta`, which were scanned before.
    ///
    /// # Errors
    /// An idempotency key that is no string, empty, or longer than 512 bytes; the text says so.
    pub fn read(meta: Option<&'a [u8]>) -> Result<Self, &'static str> {
        let Some(members) =
            meta.and_then(|bytes| serde_json::from_slice::<Members<'a>>(bytes).ok())
        else {
            return Ok(Self::default());
        };
        Ok(Self {
            progress_token: members
                .progress_token
                .and_then(|raw| Id::parse(raw.get().as_bytes())),
            idempotency_key: members.idempotency_key.map(key).transpose()?,
            traceparent: members.traceparent.and_then(text),
        })
    }
}

#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow, rename = "progressToken")]
    progress_token: Option<&'a RawValue>,
    #[serde(borrow, rename = "dev.dropgate/idempotencyKey")]
    idempotency_key: Option<&'a RawValue>,
    #[serde(borrow)]
    traceparent: Option<&'a RawValue>,
}

fn key(raw: &RawValue) -> Result<Cow<'_, str>, &'static str> {
    let key =
        text(raw).ok_or("dev.dropgate/idempotencyKey must be a string of whole characters")?;
    match key.len() {
        0 => Err("dev.dropgate/idempotencyKey must not be empty"),
        1..=MAX_KEY_BYTES => Ok(key),
        _ => Err("dev.dropgate/idempotencyKey must have at most 512 bytes"),
    }
}

fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(raw.get())
        .ok()
        .map(|text| text.0)
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_are_read_and_others_ignored() {
        let meta = br#"{"other":[1],"progressToken":"p\u0031","dev.dropgate/idempotencyKey":"k1","traceparent":"00-a-b-01"}"#;
        let read = CallMeta::read(Some(meta)).unwrap();
        assert_eq!(read.idempotency_key.as_deref(), Some("k1"));
        assert_eq!(read.traceparent.as_deref(), Some("00-a-b-01"));
        let token = Id::parse(b"\"p1\"").unwrap();
        assert_eq!(read.progress_token.map(|id| id.key()), Some(token.key()));
    }

    #[test]
    fn what_is_no_object_has_nothing() {
        for meta in [None, Some(&b"null"[..]), Some(b"[1]"), Some(b"7")] {
            let read = CallMeta::read(meta).unwrap();
            assert!(read.progress_token.is_none() && read.idempotency_key.is_none());
        }
    }

    #[test]
    fn a_bad_key_is_refused() {
        let long = format!(r#"{{"dev.dropgate/idempotencyKey":"{}"}}"#, "k".repeat(513));
        let fits = format!(r#"{{"dev.dropgate/idempotencyKey":"{}"}}"#, "k".repeat(512));
        for bad in [
            r#"{"dev.dropgate/idempotencyKey":7}"#,
            r#"{"dev.dropgate/idempotencyKey":""}"#,
            &long,
        ] {
            assert!(CallMeta::read(Some(bad.as_bytes())).is_err(), "{bad}");
        }
        assert!(CallMeta::read(Some(fits.as_bytes())).is_ok());
    }
}
