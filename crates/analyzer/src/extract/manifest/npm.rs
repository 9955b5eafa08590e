//! `package.json`.

use serde_json::Value;

use super::aliases;
use crate::facts::{Language, Manifest, Name};

pub(super) fn read(path: &Name, text: &str) -> Option<Manifest> {
    let value: Value = serde_json::from_str(text).ok()?;
    let mut entries = Vec::new();
    match value.get("bin") {
        Some(Value::String(file)) => entries.push(entry(file)),
        Some(Value::Object(files)) => {
            entries.extend(files.values().filter_map(Value::as_str).map(entry));
        }
        Some(_) | None => {}
    }
    for key in ["main", "module"] {
        entries.extend(value.get(key).and_then(Value::as_str).map(entry));
    }
    let mut dependencies = Vec::new();
    for key in ["dependencies", "peerDependencies", "optionalDependencies"] {
        let Some(Value::Object(names)) = value.get(key) else {
            continue;
        };
        dependencies.extend(names.iter().map(|(name, range)| {
            (
                Name::from(name.as_str()),
                Name::from(range.as_str().unwrap_or_default()),
            )
        }));
    }
    entries.dedup();
    let development = value.get("devDependencies").and_then(Value::as_object);
    let development = development.into_iter().flat_map(serde_json::Map::keys);
    let development = development.map(|name| Name::from(name.as_str())).collect();
    Some(Manifest {
        path: path.clone(),
        language: Language::TypeScript,
        name: Name::from(
            value
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        ),
        entries,
        dependencies,
        development,
        aliases: aliases::of_package(&value),
        extends: Vec::new(),
    })
}

fn entry(file: &str) -> Name {
    Name::from(file.trim_start_matches("./"))
}
