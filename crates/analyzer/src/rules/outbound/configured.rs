//! Go: clients of Kubernetes have the limit of a configuration that is often made far from them.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use crate::facts::{Language, Pattern, StmtKind, walk};
use crate::link::{Project, Site};

/// The clusters of files in which a configuration gets a limit.
#[derive(Default)]
pub(super) struct Configured(OnceCell<BTreeSet<u32>>);

impl Configured {
    /// Whether a call waits with the limit of a configuration, as far as one is set anywhere in its program.
    pub(super) fn bounds(&self, project: &Project<'_>, site: &Site<'_>) -> bool {
        let mut paths = site.paths.iter();
        paths.any(|path| path.starts_with("k8s.io/client-go"))
            && self
                .0
                .get_or_init(|| clusters(project))
                .contains(&project.cluster_of(site.at.file))
    }
}

/// `config.Timeout = limit`, `rest.Config{Timeout: limit}`, `flags.Timeout = &limit`: in files that have to do with Kubernetes'
/// clients, since other libraries' configurations have a limit by that name as well.
fn clusters(project: &Project<'_>) -> BTreeSet<u32> {
    let mut all = BTreeSet::new();
    for (at, function) in project.functions() {
        let file = project.file(at.file);
        let mut imports = file.into_iter().flat_map(|file| &file.imports);
        let is_of_kubernetes = project.language(at.file) == Language::Go
            && imports.any(|import| import.source.starts_with("k8s.io/"));
        if !is_of_kubernetes {
            continue;
        }
        let mut found = false;
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Assign {
                target: target @ Pattern::Place(_),
                ..
            } = &stmt.kind
            {
                found |= project.target_name(at, target).as_deref() == Some("Timeout");
            }
        });
        let is_config = |site: &Site<'_>| {
            let mut paths = site.paths.iter();
            site.name() == "Config" && paths.any(|path| path.starts_with("k8s.io/"))
        };
        let mut sites = project.sites_of(at);
        if found || sites.any(|site| is_config(site) && site.call.option("Timeout").is_some()) {
            all.insert(project.cluster_of(at.file));
        }
    }
    all
}
