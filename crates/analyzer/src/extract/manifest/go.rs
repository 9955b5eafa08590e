//! `go.mod`.

use crate::facts::{Language, Manifest, Name};

/// Most requirements that are kept of one file.
const MAX_REQUIREMENTS: usize = 4_000;

/// Reads `module`, and `require` in both its forms; comments are left out.
pub(super) fn read(path: &Name, text: &str) -> Option<Manifest> {
    let mut name = None;
    let mut dependencies = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or("").trim();
        let mut words = line.split_whitespace();
        let first = words.next();
        match first {
            Some("module") => name = words.next().map(|path| Name::from(path.trim_matches('"'))),
            Some("require") if line.ends_with('(') => in_block = true,
            Some("require") => dependencies.extend(requirement(words.next(), words.next())),
            Some(")") => in_block = false,
            Some(_) if in_block => dependencies.extend(requirement(first, words.next())),
            Some(_) | None => {}
        }
        if dependencies.len() >= MAX_REQUIREMENTS {
            break;
        }
    }
    Some(Manifest {
        path: path.clone(),
        language: Language::Go,
        name: name?,
        entries: Vec::new(),
        dependencies,
        development: Vec::new(),
        aliases: Vec::new(),
        extends: Vec::new(),
    })
}

fn requirement(name: Option<&str>, version: Option<&str>) -> Option<(Name, Name)> {
    Some((Name::from(name?), Name::from(version.unwrap_or(""))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms_of_require() {
        let text = "module example.com/m // here\n\ngo 1.24\n\nrequire a.b/c v1.2.3\nrequire (\n\td.e/f v0.1.0 // indirect\n\tg.h/i v2.0.0\n)\nreplace x => y\n";
        let manifest = read(&Name::from("go.mod"), text).expect("a module");
        assert_eq!(&*manifest.name, "example.com/m");
        let names: Vec<&str> = manifest
            .dependencies
            .iter()
            .map(|(name, _)| &**name)
            .collect();
        assert_eq!(names, ["a.b/c", "d.e/f", "g.h/i"]);
        assert!(read(&Name::from("go.mod"), "nothing").is_none());
    }
}
