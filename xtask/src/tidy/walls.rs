//! What a crate may not depend on, directly or through others.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Checkout, Finding};
use crate::failure::{Doing, Failure};
use crate::workspace;

/// Async runtimes.
const RUNTIMES: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "futures-executor",
    "async-executor",
    "monoio",
    "glommio",
];

/// One crate and what it must never reach.
struct Wall {
    krate: &'static str,
    never: &'static [&'static str],
    reason: &'static str,
}

const WALLS: &[Wall] = &[
    Wall {
        krate: "dropgate-gate",
        never: RUNTIMES,
        reason: "decisions are pure",
    },
    Wall {
        krate: "dropgate-gate",
        never: &["rustix", "libc", "dropgate-process", "dropgate-relay"],
        reason: "decisions do no I/O",
    },
    Wall {
        krate: "dropgate-wire",
        never: RUNTIMES,
        reason: "framing waits for nothing",
    },
    Wall {
        krate: "dropgate-wire",
        never: &[
            "rustix",
            "dropgate-process",
            "dropgate-gate",
            "dropgate-relay",
        ],
        reason: "framing is the innermost crate",
    },
    Wall {
        krate: "dropgate-process",
        never: &[
            "dropgate-wire",
            "dropgate-gate",
            "dropgate-relay",
            "dropgate-journal",
            "dropgate-probe",
            "rmcp",
        ],
        reason: "owning processes knows no protocol",
    },
    Wall {
        krate: "dropgate-process",
        never: RUNTIMES,
        reason: "a tree must end without a runtime",
    },
    Wall {
        krate: "dropgate-journal",
        never: &[
            "dropgate-wire",
            "dropgate-gate",
            "dropgate-relay",
            "dropgate-process",
            "rmcp",
        ],
        reason: "the journal knows neither MCP nor processes",
    },
    Wall {
        krate: "dropgate-relay",
        never: &["dropgate-analyzer", "dropgate-probe", "rmcp"],
        reason: "the data path stays small",
    },
    Wall {
        krate: "dropgate-probe",
        never: &["dropgate-relay", "dropgate-gate"],
        reason: "the probe judges from outside",
    },
];

/// Names of packages and of what each needs to run.
#[derive(Default)]
pub(super) struct Graph {
    edges: BTreeMap<String, Vec<String>>,
}

impl Graph {
    /// A graph from pairs of a package and one of its dependencies.
    #[cfg(test)]
    pub(super) fn from_edges(edges: &[(&str, &str)]) -> Graph {
        let mut graph = Graph::default();
        for (from, to) in edges {
            graph
                .edges
                .entry((*from).to_owned())
                .or_default()
                .push((*to).to_owned());
        }
        graph
    }

    /// Asks cargo.
    pub(super) fn load() -> Result<Graph, Failure> {
        let output = workspace::cargo()
            .args(["metadata", "--format-version", "1"])
            .output()
            .doing("starting cargo metadata")?;
        if !output.status.success() {
            return Err(Failure::failed(format!(
                "cargo metadata: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            )));
        }
        Graph::parse(&output.stdout)
    }

    fn parse(json: &[u8]) -> Result<Graph, Failure> {
        let metadata: Metadata = serde_json::from_slice(json).doing("reading cargo metadata")?;
        let names: BTreeMap<&str, &str> = metadata
            .packages
            .iter()
            .map(|package| (package.id.as_str(), package.name.as_str()))
            .collect();
        let mut graph = Graph::default();
        for node in &metadata.resolve.nodes {
            let Some(from) = names.get(node.id.as_str()) else {
                continue;
            };
            let needed = node
                .deps
                .iter()
                .filter(|dep| dep.dep_kinds.iter().any(|kind| kind.kind.is_none()));
            let needed = needed.filter_map(|dep| names.get(dep.pkg.as_str()));
            graph
                .edges
                .entry((*from).to_owned())
                .or_default()
                .extend(needed.map(|name| (*name).to_owned()));
        }
        Ok(graph)
    }

    /// The shortest way from one package to another, both ends included.
    fn way(&self, from: &str, to: &str) -> Option<Vec<&str>> {
        let (start, _) = self.edges.get_key_value(from)?;
        let mut seen = BTreeSet::from([start.as_str()]);
        let mut ways = std::collections::VecDeque::from([vec![start.as_str()]]);
        while let Some(way) = ways.pop_front() {
            let last = way.last().copied()?;
            if last == to {
                return Some(way);
            }
            for next in self
                .edges
                .get(last)
                .into_iter()
                .flatten()
                .filter(|next| seen.insert(next))
            {
                ways.push_back(way.iter().copied().chain([next.as_str()]).collect());
            }
        }
        None
    }
}

pub(super) fn check(checkout: &Checkout) -> Vec<Finding> {
    let pairs = WALLS
        .iter()
        .flat_map(|wall| wall.never.iter().map(move |name| (wall, name)));
    let broken = pairs.filter_map(|(wall, name)| {
        let way = checkout.graph.way(wall.krate, name)?;
        let folder = wall.krate.trim_start_matches("dropgate-");
        Some(Finding::file(
            &format!("crates/{folder}/Cargo.toml"),
            format!(
                "{}: {}; remove the dependency or move the code",
                way.join(" -> "),
                wall.reason
            ),
        ))
    });
    broken.collect()
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

/// `None` is a dependency that is needed to run, not only to build or test.
#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_needed_to_run_counts() {
        let json = r#"{"packages":[{"id":"1","name":"a"},{"id":"2","name":"b"},{"id":"3","name":"c"}],"resolve":{"nodes":[
            {"id":"1","deps":[{"pkg":"2","dep_kinds":[{"kind":null}]},{"pkg":"3","dep_kinds":[{"kind":"dev"}]}]},{"id":"2","deps":[]},{"id":"3","deps":[]}]}}"#;
        let graph = Graph::parse(json.as_bytes()).unwrap();
        assert_eq!(graph.way("a", "b"), Some(vec!["a", "b"]));
        assert_eq!(graph.way("a", "c"), None);
    }
}
