//! Prints what the linker made of a folder: entries, handlers, hooks, and calls with a role.
#![allow(clippy::print_stdout, reason = "a tool for the eyes of its author")]

use std::path::Path;

use dropgate_analyzer::extract::{STACK_BYTES, Source, extract, manifest};
use dropgate_analyzer::facts::{FileFacts, Language, Manifest, Name};
use dropgate_analyzer::link::Project;

fn main() -> std::io::Result<()> {
    let worker = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(|| {
            for root in std::env::args().skip(1) {
                let (mut files, mut manifests) = (Vec::new(), Vec::new());
                walk(
                    Path::new(&root),
                    Path::new(&root),
                    &mut files,
                    &mut manifests,
                );
                files.sort_by(|a, b| a.path.cmp(&b.path));
                print(&Project::of(&files, &manifests));
            }
        })?;
    let _ = worker.join();
    Ok(())
}

fn walk(root: &Path, path: &Path, files: &mut Vec<FileFacts>, manifests: &mut Vec<Manifest>) {
    if let Ok(entries) = std::fs::read_dir(path) {
        for entry in entries.flatten() {
            walk(root, &entry.path(), files, manifests);
        }
        return;
    }
    let short = path.strip_prefix(root).unwrap_or(path).to_string_lossy();
    let name = Name::from(&*short);
    let Ok(text) = std::fs::read_to_string(path) else {
        return;
    };
    manifests.extend(manifest::read(&name, &text));
    if let Some(language) = Language::of_path(&short) {
        files.push(extract(&Source {
            path: name,
            language,
            text: &text,
        }));
    }
}

fn print(project: &Project<'_>) {
    let place = |file: u32, line: u32| {
        let path = project.file(file).map(|facts| facts.path.to_string());
        format!("{}:{line}", path.unwrap_or_default())
    };
    for entry in &project.entries {
        println!(
            "entry {:?} {:?} {} process {}",
            entry.wire,
            entry.guard,
            place(entry.at.file, entry.span.line),
            entry.process.len()
        );
    }
    for handler in &project.handlers {
        if let Some(function) = project.function(handler.function) {
            println!(
                "handler {} {}",
                function.name,
                place(handler.function.file, function.span.line)
            );
        }
    }
    for hook in &project.hooks {
        println!(
            "hook {:?} {:?} {} functions {} in {:?}",
            hook.trigger,
            hook.form,
            place(hook.at.file, hook.span.line),
            hook.functions.len(),
            project
                .entries
                .iter()
                .filter(|entry| entry.process.contains(&hook.at))
                .map(|entry| entry.span.line)
                .collect::<Vec<_>>()
        );
    }
    for site in project.sites() {
        if let Some(role) = site.role {
            println!(
                "site {} {role:?} {:?}",
                place(site.at.file, site.span.line),
                site.paths
            );
        }
    }
}
