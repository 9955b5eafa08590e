//! Names that stand for files: `imports` of `package.json`, `paths` and `baseUrl` of `tsconfig.json`.

use serde_json::Value;

use crate::facts::{Language, Manifest, Name};

/// Most names and files that are kept of one manifest.
const MAX_ALIASES: usize = 200;

/// Deepest nesting of conditions in `imports`.
const MAX_CONDITIONS: usize = 8;

/// What `imports` says.
pub(super) fn of_package(package: &Value) -> Vec<(Name, Name)> {
    let mut all = Vec::new();
    let imports = package.get("imports").and_then(Value::as_object);
    for (name, target) in imports.into_iter().flatten() {
        targets(name, target, MAX_CONDITIONS, &mut all);
    }
    all
}

/// The files of all conditions: which of them holds is not known.
fn targets(name: &str, target: &Value, left: usize, all: &mut Vec<(Name, Name)>) {
    if all.len() >= MAX_ALIASES || left == 0 {
        return;
    }
    if let Some(file) = target.as_str() {
        all.push((Name::from(name), Name::from(file)));
    }
    let inner = target
        .as_object()
        .into_iter()
        .flat_map(serde_json::Map::values);
    for target in inner.chain(target.as_array().into_iter().flatten()) {
        targets(name, target, left - 1, all);
    }
}

/// What the configuration of a compiler says.
pub(super) fn read(path: &Name, text: &str) -> Option<Manifest> {
    let value: Value = serde_json::from_str(&plain(text)).ok()?;
    let options = value.get("compilerOptions");
    let option = |name: &str| options.and_then(|options| options.get(name));
    let base = option("baseUrl").and_then(Value::as_str);
    let within = base.unwrap_or(".");
    let mut aliases = Vec::new();
    let paths = option("paths").and_then(Value::as_object);
    for (name, files) in paths.into_iter().flatten() {
        let files = files.as_array().into_iter().flatten();
        for file in files.filter_map(Value::as_str) {
            aliases.push((
                Name::from(name.as_str()),
                Name::from(format!("{within}/{file}")),
            ));
        }
    }
    if base.is_some() {
        aliases.push((Name::from("*"), Name::from(format!("{within}/*"))));
    }
    aliases.truncate(MAX_ALIASES);
    let extends = extended(&value);
    (!aliases.is_empty() || !extends.is_empty()).then(|| Manifest {
        language: Language::TypeScript,
        path: path.clone(),
        aliases,
        extends,
        ..Manifest::of_folder(Name::from(""))
    })
}

/// The files that a configuration goes on from; packages are not there to be read.
fn extended(config: &Value) -> Vec<Name> {
    let extends = config.get("extends");
    let several = extends.and_then(Value::as_array).into_iter().flatten();
    let all = extends.into_iter().chain(several).filter_map(Value::as_str);
    let files = all.filter(|file| file.starts_with('.'));
    let files = files.map(|file| {
        let end = if file.ends_with(".json") { "" } else { ".json" };
        Name::from(format!("{file}{end}"))
    });
    files.take(MAX_ALIASES).collect()
}

/// JSON without the comments and the commas before a closing bracket that compilers allow there.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('"', _) => {
                out.push(c);
                let mut is_escaped = false;
                for inner in rest.by_ref() {
                    out.push(inner);
                    if inner == '"' && !is_escaped {
                        break;
                    }
                    is_escaped = inner == '\\' && !is_escaped;
                }
            }
            ('/', Some('/')) => while rest.next_if(|c| *c != '\n').is_some() {},
            ('/', Some('*')) => {
                let mut last = ' ';
                rest.next();
                for inner in rest.by_ref() {
                    if last == '*' && inner == '/' {
                        break;
                    }
                    last = inner;
                }
            }
            ('}' | ']', _) => {
                let end = out.trim_end().len();
                if out.trim_end().ends_with(',') {
                    out.truncate(end - 1);
                }
                out.push(c);
            }
            (c, _) => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_last_commas_are_read_over() {
        let text = "{ // a\n \"compilerOptions\": { /* b */ \"baseUrl\": \".\", \"paths\": { \"@/*\": [\"./src/*\",], }, }, }";
        let manifest = read(&Name::from("tsconfig.json"), text).expect("a configuration");
        let told: Vec<(&str, &str)> = manifest.aliases.iter().map(|(a, b)| (&**a, &**b)).collect();
        assert_eq!(told, [("@/*", "././src/*"), ("*", "./*")]);
    }

    #[test]
    fn the_number_of_names_is_bounded() {
        let names: Vec<String> = (0..=MAX_ALIASES)
            .map(|n| format!("\"#{n}\":\"./{n}.js\""))
            .collect();
        let package = format!("{{\"imports\":{{{}}}}}", names.join(","));
        let package: Value = serde_json::from_str(&package).expect("JSON");
        assert_eq!(of_package(&package).len(), MAX_ALIASES);
    }
}
