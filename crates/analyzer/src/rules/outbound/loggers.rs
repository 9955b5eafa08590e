//! Loggers that write to stdout, and messages of a server that writes them itself.

use crate::facts::{Expr, ExprKind, Language, walk};
use crate::link::{Project, Site, callee_name};
use crate::rules::outbound::stdout_loggers;
use crate::vocabulary::Role;

/// Functions of Go that write, or make something write, to what they are given.
const WRITING: &[&str] = &[
    "Fprint",
    "Fprintf",
    "Fprintln",
    "SetOutput",
    "New",
    "NewTextHandler",
    "NewJSONHandler",
    "ConsoleWriter",
    "NewConsoleWriter",
    "Lock",
    "AddSync",
    "NewMultiWriteSyncer",
    "MultiWriter",
];

/// Modules of Go whose loggers these are.
const MODULES: &[&str] = &["fmt", "io", "log", "slog", "logrus", "zerolog", "zap"];

/// Functions that print what they are given.
const PRINTING: &[&str] = &[
    "print",
    "println",
    "write",
    "writeln",
    "write_all",
    "Print",
    "Printf",
    "Println",
    "Fprint",
    "Fprintf",
    "Fprintln",
    "Write",
    "WriteString",
];

/// Whether a call writes to stdout, or makes a logger that does, by what it is given.
pub(super) fn is_told_stdout<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    match project.language(site.at.file) {
        Language::Go => {
            (WRITING.contains(&site.name()) && of_logger(site) && given_stdout(project, site))
                || is_config_of_zap(site)
                || by_default(site)
        }
        Language::Rust => {
            let takes = matches!(
                site.name(),
                "with_writer" | "chain" | "target" | "non_blocking"
            );
            takes
                && site.call.arg(0).is_some_and(|writer| {
                    let name = project.last_name(site.at, writer);
                    let called = writer.call().map(|call| callee_name(&call.callee));
                    let is_stdout = |name: &str| matches!(name, "stdout" | "Stdout");
                    (name.as_deref().is_some_and(is_stdout) || called.is_some_and(is_stdout))
                        && is_logging(site)
                })
        }
        Language::TypeScript => stdout_loggers::of_typescript(project, site),
        Language::Python => stdout_loggers::of_python(project, site),
    }
}

/// Rust: whether a call is one of a library that logs.
fn is_logging(site: &Site<'_>) -> bool {
    site.name() == "with_writer"
        || site.paths.iter().any(|path| {
            ["fern", "env_logger", "log4rs", "tracing_appender"]
                .iter()
                .any(|library| path.starts_with(library))
        })
}

/// Go: what writes to stdout unless it is given something else.
fn by_default(site: &Site<'_>) -> bool {
    let is = |part: &str| site.paths.iter().any(|path| path.starts_with(part));
    let exports = site.name() == "New" && is("go.opentelemetry.io/otel/exporters/stdout/");
    let formats = site.name() == "NewConsoleWriter" && is("github.com/rs/zerolog.");
    let told = site.call.args.iter().any(|arg| {
        let option = arg.value.call().map(|call| callee_name(&call.callee));
        option.is_none_or(|name| name == "WithWriter")
    });
    (exports || formats) && !told
}

fn of_logger(site: &Site<'_>) -> bool {
    site.paths.iter().any(|path| {
        let module = path.rsplit_once('.').map_or("", |(module, _)| module);
        module
            .split(['/', '.', '(', ')'])
            .any(|part| MODULES.contains(&part))
    })
}

/// `zap.Config{OutputPaths: []string{"stdout"}}`.
fn is_config_of_zap(site: &Site<'_>) -> bool {
    let is_config = site.paths.iter().any(|path| path.ends_with("zap.Config"));
    let outputs = site.call.option("OutputPaths").filter(|_| is_config);
    let mut found = false;
    if let Some(outputs) = outputs {
        walk::each(outputs, &mut |inner| {
            found |= inner.text().is_some_and(|text| &**text == "stdout");
        });
    }
    found
}

fn given_stdout(project: &Project<'_>, site: &Site<'_>) -> bool {
    site.call.args.iter().any(|arg| {
        project.last_name(site.at, &arg.value).as_deref() == Some("Stdout")
            && project
                .paths(site.at, &arg.value)
                .iter()
                .any(|path| &**path == "os.Stdout")
    })
}

/// `fmt::layer().with_writer(std::io::stderr)`, also in two steps through a variable: a layer that was told where to write.
pub(super) fn has_writer(project: &Project<'_>, site: &Site<'_>) -> bool {
    if project.language(site.at.file) != Language::Rust || site.role != Some(Role::Stdout) {
        return false;
    }
    let tells = |other: &Site<'_>| {
        matches!(
            other.name(),
            "with_writer" | "with_test_writer" | "map_writer"
        )
    };
    project.sites_of(site.at).any(|other| {
        let on = other.call.receiver();
        tells(other)
            && on.is_some_and(|on| {
                on.span.holds(site.span) || matches!(on.bare().kind, ExprKind::Var(_))
            })
            && other
                .paths
                .iter()
                .any(|path| path.starts_with("tracing_subscriber."))
    })
}

/// Whether what a call prints is a message and no text of the author's: nothing but values, or the header before a message.
pub(super) fn is_message(project: &Project<'_>, site: &Site<'_>) -> bool {
    let language = project.language(site.at.file);
    if language == Language::TypeScript {
        // `console.log(JSON.stringify(answer))`, `process.stdout.write(`${text}\n`)`.
        let mut args = site.call.args.iter();
        return matches!(site.name(), "log" | "write")
            && args.all(|arg| !has_words(language, &arg.value));
    }
    if !PRINTING.contains(&site.name()) {
        return false;
    }
    let mut words = false;
    let mut header = false;
    for arg in &site.call.args {
        words |= has_words(language, &arg.value);
        walk::each(&arg.value, &mut |inner| {
            header |= inner
                .text()
                .is_some_and(|text| text.contains("Content-Length"));
        });
    }
    matches!(language, Language::Rust | Language::Go) && (header || !words)
}

/// Whether an argument is a text with letters in it, apart from what stands for values: `%s`, `%v`.
fn has_words(language: Language, expr: &Expr) -> bool {
    let mut found = false;
    let texts: Vec<&Expr> = if let ExprKind::Join(parts) = &expr.kind {
        parts.iter().collect()
    } else {
        vec![expr]
    };
    for text in texts.into_iter().filter_map(Expr::text) {
        let mut after_percent = false;
        for letter in text.chars() {
            if language == Language::Go && letter == '%' {
                after_percent = true;
            } else if letter.is_alphabetic() && !std::mem::take(&mut after_percent) {
                found = true;
            }
        }
    }
    found
}
