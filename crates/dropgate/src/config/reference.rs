//! The schema for editors, and the page of the documentation, both made from the file's types.

use serde_json::Value;

use super::written::Config;

/// The JSON Schema of the file, indented.
pub(crate) fn schema() -> String {
    let schema = schemars::schema_for!(Config);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

/// The page that lists every key.
pub(crate) fn page() -> String {
    let schema = schemars::schema_for!(Config).to_value();
    let mut page = String::from(
        "# Configuration\n\n`dropgate run --config FILE` reads settings from a TOML file; without \
         the flag, `$XDG_CONFIG_HOME/dropgate/dropgate.toml` is read if it is there. `dropgate audit` takes its table from `dropgate.toml` in the \
         folder where you are. Flags outweigh \
         the file. A key that is not known refuses the whole file, and `dropgate check FILE` says \
         what is wrong with one. Keys that begin with `danger_` weaken a guarantee; those that are \
         set are listed on stderr at every start, and so are orders that let calls through which a \
         breaker would stop (`closed`, `off`), and a copy of the \
         journal that is on the journal's own file system.\n\nDurations are written `2s`, `150ms` or `30d`, \
         sizes `64MiB`. Editors can use [the schema](dropgate.schema.json).\n\nWith \
         `shutdown.profile` `systemd` or `kubernetes`, SIGHUP reads the file again, which otherwise \
         ends the run. All of it has to be right, the policies too, or the old one stays in force \
         and stderr and the journal say why. A file that is a pipe, as with `--config <(…)`, is \
         read at the start alone: SIGHUP refuses it at once. `[tools.\"PATTERN\"]`, the policies of `[authorize]`, \
         `timeout` and `max_timeout` of `[calls]`, and an operator's orders (`switch` of \
         `[read_only]`, and `server`, `tools` and `closed_for` of `[breaker]`) hold from the next \
         call on; what else has changed is named on stderr and holds from the next start on.\n",
    );
    section(&schema, &schema, &mut Vec::new(), &mut page);
    page
}

fn section(root: &Value, schema: &Value, path: &mut Vec<String>, page: &mut String) {
    let schema = resolved(root, schema);
    let no_keys = serde_json::Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&no_keys);
    let is_table = |value: &Value| {
        let schema = resolved(root, value);
        let by_name = resolved(root, &schema["additionalProperties"]);
        schema["properties"].is_object() || by_name["properties"].is_object()
    };
    let (tables, keys): (Vec<_>, Vec<_>) =
        properties.iter().partition(|(_, value)| is_table(value));
    if !keys.is_empty() {
        page.push_str(&format!(
            "\n## `[{}]`\n\n| key | value | |\n|---|---|---|\n",
            path.join(".")
        ));
        for (name, value) in keys {
            let text = value["description"].as_str().unwrap_or_default();
            let kind = kind(root, value);
            page.push_str(&format!("| `{name}` | {kind} | {} |\n", one_line(text)));
        }
    }
    for (name, value) in tables {
        path.push(name.clone());
        section(root, value, path, page);
        path.pop();
    }
    let pattern = &schema["additionalProperties"];
    if pattern.is_object() {
        // Only tables that also have keys of their own go by patterns.
        let name = if properties.is_empty() {
            "NAME"
        } else {
            "\"PATTERN\""
        };
        path.push(name.to_owned());
        section(root, pattern, path, page);
        path.pop();
    }
}

/// A schema without the reference or the "or null" around it.
fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let inner = schema["anyOf"]
        .as_array()
        .and_then(|some| some.iter().find(|one| one["type"] != "null"))
        .unwrap_or(schema);
    match inner["$ref"]
        .as_str()
        .and_then(|name| name.strip_prefix("#/$defs/"))
    {
        Some(name) => &root["$defs"][name],
        None => inner,
    }
}

fn kind(root: &Value, schema: &Value) -> String {
    let schema = resolved(root, schema);
    let choices: Vec<&str> = schema["oneOf"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["const"].as_str())
        .collect();
    if !choices.is_empty() {
        return choices
            .iter()
            .map(|one| format!("`{one}`"))
            .collect::<Vec<_>>()
            .join(", ");
    }
    if let Some(format @ ("duration" | "size")) = schema["format"].as_str() {
        return format.to_owned();
    }
    if schema["additionalProperties"].is_object() {
        let each = kind(root, &schema["additionalProperties"]);
        return format!("a table of names, each with {each}");
    }
    let named = schema["type"].as_str().or_else(|| {
        let some = schema["type"].as_array()?;
        some.iter()
            .filter_map(Value::as_str)
            .find(|it| *it != "null")
    });
    match named {
        Some("boolean") => "`true` or `false`",
        Some("integer" | "number") => "number",
        Some("array") => "list of texts",
        Some("object") => "table",
        Some(_) | None => "text",
    }
    .to_owned()
}

fn one_line(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn up_to_date(file: &str, text: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../docs")
            .join(file);
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            std::fs::write(&path, text).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(&path).unwrap_or_default(),
            text,
            "docs/{file} is stale; renew it with UPDATE_SNAPSHOTS=1 cargo test -p dropgate"
        );
    }

    #[test]
    fn the_page_is_up_to_date() {
        up_to_date("configuration.md", &page());
    }

    #[test]
    fn the_schema_is_up_to_date() {
        up_to_date("dropgate.schema.json", &schema());
    }

    #[test]
    fn every_key_is_explained() {
        for line in page().lines().filter(|line| line.starts_with("| `")) {
            assert!(!line.ends_with("|  |"), "{line}");
        }
    }
}
