//! Loggers of TypeScript and Python that write to stdout, by what they are told or because nothing tells them otherwise.

use crate::facts::{Expr, ExprKind, walk};
use crate::link::{Project, Site, Value};

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
    is(&["bunyan.createLogger", "bunyan.default.createLogger"])
        && is_plain(project, site, &["stream", "streams"])
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
    if is("rich.logging.RichHandler") {
        let mut args = site.call.args.iter();
        return !args.any(|arg| {
            arg.name.as_deref() == Some("console") || matches!(arg.value.kind, ExprKind::Spread(_))
        });
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
