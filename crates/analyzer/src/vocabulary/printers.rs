//! Libraries that print on stdout, whatever they are told or unless they are told otherwise.

use super::Role::{Log, Stdout};
use super::Row;

pub(super) const TYPESCRIPT: &[Row] = &[
    // Only warnings and errors of consola go to stderr.
    Row("consola*.info", Stdout),
    Row("consola*.log", Stdout),
    Row("consola*.success", Stdout),
    Row("consola*.start", Stdout),
    Row("consola*.ready", Stdout),
    Row("consola*.box", Stdout),
    Row("signale*.info", Stdout),
    Row("signale*.success", Stdout),
    Row("signale*.start", Stdout),
    Row("signale*.complete", Stdout),
    Row("signale*.note", Stdout),
];

pub(super) const PYTHON: &[Row] = &[
    Row("rich.console.Console().log", Stdout),
    Row("rich.console.Console().rule", Stdout),
    Row("rich.console.Console().print_json", Stdout),
    Row("rich.console.Console().print_exception", Stdout),
    Row("rich.print_json", Stdout),
];

pub(super) const RUST: &[Row] = &[
    Row("simplelog.TermLogger.init", Stdout),
    Row("simplelog.SimpleLogger.init", Stdout),
    Row("flexi_logger.Logger*.log_to_stdout", Stdout),
    Row(
        "log4rs.append.console.ConsoleAppender.builder()*.build",
        Stdout,
    ),
    Row(
        "log4rs.append.console.ConsoleAppender.builder()*.target()*.build",
        Log,
    ),
];

pub(super) const GO: &[Row] = &[
    Row("github.com/fatih/color.Black", Stdout),
    Row("github.com/fatih/color.Blue", Stdout),
    Row("github.com/fatih/color.Cyan", Stdout),
    Row("github.com/fatih/color.Green", Stdout),
    Row("github.com/fatih/color.Magenta", Stdout),
    Row("github.com/fatih/color.Red", Stdout),
    Row("github.com/fatih/color.White", Stdout),
    Row("github.com/fatih/color.Yellow", Stdout),
    Row("github.com/fatih/color.New().Print", Stdout),
    Row("github.com/fatih/color.New().Printf", Stdout),
    Row("github.com/fatih/color.New().Println", Stdout),
    Row("github.com/pterm/pterm.Print*", Stdout),
    Row("github.com/pterm/pterm.*.Print", Stdout),
    Row("github.com/pterm/pterm.*.Printf", Stdout),
    Row("github.com/pterm/pterm.*.Printfln", Stdout),
    Row("github.com/pterm/pterm.*.Println", Stdout),
];
