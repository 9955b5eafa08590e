//! What must hold for any reply of a decision point. The fuzz target and the tests run this body.

use std::collections::HashSet;
use std::fmt;

use dropgate_gate::decision::{
    Answers, Authority, Decision, MAX_REPLY, PointAnswer, Principal, decide,
};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// A permit comes of the one accepted shape and of nothing else.
pub(crate) fn judge_any(body: &[u8]) {
    for status in [200, 201, 302, 500] {
        let answers = Answers {
            policies: None,
            decision_point: Some(PointAnswer::from_reply(status, body)),
        };
        match decide(Authority::DecisionPoint, &Principal::local(), answers) {
            Decision::Allow(_) => assert!(status == 200 && is_yes(body), "permitted"),
            Decision::Deny(denial) => {
                assert!(status != 200 || !is_yes(body), "denied: {denial:?}");
            }
        }
    }
}

/// The accepted shape, by a reader that has nothing in common with the one that is tested.
fn is_yes(body: &[u8]) -> bool {
    if body.len() > MAX_REPLY || !all_keys_differ(body) {
        return false;
    }
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return false;
    };
    value.is_object()
        && value.get("decision") == Some(&Value::Bool(true))
        && value.get("context").is_none_or(Value::is_object)
}

/// The members of an object in the order of the text, equal keys included.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

fn all_keys_differ(text: &[u8]) -> bool {
    let mut waiting = match serde_json::from_slice::<Box<RawValue>>(text) {
        Ok(whole) => vec![whole],
        Err(_) => return false,
    };
    while let Some(one) = waiting.pop() {
        if let Ok(Members(members)) = serde_json::from_str(one.get()) {
            let mut seen = HashSet::new();
            for (key, value) in members {
                if !seen.insert(key) {
                    return false;
                }
                waiting.push(value);
            }
        } else if let Ok(items) = serde_json::from_str::<Vec<Box<RawValue>>>(one.get()) {
            waiting.extend(items);
        }
    }
    true
}
