//! Configurations of a compiler that go on from others: `"extends": "../tsconfig.paths.json"`.

use std::collections::{BTreeSet, HashMap};

use crate::facts::{Manifest, Name};

use super::folder_of;

/// Configurations that one goes on from, over all steps.
const MAX_STEPS: usize = 16;

/// Gives each configuration the names of those that it goes on from; its own go before them.
pub(super) fn whole(configs: Vec<Manifest>) -> Vec<Manifest> {
    let by_path: HashMap<&str, &Manifest> = configs.iter().map(|one| (&*one.path, one)).collect();
    let aliases = configs.iter().map(|config| aliases(config, &by_path));
    let aliases: Vec<_> = aliases.collect();
    let whole = configs.into_iter().zip(aliases);
    whole
        .map(|(config, aliases)| Manifest { aliases, ..config })
        .collect()
}

fn aliases(config: &Manifest, by_path: &HashMap<&str, &Manifest>) -> Vec<(Name, Name)> {
    let mut all = config.aliases.clone();
    let mut named: BTreeSet<Name> = all.iter().map(|(name, _)| name.clone()).collect();
    let mut open = vec![config];
    let mut done: BTreeSet<&str> = BTreeSet::from([&*config.path]);
    for _ in 0..MAX_STEPS {
        let Some(at) = open.pop() else { break };
        let mut own = Vec::new();
        // Of several the later one wins.
        for file in &at.extends {
            let path = join(folder_of(&at.path), file);
            let Some(next) = by_path.get(path.as_str()) else {
                continue;
            };
            if !done.insert(&next.path) {
                continue;
            }
            open.push(next);
            let up = between(folder_of(&config.path), folder_of(&next.path));
            let moved = next.aliases.iter();
            let moved = moved.filter(|(name, _)| !named.contains(name));
            let moved = moved.map(|(name, file)| (name.clone(), Name::from(format!("{up}{file}"))));
            own.splice(0..0, moved);
        }
        named.extend(own.iter().map(|(name, _)| name.clone()));
        all.extend(own);
    }
    all
}

/// The way from one folder to another: `../../`, `../config/`.
fn between(from: &str, to: &str) -> String {
    let (from, to): (Vec<&str>, Vec<&str>) = (parts(from).collect(), parts(to).collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from.iter().skip(shared).map(|_| "../".to_owned());
    let down = to.iter().skip(shared).map(|part| format!("{part}/"));
    up.chain(down).collect()
}

fn parts(folder: &str) -> impl Iterator<Item = &str> {
    folder.split('/').filter(|part| !part.is_empty())
}

fn join(folder: &str, file: &str) -> String {
    let mut all: Vec<&str> = parts(folder).collect();
    for part in parts(file) {
        match part {
            "." => {}
            ".." => drop(all.pop()),
            name => all.push(name),
        }
    }
    all.join("/")
}
