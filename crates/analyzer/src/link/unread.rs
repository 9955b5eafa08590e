//! Calls into dependencies whose source is not there, and which may do at a stop what the project itself does not.

use crate::facts::{ImportItem, Language};
use crate::vocabulary::{self, words};

use super::{Entry, Project, Site, Value};

/// Words of names of what a dependency does for the end of a process.
const ENDING: &[&str] = &[
    "shutdown",
    "graceful",
    "gracefully",
    "signal",
    "signals",
    "sigterm",
    "lifecycle",
    "terminate",
    "termination",
    "terminator",
    "cleanup",
    "teardown",
];

/// Words of names that only end one thing: a client, a span, a request.
const SINGLE: &[&str] = &["abort", "controller", "client", "span", "timeout", "any"];

impl<'a> Project<'a> {
    /// The import of a dependency that may handle signals for a server: a call on the way it starts, named after the
    /// end of a process, of code that is not there and that no table tells of.
    pub fn unread_shutdown(&self, entry: &Entry) -> Option<String> {
        self.sites
            .iter()
            .filter(|site| entry.runs(site.at, site.span))
            .find_map(|site| {
                let names = words::words(site.name());
                // `provider.Shutdown()` ends one thing now; what registers says so with more words, and is no method.
                let is_method = site.paths.iter().any(|path| path.contains("()"));
                let ends = !is_method
                    && names.len() > 1
                    && names.iter().any(|word| ENDING.contains(&word.as_str()))
                    && !names.iter().any(|word| SINGLE.contains(&word.as_str()));
                if !ends || site.role.is_some() || !site.targets.is_empty() {
                    return None;
                }
                self.dependency(site)
            })
    }

    /// The dependency that a call opens something for: what was opened is handed to a function or class of it, and a
    /// closing call at a stop is made on what that gave.
    pub fn unread_closing(&self, opened: &Site<'a>) -> Option<String> {
        let holders: Vec<&Site<'a>> = self
            .sites
            .iter()
            .filter(|site| site.id != opened.id && self.is_handed(site, opened))
            .filter(|site| site.role.is_none() && site.targets.is_empty())
            .collect();
        let mut closing = self.closing.iter().filter_map(|id| self.site(*id));
        closing.find_map(|close| {
            let holder = holders.iter().find(|holder| {
                holder.paths.iter().any(|path| {
                    let made = format!("{path}()");
                    close.paths.iter().any(|path| path.starts_with(&made))
                })
            })?;
            self.dependency(holder)
        })
    }

    /// Whether what a call opened stands among the arguments of another, as it is or inside an object or a call.
    fn is_handed(&self, site: &Site<'a>, opened: &Site<'a>) -> bool {
        let made: Vec<String> = opened
            .paths
            .iter()
            .map(|path| format!("{path}()"))
            .collect();
        site.call.args.iter().any(|arg| {
            if arg.value.span.holds(opened.span) {
                return true;
            }
            let mut found = false;
            crate::facts::walk::each(&arg.value, &mut |inner| {
                if !found {
                    found = self
                        .values(site.at, inner)
                        .into_iter()
                        .filter_map(Value::path)
                        .any(|path| made.iter().any(|made| **made == *path));
                }
            });
            found
        })
    }

    /// The import that a call comes from, if it is of a dependency and no part of the language or of an SDK.
    fn dependency(&self, site: &Site<'a>) -> Option<String> {
        let language = self.language(site.at.file);
        let file = self.file(site.at.file)?;
        let import = file.imports.iter().find(|import| {
            let named = if let ImportItem::Named(name) = &import.item {
                Some(name)
            } else {
                None
            };
            site.paths.iter().any(|path| {
                path.strip_prefix(&*import.source).is_some_and(|rest| {
                    let first = rest.trim_start_matches(['.', ':', '/']);
                    named.is_none_or(|name| first.starts_with(&**name))
                })
            })
        })?;
        let known = is_of_language(language, &import.source)
            || import.source.contains("modelcontextprotocol")
            || vocabulary::role(language, &import.source).is_some();
        (!known && !import.source.starts_with('.')).then(|| import.source.to_string())
    }
}

/// Whether an import is part of the language's own library.
fn is_of_language(language: Language, source: &str) -> bool {
    let first = source.split(['.', '/', ':']).next().unwrap_or(source);
    match language {
        Language::TypeScript => {
            matches!(
                first,
                "node"
                    | "fs"
                    | "path"
                    | "os"
                    | "child_process"
                    | "process"
                    | "http"
                    | "https"
                    | "net"
                    | "stream"
                    | "events"
                    | "util"
                    | "url"
                    | "crypto"
                    | "readline"
                    | "timers"
                    | "worker_threads"
                    | "cluster"
                    | "dns"
                    | "tls"
                    | "zlib"
                    | "buffer"
                    | "assert"
            )
        }
        Language::Python => {
            matches!(
                first,
                "os" | "sys"
                    | "signal"
                    | "asyncio"
                    | "threading"
                    | "multiprocessing"
                    | "atexit"
                    | "logging"
                    | "contextlib"
                    | "subprocess"
                    | "concurrent"
                    | "socket"
                    | "anyio"
                    | "mcp"
                    | "fastmcp"
            )
        }
        Language::Rust => matches!(
            first,
            "std" | "core" | "tokio" | "rmcp" | "crate" | "super" | "self"
        ),
        // Modules of Go outside the standard library have a host in front.
        Language::Go => !first.is_empty() && !source.split('/').next().unwrap_or("").contains('.'),
    }
}
