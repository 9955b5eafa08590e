//! Loggers of TypeScript and Python that write to stdout, by what they are told or because nothing tells them otherwise.

use crate::facts::{CallForm, Expr, ExprKind, Import, Language, walk};
use crate::link::{FnRef, Project, Site, Value};
use crate::rules::At;
use crate::vocabulary::{Role, role};

/// Whether a call of TypeScript makes a logger that writes to stdout.
pub(super) fn of_typescript<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    let is = |known: &[&str]| site.paths.iter().any(|path| known.contains(&&**path));
    if is(&["pino", "pino.pino", "pino.default"]) {
        return site.call.args.len() <= 1 && pino_by_default(project, site);
    }
    if is(&[
        "winston.transports.Console",
        "winston.default.transports.Console",
    ]) {
        return is_plain(
            project,
            site,
            &["stderrLevels", "silent", "consoleWarnLevels"],
        );
    }
    if is(&["bunyan.createLogger", "bunyan.default.createLogger"]) {
        return is_plain(project, site, &["stream", "streams"]);
    }
    exports_to_console(project, site)
        || is_given_printer(project, site)
        || (is(&["tslog.Logger"]) && is_plain(project, site, &["overwrite", "type"]))
        || (is(&["sequelize.Sequelize"]) && logs_statements(project, site))
        || (is(&["dotenv.config", "dotenv.default.config"])
            && is_plain(project, site, &["quiet"])
            && depends_on(project, "dotenv", TELLING_DOTENV))
}

/// The first version of dotenv that says on stdout what it loaded, unless it is told to be quiet.
const TELLING_DOTENV: u32 = 17;

/// The places where `import "dotenv/config"` stands, which can't be told to be quiet there.
pub(super) fn imports(project: &Project<'_>) -> Vec<At> {
    let mut all = Vec::new();
    if depends_on(project, "dotenv", TELLING_DOTENV) {
        for (file, at) in project.files.iter().zip(0u32..) {
            let loads = |import: &&Import| &*import.source == "dotenv/config";
            all.extend(file.imports.iter().filter(loads).map(|import| At {
                function: FnRef::module(at),
                span: import.span,
            }));
        }
    }
    all
}

/// Options of libraries that take what each message, or each statement, is handed to.
const TAKING_PRINTERS: &[&str] = &["verbose", "logging", "log", "logger", "debug", "trace"];

/// `new Database(path, { verbose: console.log })`: what is opened prints what it does on stdout.
fn is_given_printer<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    let opens = matches!(
        site.role,
        Some(Role::Open(_) | Role::Client(..) | Role::Server)
    ) || site.call.form == CallForm::New;
    if !opens || !site.targets.is_empty() {
        return false;
    }
    let prints = |value: &'a Expr| {
        let value = if let ExprKind::Choice(_, then, _) = &value.kind {
            &**then
        } else {
            value
        };
        matches!(value.kind, ExprKind::Member(..))
            && project
                .paths(site.at, value)
                .iter()
                .any(|path| role(Language::TypeScript, path) == Some(Role::Stdout))
    };
    let mut options = site
        .call
        .args
        .iter()
        .filter_map(|arg| literal(project, site, &arg.value));
    options.any(|options| {
        let mut printers = TAKING_PRINTERS.iter();
        printers.any(|name| options.entry(name).is_some_and(prints))
    })
}

/// Exporters of OpenTelemetry that print what they get.
const EXPORTERS: &[&str] = &[
    "ConsoleSpanExporter",
    "ConsoleMetricExporter",
    "ConsoleLogRecordExporter",
    "ConsoleLogExporter",
];

/// `new ConsoleSpanExporter()`, also where the class came through a variable from a module that is asked for by name.
fn exports_to_console<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    if site.call.form != CallForm::New {
        return false;
    }
    let is_exporter = |name: &str| EXPORTERS.contains(&name);
    if is_exporter(site.name()) {
        return true;
    }
    let ExprKind::Var(id) = site.call.callee.kind else {
        return false;
    };
    let mut sets = project.assigned(site.at.variable(id));
    let only = sets.next().filter(|_| sets.next().is_none());
    only.is_some_and(|(at, value)| {
        let names = project.names_in(at, value);
        names.iter().any(|name| is_exporter(name))
    })
}

/// Sequelize prints every statement unless `logging` says otherwise.
fn logs_statements<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    let Some(last) = site.call.args.last() else {
        return false;
    };
    if let ExprKind::Str(_) | ExprKind::Join(_) = last.value.kind {
        return true;
    }
    literal(project, site, &last.value)
        .is_some_and(|options| !has_spread(options) && options.entry("logging").is_none())
}

/// Whether the package depends on another in this version at least, as written: `^17.2.0`.
fn depends_on(project: &Project<'_>, name: &str, least: u32) -> bool {
    let is_late = |range: &str| {
        let digits = range.trim_start_matches(|letter: char| !letter.is_ascii_digit());
        let major = digits.split(|letter: char| !letter.is_ascii_digit()).next();
        major
            .and_then(|major| major.parse().ok())
            .is_some_and(|major: u32| major >= least)
    };
    project.manifests.iter().any(|manifest| {
        let mut all = manifest.dependencies.iter();
        all.any(|(package, range)| &**package == name && is_late(range))
    })
}

/// Without a destination pino writes to stdout, and so does what makes its lines pretty.
fn pino_by_default<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    let Some(options) = site.call.arg(0) else {
        return true;
    };
    let Some(options) = literal(project, site, options) else {
        return false;
    };
    let is_off = options.entry("enabled").is_some()
        || options
            .entry("level")
            .is_some_and(|level| level.text().is_none_or(|level| &**level == "silent"));
    if is_off || has_spread(options) {
        return false;
    }
    let Some(transport) = options.entry("transport") else {
        return true;
    };
    let target = transport.entry("target").and_then(Expr::text);
    let is_pretty = target.is_some_and(|target| &**target == "pino-pretty");
    let told = transport.entry("options").is_some_and(|options| {
        !matches!(options.kind, ExprKind::Object(_))
            || options.entry("destination").is_some()
            || has_spread(options)
    });
    is_pretty && !told
}

/// Whether options are known, and none of these among them.
fn is_plain<'a>(project: &Project<'a>, site: &Site<'a>, told: &[&str]) -> bool {
    let Some(options) = site.call.arg(0) else {
        return true;
    };
    let options = literal(project, site, options);
    options.is_some_and(|options| {
        !has_spread(options) && told.iter().all(|name| options.entry(name).is_none())
    })
}

fn literal<'a>(project: &Project<'a>, site: &Site<'a>, options: &'a Expr) -> Option<&'a Expr> {
    let is_object = |expr: &Expr| matches!(expr.kind, ExprKind::Object(_));
    if is_object(options) {
        return Some(options);
    }
    let values = project.values(site.at, options);
    let [Value::Literal(_, only)] = values.as_slice() else {
        return None;
    };
    is_object(only).then_some(*only)
}

fn has_spread(options: &Expr) -> bool {
    let ExprKind::Object(entries) = &options.kind else {
        return true;
    };
    entries.iter().any(|entry| entry.key.is_none())
}

/// Whether a call of Python makes a logger, or tells the root, to write to stdout.
pub(super) fn of_python<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    let is = |known: &str| site.paths.iter().any(|path| &**path == known);
    let told = |names: &[&str]| {
        site.call.args.iter().any(|arg| {
            let name = arg.name.as_deref();
            name.is_some_and(|name| names.contains(&name))
                || matches!(arg.value.kind, ExprKind::Spread(_))
        })
    };
    if is("rich.logging.RichHandler") {
        return !told(&["console"]);
    }
    let exports = EXPORTERS.contains(&site.name())
        && site
            .paths
            .iter()
            .any(|path| path.starts_with("opentelemetry"));
    if exports {
        return !told(&["out"]);
    }
    if is("sqlalchemy.create_engine") || is("sqlalchemy.ext.asyncio.create_async_engine") {
        // Its echo has a handler of its own, on stdout.
        let echo = site.call.option("echo");
        return echo
            .is_some_and(|echo| matches!(echo.kind, ExprKind::Bool(true) | ExprKind::Str(_)));
    }
    if is("logging.config.dictConfig") {
        return configures_stdout(project, site);
    }
    if site.paths.iter().any(|path| path.starts_with("structlog.")) {
        return by_structlog(project, site, &told);
    }
    let stream = if is("logging.StreamHandler") {
        site.call.option("stream").or_else(|| site.call.arg(0))
    } else if is("logging.basicConfig") {
        site.call.option("stream")
    } else if is("loguru.logger.add") {
        site.call.option("sink").or_else(|| site.call.arg(0))
    } else {
        None
    };
    stream.is_some_and(|stream| is_stdout(project, site, stream))
}

/// structlog prints on stdout unless its settings name a factory of loggers that does not.
fn by_structlog(project: &Project<'_>, site: &Site<'_>, told: &dyn Fn(&[&str]) -> bool) -> bool {
    match site.name() {
        "configure" => !told(&["logger_factory", "wrapper_class"]),
        "PrintLoggerFactory" | "WriteLoggerFactory" | "BytesLoggerFactory" => {
            site.call.args.is_empty()
        }
        // Of a program without settings the first logger stands for all.
        "get_logger" | "getLogger" => {
            let of = |other: &&Site<'_>| {
                let mut paths = other.paths.iter();
                paths.any(|path| {
                    path.strip_prefix("structlog.")
                        .is_some_and(|rest| !rest.contains("()"))
                })
            };
            let mut others = project.sites().filter(of);
            let first = others.next();
            let configured = |other: &Site<'_>| {
                matches!(other.name(), "configure" | "configure_once" | "wrap_logger")
            };
            first.is_some_and(|first| first.id == site.id) && !others.any(configured)
        }
        _ => false,
    }
}

/// Settings of `logging` with a stream that is stdout by its name.
fn configures_stdout<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    let Some(settings) = site.call.arg(0) else {
        return false;
    };
    let says = |expr: &Expr| {
        let mut found = false;
        walk::each(expr, &mut |inner| {
            found |= inner
                .text()
                .is_some_and(|text| &**text == "ext://sys.stdout");
        });
        found
    };
    let values = project.values(site.at, settings).into_iter();
    says(settings)
        || values
            .filter_map(|value| Some(value.literal()?.1))
            .any(says)
}

/// Whether a value is stdout, and nothing else.
fn is_stdout<'a>(project: &Project<'a>, site: &Site<'a>, stream: &'a Expr) -> bool {
    let mut chooses = false;
    walk::each(stream, &mut |inner| {
        chooses |= matches!(inner.kind, ExprKind::Choice(..) | ExprKind::Logic(..));
    });
    let values = project.values(site.at, stream);
    let is = |value: &Value<'_>| matches!(value, Value::Path(path) if &**path == "sys.stdout");
    !chooses && !values.is_empty() && values.iter().all(is)
}
