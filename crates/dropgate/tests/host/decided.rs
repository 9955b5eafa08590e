//! What the journal says of calls that were decided on.

use serde_json::Value;

/// Every outcome in what `journal show --format json` prints, and what its call was decided by: the
/// intent, or the outcome itself of a call that never had one.
pub(crate) fn decided(shown: &str) -> Vec<(Value, Value)> {
    let records: Vec<Value> = shown
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let outcomes = records.iter().filter(|one| one["kind"] == "outcome");
    outcomes
        .map(|outcome| {
            let intent = records
                .iter()
                .find(|one| one["kind"] == "intent" && one["call"] == outcome["call"]);
            (outcome.clone(), intent.unwrap_or(outcome).clone())
        })
        .collect()
}

/// The text of a member; empty where there is none.
pub(crate) fn text(record: &Value, name: &str) -> String {
    record[name].as_str().unwrap_or_default().to_owned()
}
