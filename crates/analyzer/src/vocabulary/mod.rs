//! What named library functions mean, one reviewed table per language.
//!
//! A row gives a [`Role`] to a canonical path. The linker builds the path of a callee from imports, aliases and flow:
//!
//! - the imported source and the members behind it, joined by `.`: `child_process.spawn` (`node:` is removed), `mcp.server.fastmcp.FastMCP`,
//!   `tokio.signal.ctrl_c`, `os/signal.NotifyContext`, `@modelcontextprotocol/sdk/server/stdio.js.StdioServerTransport`;
//! - `()` after what a call gave, constructors as well: `pg.Pool().query`, `reqwest.Client.builder().timeout().build().get`;
//!   a value of a written type counts as the result of a call of the type: `client: httpx.AsyncClient` gives `httpx.AsyncClient().get`;
//! - globals as they are: `process.exit`, `fetch`, `print`.
//!
//! Rust wrappers and conversions leave no trace: `Arc::new(x)`, `x.clone()`, `x.unwrap()`, `x?`, `x.await`, `Some(x)`, `x.lock()` are `x`.
//!
//! In a pattern `*` stands for any text, also none. The most specific row wins: the one with the most characters that are no `*`.

mod clients;
pub mod functions;
pub mod go;
mod index;
mod printers;
pub mod python;
pub mod rust;
pub mod typescript;
pub mod words;

use crate::facts::Language;

/// A pattern of paths and what they mean.
#[derive(Debug, Clone, Copy)]
pub struct Row(pub &'static str, pub Role);

/// What a call of a named function means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Ends the process at once: no finalisers, no `finally`, no `defer`.
    Exit,
    /// Ends the process by unwinding (`sys.exit`).
    ExitUnwinding,
    /// Registers a function for a signal or event of the process named by an argument (`process.on`, `signal.signal`, `loop.add_signal_handler`).
    OnSignal {
        /// Place of the signal, or of a list of signals.
        signal: usize,
        /// Place of the function.
        function: usize,
    },
    /// Gives a future, channel or context that fires on signals: those among its arguments, or this one.
    AwaitSignal(Option<&'static str>),
    /// Has the signals among its arguments ignored.
    IgnoreSignal,
    /// Registers a function for the end of the process (`atexit.register`); not run by a default SIGTERM.
    OnExit {
        /// Place of the function.
        function: usize,
    },
    /// Registers the functions among its arguments for SIGTERM and SIGINT, with a library that ends the process after them.
    OnStop(Ending),
    /// Registers a function for an event of stdin or a transport named by an argument (`process.stdin.on`).
    OnStdin {
        /// Place of the event's name.
        event: usize,
        /// Place of the function.
        function: usize,
    },
    /// Makes a transport.
    Transport(Wire),
    /// Reads stdin: a transport only where requests are told apart by the name of their method.
    Stdin,
    /// Makes a server; its options may name the transport.
    Server,
    /// Serves until the peer is gone, or starts to.
    Serve(Serving),
    /// Registers a tool, prompt or resource handler: the last function argument, or the decorated function.
    Responder,
    /// Opens something that should be closed at the end.
    Open(Kind),
    /// Makes a client whose calls wait for a remote end.
    Client(Remote, Limit),
    /// Waits for a remote end.
    Outbound(Remote, Limit),
    /// Starts a child process.
    Spawn(Child),
    /// Ends a child or a group of processes at once (`SIGKILL`) or by its default signal.
    Kill,
    /// Writes to stdout.
    Stdout,
    /// Writes to a log or stderr.
    Log,
    /// Bounds what it wraps in time (`Promise.race`, `asyncio.wait_for`, `tokio::time::timeout`, `context.WithTimeout`).
    Bound,
    /// Calls a function later (`setTimeout`, `loop.call_later`).
    Later,
    /// Calls a function again and again (`setInterval`).
    Every,
    /// Waits for several, and fails when one does (`Promise.all`, `errgroup`).
    All,
    /// Waits for several and keeps what came (`Promise.allSettled`, `gather(return_exceptions=True)`, `WaitGroup.Wait`, `JoinSet`).
    Settle,
    /// Gives a stack trace as text.
    Trace,
    /// Gives a value of the environment: the variable's name is an argument.
    Environment,
    /// Repeats what it wraps on failure.
    Retry,
    /// Stops calling what keeps failing.
    Breaker,
    /// Releases leases, tokens or sessions of a secret store.
    Revoke,
    /// Reads a secret with a lease from a secret store.
    Lease,
    /// Makes a value whose memory is wiped.
    Wiping,
    /// Starts a task or thread that runs beside.
    Task,
    /// Takes a lock.
    Lock,
    /// Gives its argument back, wrapped or converted: the value is that of its first argument or receiver.
    Same,
}

/// How a library that ends the process treats what was registered with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Waits for it, with a limit.
    Waits,
    /// Calls it and ends at once: nothing asynchronous comes to its end.
    AtOnce,
}

/// What a transport goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wire {
    /// Standard input and output.
    Stdio,
    /// HTTP in any form.
    Http,
}

/// How something serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serving {
    /// Over the transport that stands among its arguments, or over stdio (`server.connect(transport)`, `service.serve(stdio())`).
    ByArgument,
    /// Over this; signals are left to the author.
    Over(Wire),
    /// Over this; it handles SIGTERM and SIGINT itself.
    Guarded(Wire),
    /// Over the transport named by the argument `transport`, stdio without it (`FastMCP.run`); its HTTP handles signals itself.
    ByName,
}

/// What is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Pool of connections to a database or cache, or one connection that is kept; keeps the process alive in Node.
    Pool,
    /// A browser with processes of its own.
    Browser,
    /// A listener or watcher that keeps the process alive.
    Listener,
    /// Telemetry provider that exports in batches.
    Telemetry,
    /// Log writer that buffers.
    LogBuffer,
    /// Worker threads or executors.
    Workers,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Remote {
    /// An HTTP server.
    Http,
    /// A database.
    Database,
    /// A child process.
    Child,
    /// Another service.
    Other,
}

/// What bounds the wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The library has a finite default.
    Default,
    /// One of these options or keyword arguments (a trailing positional number counts as none).
    Option(&'static [&'static str]),
    /// The argument at a place, or one of these keyword arguments.
    Argument(usize, &'static [&'static str]),
    /// The client that it is called on, or one of these options.
    Client(&'static [&'static str]),
    /// One of these options of the statement that is its first argument: `Query(text, timeout=5)`.
    Statement(&'static [&'static str]),
    /// A context or signal argument with a deadline, or the client.
    Deadline,
    /// Nothing but a bound around it.
    Nothing,
}

/// What becomes of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Child {
    /// Given back as a handle.
    Handle,
    /// Waited for, without blocking other work.
    Awaited,
    /// Waited for with the thread blocked.
    Blocking,
}

/// The tables of a language.
fn tables(language: Language) -> [&'static [Row]; 3] {
    match language {
        Language::TypeScript => [typescript::ROWS, clients::TYPESCRIPT, printers::TYPESCRIPT],
        Language::Python => [python::ROWS, clients::PYTHON, printers::PYTHON],
        Language::Rust => [rust::ROWS, clients::RUST, printers::RUST],
        Language::Go => [go::ROWS, clients::GO, printers::GO],
    }
}

/// The role of a canonical path.
pub fn role(language: Language, path: &str) -> Option<Role> {
    index::of(language).role(path)
}

/// Where a function of Python that runs another one in a thread is given that one: `asyncio.to_thread(connect, url)`.
pub fn threaded(language: Language, path: &str) -> Option<usize> {
    if language != Language::Python {
        return None;
    }
    let first = ["to_thread", "to_thread.run_sync", "run_in_threadpool"];
    if first.iter().any(|end| path.ends_with(end)) {
        return Some(0);
    }
    path.ends_with(".run_in_executor").then_some(1)
}

/// Whether a path gives its argument back.
pub fn is_same(language: Language, path: &str) -> bool {
    index::of(language).is_same(path)
}

/// Whether a pattern with `*` matches a whole text.
pub fn matches(pattern: &str, text: &str) -> bool {
    index::Pattern::of(pattern).matches(text)
}
