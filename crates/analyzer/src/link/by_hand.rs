//! Servers without an SDK: a loop over stdin that tells requests apart by the name of their method.

use std::collections::BTreeSet;

use crate::facts::{Compare, Expr, ExprKind, Language, Pattern, Stmt, StmtKind, walk};
use crate::finding::Surface;
use crate::vocabulary::{Role, Wire, words};

use super::graph::handed;
use super::{FnRef, Project, Site};

/// The method by which every server with tools is called.
const METHOD: &str = "tools/call";

/// The functions that take a request for a tool by the name of its method: those that compare it, and those that are kept under it.
pub(super) fn dispatchers(project: &Project<'_>) -> BTreeSet<FnRef> {
    let mut all = BTreeSet::new();
    let with_sdk = with_sdk(project);
    let is_read =
        |at: FnRef| is_read(project, at) && !with_sdk.contains(&project.package_of(at.file));
    for (at, function) in project.functions() {
        if !is_read(at) {
            continue;
        }
        walk::stmts(&function.body, &mut |stmt| {
            if compares(project, at, stmt) {
                all.insert(at);
            }
            all.extend(kept(project, at, stmt));
        });
    }
    for site in project.sites() {
        let named = site.call.arg(0).and_then(Expr::text);
        if is_read(site.at)
            && named.is_some_and(|name| &**name == METHOD)
            && let Some(function) = site.call.arg(1)
        {
            all.extend(handed(project, site.at, function));
        }
    }
    all
}

/// Where programs that tell requests apart read stdin.
pub(super) fn readers<'p, 'a>(project: &'p Project<'a>) -> Vec<&'p Site<'a>> {
    if project.dispatchers.is_empty() {
        return Vec::new();
    }
    let leading = project.above_any(project.dispatchers.iter().copied());
    let reads = project.sites().filter(|site| {
        is_read(project, site.at)
            && (site.role == Some(Role::Stdin)
                || is_given_stdin(project, site)
                || takes_stdin(project, site))
    });
    let all: Vec<&Site<'a>> = reads.collect();
    // The loop that answers says best where the server is; a reader that only hands lines on is one as well.
    let mut found: Vec<&Site<'a>> = all
        .iter()
        .copied()
        .filter(|site| leading.contains(&site.at))
        .collect();
    if found.is_empty() {
        found = all
            .into_iter()
            .filter(|site| !project.above(site.at).is_disjoint(&leading))
            .collect();
    }
    found
}

/// Whether the function is of a language read here, and of runtime code.
fn is_read(project: &Project<'_>, at: FnRef) -> bool {
    matches!(
        project.language(at.file),
        Language::Rust | Language::Go | Language::TypeScript
    ) && project.surface(at.file) != Surface::Tests
}

/// Modules of Node whose servers take requests from stdin themselves.
const SDKS: &[&str] = &["@modelcontextprotocol/", "fastmcp", "mcp-framework"];

/// Whether a call registers a function for what comes over stdin, not for its end.
pub(super) fn takes_data(site: &Site<'_>) -> bool {
    let Some(Role::OnStdin { event, .. }) = site.role else {
        return false;
    };
    let event = site.call.arg(event).and_then(Expr::text);
    event.is_some_and(|event| matches!(&**event, "data" | "readable"))
}

/// The class of the SDK that reads stdin, which a bundle has in its own file.
const TRANSPORT: &str = "StdioServerTransport";

/// The packages of TypeScript with an SDK, imported or bundled: what looks at the name of a method there serves nothing by hand.
fn with_sdk(project: &Project<'_>) -> BTreeSet<u32> {
    let files = project.files.iter().zip(0u32..);
    let of_sdk = |source: &str| SDKS.iter().any(|sdk| source.starts_with(sdk));
    let files = files.filter(|(file, _)| {
        let mut imports = file.imports.iter();
        let mut classes = file.classes.iter();
        file.language == Language::TypeScript
            && (imports.any(|import| of_sdk(&import.source))
                || classes.any(|class| &*class.name == TRANSPORT))
    });
    files.map(|(_, at)| project.package_of(at)).collect()
}

/// Node: `process.stdin.on("data", f)`, `readline.createInterface({ input: process.stdin })`.
fn takes_stdin(project: &Project<'_>, site: &Site<'_>) -> bool {
    if takes_data(site) {
        return true;
    }
    let input = site.call.option("input").or_else(|| site.call.arg(0));
    site.name() == "createInterface"
        && site.paths.iter().any(|path| path.starts_with("readline"))
        && input.is_some_and(|input| {
            let paths = project.paths(site.at, input);
            paths.iter().any(|path| &**path == "process.stdin")
        })
}

/// `bufio.NewScanner(os.Stdin)`, `NewServer(os.Stdin, os.Stdout)`.
fn is_given_stdin(project: &Project<'_>, site: &Site<'_>) -> bool {
    project.language(site.at.file) == Language::Go
        && site.call.args.iter().any(|arg| {
            project.last_name(site.at, &arg.value).as_deref() == Some("Stdin")
                && project
                    .paths(site.at, &arg.value)
                    .iter()
                    .any(|path| &**path == "os.Stdin")
        })
}

/// `"tools/call" =>`, `case "tools/call":`, `method == "tools/call"`.
fn compares(project: &Project<'_>, at: FnRef, stmt: &Stmt) -> bool {
    if let StmtKind::Match { arms, .. } = &stmt.kind
        && arms.iter().any(|arm| matches_it(project, at, &arm.pattern))
    {
        return true;
    }
    let mut found = false;
    walk::own_exprs(stmt, &mut |expr| {
        if let ExprKind::Compare(Compare::Equal | Compare::Inside, left, right) = &expr.kind {
            found |= is_method(project, at, left) || is_method(project, at, right);
        }
    });
    found
}

fn matches_it(project: &Project<'_>, at: FnRef, pattern: &Pattern) -> bool {
    // `Some("tools/call")` as well.
    if let Pattern::Or(parts) | Pattern::Of(_, parts) | Pattern::List(parts) = pattern {
        return parts.iter().any(|part| matches_it(project, at, part));
    }
    matches!(pattern, Pattern::Value(value) if is_method(project, at, value))
}

/// The text itself, or a constant that is named like it.
fn is_method(project: &Project<'_>, at: FnRef, expr: &Expr) -> bool {
    if let Some(text) = expr.text() {
        return &**text == METHOD;
    }
    if let ExprKind::List(parts) = &expr.kind {
        return parts.iter().any(|part| is_method(project, at, part));
    }
    project.last_name(at, expr).is_some_and(|name| {
        let words = words::words(&name);
        let has = |word: &str| words.iter().any(|one| one == word);
        has("method") && has("call") && (has("tools") || has("tool"))
    })
}

/// `handlers["tools/call"] = f`, `map[string]Handler{"tools/call": f}`.
fn kept(project: &Project<'_>, at: FnRef, stmt: &Stmt) -> Vec<FnRef> {
    let mut all = Vec::new();
    if let StmtKind::Assign {
        target: Pattern::Place(place),
        value: Some(value),
    } = &stmt.kind
        && let ExprKind::Index(_, key) = &place.kind
        && is_method(project, at, key)
    {
        all.extend(handed(project, at, value));
    }
    walk::own_exprs(stmt, &mut |expr| {
        if let Some(value) = expr.entry(METHOD) {
            all.extend(handed(project, at, value));
        }
    });
    all
}

impl Project<'_> {
    /// Whether a server over stdio writes its messages itself: requests are told apart by hand in its process.
    pub fn speaks_by_hand(&self, entry: &super::Entry) -> bool {
        entry.wire == Wire::Stdio && !entry.process.is_disjoint(&self.dispatchers)
    }

    /// Whether a function hands requests to one that tells them apart by hand: what that gives, it makes the answer of.
    pub fn asks_dispatcher(&self, at: FnRef) -> bool {
        !self.dispatchers.is_empty()
            && self.sites_of(at).any(|site| {
                let mut targets = site.targets.iter();
                targets.any(|target| self.dispatchers.contains(target))
            })
    }
}
