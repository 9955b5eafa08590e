//! What must hold for any line. The fuzz target and the tests run this same body.

use std::collections::HashSet;
use std::fmt;

use dropgate_wire::{Direction, Envelope, Id, Limits, Reason, Rejected, scan, too_long};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Scans `line` in both directions and compares the verdict with independent readers.
pub(crate) fn scan_any(line: &[u8]) {
    let limits = Limits {
        max_bytes: 1 << 20,
        max_depth: 100,
    };
    let valid = std::str::from_utf8(line).ok();
    let valid = valid.filter(|text| serde_json::from_str::<&RawValue>(text).is_ok());
    for direction in [Direction::FromHost, Direction::FromServer] {
        match scan(line, &limits, direction) {
            Ok(envelope) => {
                assert_eq!(valid.is_none(), matches!(envelope, Envelope::Blank));
                check_envelope(&envelope, line);
                check_no_duplicate(line, direction);
            }
            Err(rejected) => {
                match rejected.reason {
                    Reason::InvalidJson { at } => assert!(valid.is_none() && at <= line.len()),
                    Reason::NotUtf8 { at } => assert!(valid.is_none() && at < line.len()),
                    Reason::TooDeep { .. } => {}
                    Reason::DuplicateKey { .. } => {
                        assert!(valid.is_some());
                        assert_ne!(first_duplicate(line), Some(None), "no key is there twice");
                    }
                    Reason::Batch | Reason::NotJsonRpc(_) => assert!(valid.is_some()),
                    Reason::TooLong { .. } => assert!(line.len() > limits.max_bytes),
                }
                check_rejected(&rejected);
            }
        }
    }
    check_rejected(&too_long(line, &limits));
}

fn check_envelope(envelope: &Envelope<'_>, line: &[u8]) {
    let is_inside = |part: &[u8]| line.as_ptr_range().contains(&part.as_ptr());
    match envelope {
        Envelope::Blank => assert!(line.trim_ascii().is_empty()),
        Envelope::Request(request) => {
            check_id(request.id.raw());
            assert!(is_inside(request.id.raw()) && request.params.is_none_or(is_inside));
            assert_eq!(request.tool.is_some(), request.method == "tools/call");
        }
        Envelope::Notification(notification) => {
            assert!(notification.params.is_none_or(is_inside));
        }
        Envelope::Response(response) => response.id.iter().for_each(|id| check_id(id.raw())),
    }
}

fn check_rejected(rejected: &Rejected) {
    assert!(rejected.to_string().len() < 700 && matches!(rejected.reason.code(), -32700 | -32600));
    rejected.id.iter().for_each(|id| check_id(id));
}

fn check_id(raw: &[u8]) {
    let Some(id) = Id::parse(raw) else {
        panic!("{raw:?} is not an id")
    };
    assert_eq!(id.raw(), raw);
    assert_eq!(id.key(), id.key());
    let shown = id.key().to_string();
    // Half of a surrogate pair can't be shown.
    if !shown.contains('\u{fffd}') {
        assert_eq!(
            Id::parse(shown.as_bytes()).map(|id| id.key()),
            Some(id.key())
        );
    }
}

fn check_no_duplicate(line: &[u8], direction: Direction) {
    if direction == Direction::FromHost {
        assert!(
            !matches!(first_duplicate(line), Some(Some(_))),
            "a duplicate key was accepted"
        );
    }
}

/// A key that some object holds twice, by a naive reader; nothing when that reader can't tell.
pub(crate) fn first_duplicate(line: &[u8]) -> Option<Option<String>> {
    serde_json::from_slice::<Naive>(line)
        .ok()
        .map(|naive| naive.duplicate)
}

struct Naive {
    duplicate: Option<String>,
}

impl<'de> Deserialize<'de> for Naive {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(NaiveVisitor)
    }
}

struct NaiveVisitor;

impl NaiveVisitor {
    const SCALAR: Naive = Naive { duplicate: None };
}

impl<'de> Visitor<'de> for NaiveVisitor {
    type Value = Naive;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Naive, E> {
        Ok(Self::SCALAR)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Naive, E> {
        Ok(Self::SCALAR)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Naive, E> {
        Ok(Self::SCALAR)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Naive, E> {
        Ok(Self::SCALAR)
    }

    fn visit_str<E>(self, _: &str) -> Result<Naive, E> {
        Ok(Self::SCALAR)
    }

    fn visit_unit<E>(self) -> Result<Naive, E> {
        Ok(Self::SCALAR)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Naive, A::Error> {
        let mut duplicate = None;
        while let Some(item) = items.next_element::<Naive>()? {
            duplicate = duplicate.or(item.duplicate);
        }
        Ok(Naive { duplicate })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Naive, A::Error> {
        let (mut duplicate, mut seen) = (None, HashSet::new());
        while let Some((key, value)) = members.next_entry::<String, Naive>()? {
            duplicate = duplicate.or(value.duplicate);
            if !seen.insert(key.clone()) {
                duplicate = Some(key);
            }
        }
        Ok(Naive { duplicate })
    }
}
