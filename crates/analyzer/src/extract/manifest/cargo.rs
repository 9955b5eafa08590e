//! `Cargo.toml`.

use crate::facts::{Language, Manifest, Name};

/// Reads name, binaries and dependencies. A feature of a dependency is a dependency of the form `ctrlc/termination`.
pub(super) fn read(path: &Name, text: &str) -> Option<Manifest> {
    let root: toml::Table = text.parse().ok()?;
    let package = root.get("package");
    // What a library of a name of its own is imported by.
    let library = root.get("lib").and_then(|library| library.get("name"));
    let name = library
        .or_else(|| package?.get("name"))
        .and_then(toml::Value::as_str)
        .unwrap_or_default();
    let mut dependencies = Vec::new();
    let tables = [
        Some(&root),
        root.get("workspace").and_then(toml::Value::as_table),
    ];
    for table in tables.into_iter().flatten() {
        gather(table, &mut dependencies);
    }
    for target in root
        .get("target")
        .and_then(toml::Value::as_table)
        .into_iter()
        .flat_map(toml::Table::values)
        .filter_map(toml::Value::as_table)
    {
        gather(target, &mut dependencies);
    }
    if package.is_none() && dependencies.is_empty() {
        return None;
    }
    Some(Manifest {
        path: path.clone(),
        language: Language::Rust,
        name: Name::from(name),
        entries: entries(&root),
        dependencies,
        development: Vec::new(),
        aliases: Vec::new(),
        extends: Vec::new(),
    })
}

/// The sources of binaries; those that Cargo finds by itself are `src/main.rs` and each file of `src/bin`.
fn entries(root: &toml::Table) -> Vec<Name> {
    let mut all = Vec::new();
    let bins = root.get("bin").and_then(toml::Value::as_array);
    for bin in bins.into_iter().flatten() {
        let written = bin.get("path").and_then(toml::Value::as_str);
        let name = bin.get("name").and_then(toml::Value::as_str);
        match (written, name) {
            (Some(path), _) => all.push(Name::from(path)),
            (None, Some(name)) => all.push(Name::from(format!("src/bin/{name}.rs"))),
            (None, None) => {}
        }
    }
    if root.contains_key("package") {
        all.push(Name::from("src/main.rs"));
    }
    all.dedup();
    all
}

fn gather(table: &toml::Table, out: &mut Vec<(Name, Name)>) {
    let Some(all) = table.get("dependencies").and_then(toml::Value::as_table) else {
        return;
    };
    for (key, value) in all {
        let name = value
            .get("package")
            .and_then(toml::Value::as_str)
            .unwrap_or(key);
        let version = value
            .as_str()
            .or_else(|| value.get("version")?.as_str())
            .unwrap_or_default();
        out.push((Name::from(name), Name::from(version)));
        let features = value.get("features").and_then(toml::Value::as_array);
        for feature in features
            .into_iter()
            .flatten()
            .filter_map(toml::Value::as_str)
        {
            out.push((Name::from(format!("{name}/{feature}")), Name::from(version)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_binaries_dependencies_and_features() {
        let text = "[package]\nname = \"my-server\"\n[[bin]]\nname = \"x\"\npath = \"app/x.rs\"\n[dependencies]\nctrlc = { version = \"3\", features = [\"termination\"] }\nrmcp = \"0.8\"\n[target.'cfg(unix)'.dependencies]\nnix = \"0.30\"\n";
        let manifest = read(&Name::from("Cargo.toml"), text).expect("a package");
        assert_eq!(&*manifest.name, "my-server");
        let entries: Vec<&str> = manifest.entries.iter().map(|entry| &**entry).collect();
        assert_eq!(entries, ["app/x.rs", "src/main.rs"]);
        let names: Vec<&str> = manifest
            .dependencies
            .iter()
            .map(|(name, _)| &**name)
            .collect();
        assert_eq!(names, ["ctrlc", "ctrlc/termination", "rmcp", "nix"]);
        let text = "[package]\nname = \"my-server\"\n[lib]\nname = \"notes\"\n";
        let manifest = read(&Name::from("Cargo.toml"), text).expect("a package");
        assert_eq!(&*manifest.name, "notes");
        assert!(read(&Name::from("Cargo.toml"), "[workspace]\nmembers = []\n").is_none());
        assert!(read(&Name::from("Cargo.toml"), "= no").is_none());
    }
}
