//! `pyproject.toml`, `setup.cfg`, and what a wheel holds instead: `METADATA` and `entry_points.txt`.

use crate::facts::{Language, Manifest, Name};

pub(super) fn read(path: &Name, text: &str) -> Option<Manifest> {
    let (_, file) = path.rsplit_once('/').unwrap_or(("", path));
    match file {
        "pyproject.toml" => pyproject(path, text),
        "METADATA" => metadata(path, text),
        "entry_points.txt" => Some(Manifest {
            entries: scripts(text, "console_scripts"),
            ..blank(path, "")
        }),
        "setup.cfg" => setup(path, text),
        _ => None,
    }
}

fn blank(path: &Name, name: &str) -> Manifest {
    Manifest {
        path: path.clone(),
        language: Language::Python,
        name: Name::from(name),
        entries: Vec::new(),
        dependencies: Vec::new(),
        development: Vec::new(),
        aliases: Vec::new(),
        extends: Vec::new(),
    }
}

fn pyproject(path: &Name, text: &str) -> Option<Manifest> {
    let root: toml::Table = text.parse().ok()?;
    let poetry = root.get("tool").and_then(|tool| tool.get("poetry"));
    let sections: Vec<&toml::Value> = root.get("project").into_iter().chain(poetry).collect();
    let name = sections
        .iter()
        .find_map(|section| section.get("name")?.as_str());
    let mut manifest = blank(path, name.unwrap_or_default());
    for section in sections {
        let scripts = section.get("scripts").and_then(toml::Value::as_table);
        for target in scripts.into_iter().flat_map(toml::Table::values) {
            manifest.entries.extend(target.as_str().map(Name::from));
        }
        match section.get("dependencies") {
            Some(toml::Value::Array(all)) => {
                manifest
                    .dependencies
                    .extend(all.iter().filter_map(toml::Value::as_str).map(requirement));
            }
            Some(toml::Value::Table(all)) => {
                for (name, version) in all {
                    let version = version
                        .as_str()
                        .or_else(|| version.get("version")?.as_str());
                    manifest.dependencies.push((
                        Name::from(name.as_str()),
                        Name::from(version.unwrap_or_default()),
                    ));
                }
            }
            Some(_) | None => {}
        }
    }
    Some(manifest)
}

/// The headers of a wheel or of an unpacked source package.
fn metadata(path: &Name, text: &str) -> Option<Manifest> {
    let headers = || text.lines().take_while(|line| !line.is_empty());
    let name = headers().find_map(|line| line.strip_prefix("Name:"))?;
    let mut manifest = blank(path, name.trim());
    manifest.dependencies = headers()
        .filter_map(|line| line.strip_prefix("Requires-Dist:"))
        .filter(|line| !line.contains("extra =="))
        .map(requirement)
        .collect();
    Some(manifest)
}

fn setup(path: &Name, text: &str) -> Option<Manifest> {
    let name = text.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "name").then_some(value.trim())
    })?;
    Some(Manifest {
        entries: scripts(text, "options.entry_points"),
        ..blank(path, name)
    })
}

/// The targets of a section of `name = module:function` lines.
fn scripts(text: &str, section: &str) -> Vec<Name> {
    let mut inside = false;
    let mut all = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(title) = line.strip_prefix('[') {
            inside = title.trim_end_matches(']').trim() == section;
        } else if inside
            && let Some((_, target)) = line.split_once('=')
            && target.contains(':')
        {
            let target = target.split('[').next().unwrap_or(target);
            all.push(Name::from(target.trim()));
        }
    }
    all
}

/// `name[extra]>=1.2; marker` as its name and its version.
fn requirement(text: &str) -> (Name, Name) {
    let text = text.split(';').next().unwrap_or(text).trim();
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.'))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let version = rest.rsplit(']').next().unwrap_or(rest);
    let version = version.trim().trim_start_matches('(').trim_end_matches(')');
    (
        Name::from(name.to_ascii_lowercase().replace('_', "-")),
        Name::from(version),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(manifest: &Manifest) -> Vec<(&str, &str)> {
        manifest
            .dependencies
            .iter()
            .map(|(name, version)| (&**name, &**version))
            .collect()
    }

    #[test]
    fn each_form_gives_entries_and_dependencies() {
        let pyproject = "[project]\nname = 'a'\ndependencies = ['mcp[cli]>=1.2', 'httpx']\n[project.scripts]\na = 'a.server:main'\n";
        let manifest = read(&Name::from("x/pyproject.toml"), pyproject)
            .unwrap_or_else(|| blank(&Name::from(""), ""));
        assert_eq!(
            (&*manifest.name, &*manifest.entries[0]),
            ("a", "a.server:main")
        );
        assert_eq!(pairs(&manifest), [("mcp", ">=1.2"), ("httpx", "")]);

        let poetry = "[tool.poetry]\nname = 'a'\n[tool.poetry.dependencies]\nmcp = '^1.2'\nredis = {version = '5', extras = ['x']}\n[tool.poetry.scripts]\na = 'a:main'\n";
        let manifest = read(&Name::from("pyproject.toml"), poetry)
            .unwrap_or_else(|| blank(&Name::from(""), ""));
        assert_eq!(&*manifest.entries[0], "a:main");
        assert_eq!(pairs(&manifest), [("mcp", "^1.2"), ("redis", "5")]);

        let metadata = "Metadata-Version: 2.1\nName: a\nRequires-Dist: mcp[cli] (>=2.0)\nRequires-Dist: pytest; extra == 'test'\n\nName: b\n";
        let manifest = read(&Name::from("a.dist-info/METADATA"), metadata)
            .unwrap_or_else(|| blank(&Name::from(""), ""));
        assert_eq!(pairs(&manifest), [("mcp", ">=2.0")]);

        let points = "[gui_scripts]\nb = b:main\n\n[console_scripts]\na = a.server:main [extra]\n";
        let manifest = read(&Name::from("a.dist-info/entry_points.txt"), points)
            .unwrap_or_else(|| blank(&Name::from(""), ""));
        assert_eq!(manifest.entries, [Name::from("a.server:main")]);

        let setup =
            "[metadata]\nname = a\n[options.entry_points]\nconsole_scripts =\n    a = a:main\n";
        let manifest =
            read(&Name::from("setup.cfg"), setup).unwrap_or_else(|| blank(&Name::from(""), ""));
        assert_eq!((&*manifest.name, &*manifest.entries[0]), ("a", "a:main"));
    }

    #[test]
    fn text_that_is_none_gives_none() {
        assert!(read(&Name::from("pyproject.toml"), "[").is_none());
        assert!(read(&Name::from("METADATA"), "\n").is_none());
    }
}
