//! What runs when a signal comes, stdin ends, a transport closes or the process exits.

use crate::facts::{Call, Expr, ExprKind, Language, Name, Pattern, Span, StmtKind, walk};
use crate::vocabulary::{Ending, Role};

use super::graph::{handed, is_close_hook};
use super::resolve::MAX_VALUES;
use super::sites::{Site, SiteId};
use super::{FnRef, Project, Value, callee_name};

/// A registration.
#[derive(Debug, Clone)]
pub struct Hook<'a> {
    /// For what.
    pub trigger: Trigger,
    /// Where it is registered.
    pub at: FnRef,
    /// Where that stands.
    pub span: Span,
    /// The call, unless it is an assignment.
    pub site: Option<SiteId>,
    /// The functions that run; empty where the code after a wait runs ([`Role::AwaitSignal`]) or the function is not known.
    pub functions: Vec<FnRef>,
    /// Whether the code after the registration waits for it.
    pub form: Form,
    /// What stands where the function should, if it is none of the project: `stop.set`, `signal.SIG_IGN`.
    pub foreign: Option<&'a Expr>,
}

/// How it is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A function is called.
    Callback,
    /// A future, channel or context fires.
    Wait,
    /// Nobody: the signal is ignored.
    Ignored,
}

/// When a hook runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trigger {
    /// A signal, by name: `SIGTERM`.
    Signal(Name),
    /// A signal that is not known by name.
    SomeSignal,
    /// The end of stdin.
    Eof,
    /// The end of a transport or server.
    Closed,
    /// The exit of the process, in its last moment.
    Exit,
    /// An exception or rejection that nobody caught.
    Crash,
}

impl Hook<'_> {
    /// Whether something runs when a shutdown is asked for: not where the signal is ignored.
    pub fn stops(&self) -> bool {
        self.form != Form::Ignored && self.trigger.asks_to_stop()
    }

    /// Whether a library ends the process after it, by its own.
    pub fn is_of_library(&self, project: &Project<'_>) -> bool {
        let site = self.site.and_then(|id| project.site(id));
        site.is_some_and(|site| matches!(site.role, Some(Role::OnStop(_))))
    }

    /// What is called, if it is none of the project's functions: `pool.close`, or `pool.end` of `pool.end.bind(pool)`.
    pub fn given(&self) -> Option<&Expr> {
        let value = self.foreign?;
        let bound = value
            .call()
            .filter(|call| callee_name(&call.callee) == "bind");
        Some(bound.and_then(Call::receiver).unwrap_or(value))
    }
}

impl Trigger {
    /// Whether it is this signal.
    pub fn is_signal(&self, name: &str) -> bool {
        matches!(self, Self::Signal(known) if &**known == name)
    }

    /// Whether it asks for a shutdown: a signal, the end of stdin or of a transport.
    pub fn asks_to_stop(&self) -> bool {
        match self {
            Self::Signal(name) => matches!(
                &**name,
                "SIGTERM" | "SIGINT" | "SIGHUP" | "SIGQUIT" | "SIGBREAK"
            ),
            Self::SomeSignal | Self::Eof | Self::Closed => true,
            Self::Exit | Self::Crash => false,
        }
    }
}

pub(super) fn hooks<'a>(project: &Project<'a>) -> Vec<Hook<'a>> {
    let mut all = Vec::new();
    for site in project.sites() {
        match site.role {
            Some(Role::OnSignal { signal, function }) => {
                callback(project, site, signal, function, &mut all);
            }
            Some(Role::OnStdin { event, function }) => {
                let event = site.call.arg(event).and_then(Expr::text);
                let ends = event.is_some_and(|event| matches!(&**event, "end" | "close"));
                if ends {
                    all.push(hook(project, site, Trigger::Eof, function));
                }
            }
            Some(Role::OnExit { function }) => {
                all.push(hook(project, site, Trigger::Exit, function));
            }
            Some(Role::OnStop(ending)) => by_library(project, site, ending, &mut all),
            Some(Role::AwaitSignal(fixed)) => waits(project, site, fixed, &mut all),
            Some(Role::IgnoreSignal) => ignored(project, site, &mut all),
            Some(_) | None => {}
        }
    }
    for (at, function) in project.functions() {
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Assign {
                target: Pattern::Place(place),
                value: Some(value),
            } = &stmt.kind
                && is_close_hook(stmt)
                && !is_of_client(project, at, place)
            {
                all.push(Hook {
                    trigger: Trigger::Closed,
                    at,
                    span: stmt.span,
                    site: None,
                    functions: handed(project, at, value),
                    form: Form::Callback,
                    foreign: Some(value),
                });
            }
        });
    }
    all
}

/// `client.onclose = f` tells of another server's end, not of this one's.
fn is_of_client(project: &Project<'_>, at: FnRef, place: &Expr) -> bool {
    let object = if let ExprKind::Member(object, _) = &place.kind {
        project.last_name(at, object)
    } else {
        None
    };
    object.is_some_and(|name| name.to_lowercase().contains("client"))
}

fn hook<'a>(project: &Project<'a>, site: &Site<'a>, trigger: Trigger, place: usize) -> Hook<'a> {
    let function = site.call.arg(place).or_else(|| site.call.option("handler"));
    let functions = function.map_or_else(Vec::new, |value| called(project, site.at, value));
    Hook {
        trigger,
        at: site.at,
        span: site.span,
        site: Some(site.id),
        foreign: function.filter(|_| functions.is_empty()),
        functions,
        form: Form::Callback,
    }
}

/// A library calls the functions among its arguments on the signals, and ends the process after them.
fn by_library<'a>(project: &Project<'a>, site: &Site<'a>, ending: Ending, all: &mut Vec<Hook<'a>>) {
    let functions: Vec<FnRef> = site
        .call
        .args
        .iter()
        .flat_map(|arg| called(project, site.at, &arg.value))
        .collect();
    let mut triggers: Vec<Trigger> = ["SIGTERM", "SIGINT"]
        .map(|name| Trigger::Signal(Name::from(name)))
        .into();
    if ending == Ending::AtOnce {
        triggers.push(Trigger::Exit);
    }
    all.extend(triggers.into_iter().map(|trigger| Hook {
        trigger,
        at: site.at,
        span: site.span,
        site: Some(site.id),
        functions: functions.clone(),
        form: Form::Callback,
        foreign: None,
    }));
}

/// The functions that a value in the place of a callback stands for, results of calls included.
fn called<'a>(project: &Project<'a>, at: FnRef, value: &'a Expr) -> Vec<FnRef> {
    let mut all = handed(project, at, value);
    for value in project.values(at, value) {
        if let Value::Function(function) = value
            && !all.contains(&function)
        {
            all.push(function);
        }
    }
    all
}

fn callback<'a>(
    project: &Project<'a>,
    site: &Site<'a>,
    signal: usize,
    function: usize,
    all: &mut Vec<Hook<'a>>,
) {
    let Some(argument) = site.call.arg(signal) else {
        return;
    };
    let Some(form) = form(project, site, function) else {
        return;
    };
    let names = signals(project, site.at, argument);
    if names.is_empty() || names.len() >= MAX_VALUES {
        // A value that is not known may be a signal, as may one beyond those that are kept; an event of another name is none.
        all.push(hook(project, site, Trigger::SomeSignal, function));
    }
    for name in names {
        let trigger = match &*name {
            "exit" => Trigger::Exit,
            "beforeExit" | "message" | "warning" | "disconnect" => continue,
            "uncaughtException" | "unhandledRejection" | "uncaughtExceptionMonitor" => {
                Trigger::Crash
            }
            _ if name.starts_with("SIG") => Trigger::Signal(name),
            _ => continue,
        };
        all.push(Hook {
            form,
            ..hook(project, site, trigger, function)
        });
    }
}

/// How what stands in the place of a handler takes the signal; not at all where it gives the default action back. Only what all of
/// its values are is known of it: beside a function it may be that one.
fn form(project: &Project<'_>, site: &Site<'_>, function: usize) -> Option<Form> {
    let Some(given) = site.call.arg(function) else {
        return Some(Form::Callback);
    };
    let values = project.values(site.at, given);
    let is = |name: &str| {
        let mut paths = values.iter().map(|value| value.clone().path());
        !values.is_empty() && paths.all(|path| path.as_deref() == Some(name))
    };
    if is("signal.SIG_DFL") {
        None
    } else if is("signal.SIG_IGN") {
        Some(Form::Ignored)
    } else {
        Some(Form::Callback)
    }
}

/// `signal.Ignore(syscall.SIGTERM)`.
fn ignored<'a>(project: &Project<'a>, site: &Site<'a>, all: &mut Vec<Hook<'a>>) {
    let args = site.call.args.iter();
    let names = args.flat_map(|arg| signals(project, site.at, &arg.value));
    all.extend(names.map(|name| Hook {
        trigger: Trigger::Signal(name),
        at: site.at,
        span: site.span,
        site: Some(site.id),
        functions: Vec::new(),
        form: Form::Ignored,
        foreign: None,
    }));
}

fn waits<'a>(
    project: &Project<'a>,
    site: &Site<'a>,
    fixed: Option<&'static str>,
    all: &mut Vec<Hook<'a>>,
) {
    let mut names: Vec<Name> = fixed.map(Name::from).into_iter().collect();
    let is_ctrlc = site.paths.iter().any(|path| path.starts_with("ctrlc."));
    if is_ctrlc && project.uses_in(site.at.file, "ctrlc/termination") {
        names.push(Name::from("SIGTERM"));
    }
    // Without signals Go's `Notify` asks for all of them.
    let is_bare = project.language(site.at.file) == Language::Go && site.call.args.len() == 1;
    if is_bare && site.name() == "Notify" {
        names.extend(["SIGINT", "SIGTERM"].map(Name::from));
    } else if fixed.is_none() {
        for arg in &site.call.args {
            names.extend(signals(project, site.at, &arg.value));
        }
        names.retain(|name| name.starts_with("SIG"));
    }
    for name in names {
        all.push(Hook {
            trigger: Trigger::Signal(name),
            at: site.at,
            span: site.span,
            site: Some(site.id),
            functions: site
                .call
                .args
                .iter()
                .flat_map(|arg| handed(project, site.at, &arg.value))
                .collect(),
            form: if is_ctrlc { Form::Callback } else { Form::Wait },
            foreign: None,
        });
    }
}

/// The names of signals or events that a value stands for.
fn signals<'a>(project: &Project<'a>, at: FnRef, value: &'a Expr) -> Vec<Name> {
    let mut names = Vec::new();
    let value = by_name(project, at, value).unwrap_or(value);
    let mut values = project.values(at, value);
    for value in values.clone() {
        if let Value::Literal(inside, literal) = value
            && let ExprKind::List(items) = &literal.kind
        {
            for item in items {
                values.extend(project.values(inside, item));
            }
        }
    }
    for value in values {
        let name = if let Value::Literal(_, literal) = value {
            literal.text().cloned()
        } else if let Value::Path(path) = value {
            named(project.language(at.file), &path)
        } else {
            None
        };
        if let Some(name) = name
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}

/// Python: the name in `getattr(signal, name)`, also where that was put into a variable.
fn by_name<'a>(project: &Project<'a>, at: FnRef, value: &'a Expr) -> Option<&'a Expr> {
    let mut value = value;
    if let ExprKind::Var(id) = value.kind {
        value = project.assigned(at.variable(id)).next()?.1;
    }
    let call = value.call()?;
    let is_getattr = matches!(&call.callee.kind, ExprKind::Global(name) if &**name == "getattr");
    let paths = project.paths(at, call.arg(0)?);
    let of_signals = paths.iter().any(|path| &**path == "signal");
    call.arg(1).filter(|_| is_getattr && of_signals)
}

/// The signal that a path names: `signal.SIGTERM`, `syscall.SIGTERM`, `os.Interrupt`, `SignalKind::terminate()`.
fn named(language: Language, path: &str) -> Option<Name> {
    let last = path.rsplit(['.', '/']).next().unwrap_or(path);
    let name = match last {
        "Interrupt" | "interrupt()" => "SIGINT",
        "Kill" => "SIGKILL",
        "terminate()" => "SIGTERM",
        "hangup()" => "SIGHUP",
        "quit()" => "SIGQUIT",
        _ if last.starts_with("SIG") && language != Language::TypeScript => last,
        _ => return None,
    };
    Some(Name::from(name))
}
