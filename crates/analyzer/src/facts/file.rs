//! A file as a whole, and the manifest beside it.

use super::{Class, ClassId, Expr, FnId, Function, ImportId, Name, Span, VarId};

/// What was read of one file.
#[derive(Debug, Clone)]
pub struct FileFacts {
    /// Relative to the root of the analysis, with `/`.
    pub path: Name,
    /// Its language.
    pub language: Language,
    /// Whether it could be read.
    pub reading: Reading,
    /// Size in bytes.
    pub bytes: u64,
    /// What it imports.
    pub imports: Vec<Import>,
    /// What it exports by name (TypeScript; Rust and Go need none: everything at the top is visible in the package; Python neither).
    pub exports: Vec<Export>,
    /// Its functions; the first is the body of the file.
    pub functions: Vec<Function>,
    /// Its classes.
    pub classes: Vec<Class>,
    /// Its variables.
    pub variables: Vec<Variable>,
    /// Its comments.
    pub comments: Vec<Comment>,
    /// Rust: the variables at the top of inline modules, with the dotted path of the module in the file.
    pub inline: Vec<(VarId, Name)>,
    /// Rust: modules that stand in a file that `#[path]` names, with the path from the folder of this one.
    pub placed: Vec<(Name, Name)>,
    /// Go: the package clause; else empty.
    pub package: Name,
    /// Whether it begins with `#!`, or has a guard of the main module (Python's `__name__`), or is Go's or Rust's `main`.
    pub is_program: bool,
}

/// A language family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// TypeScript and JavaScript.
    TypeScript,
    /// Python.
    Python,
    /// Rust.
    Rust,
    /// Go.
    Go,
}

/// Whether a file could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// All of it.
    Whole,
    /// Not: the facts are empty.
    Not(Why),
}

/// Why a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// A bundle or minified: its names and lines say nothing of its author's code.
    Bundled,
    /// Larger than so many bytes, the limit for one such file.
    TooLarge(u64),
    /// Beyond so many files, the limit for one analysis.
    TooMany(usize),
    /// Beyond so many bytes, the limit for all files of one analysis.
    TooMuchInAll(u64),
    /// Below so many folders, the limit for one analysis.
    TooFar(usize),
    /// Nested deeper than a parser may go.
    TooDeep,
    /// A rule, named by its id, would have to look at more of it than so many units.
    TooMuch(&'static str, u64),
    /// Not UTF-8.
    NotText,
    /// The parser's first complaint with its line.
    Syntax(u32, String),
    /// The system's complaint.
    Io(String),
}

/// An imported name.
#[derive(Debug, Clone)]
pub struct Import {
    /// Where from, as written.
    pub source: Name,
    /// What of it.
    pub item: ImportItem,
    /// Where it is written.
    pub span: Span,
}

/// What is imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportItem {
    /// The module itself: `import * as x`, `import x` of Python and Go, `require`.
    Module,
    /// The default export.
    Default,
    /// One item.
    Named(Name),
    /// Everything: `from x import *`, `use x::*`, `export * from`, and imports for effect (bound to nothing).
    All,
}

/// An exported name.
#[derive(Debug, Clone)]
pub struct Export {
    /// Under which name; `default` for the default one; `*` for all of another module.
    pub name: Name,
    /// What: usually a variable, a function or a module.
    pub value: Expr,
}

/// A variable.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Its name.
    pub name: Name,
    /// The function that declares it; the body of the file for those at the top.
    pub owner: FnId,
    /// What it is.
    pub kind: VariableKind,
    /// Its written type.
    pub ty: Option<Expr>,
    /// Where it is declared.
    pub span: Span,
}

/// What a variable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VariableKind {
    /// Of the file or a function.
    Local,
    /// A constant (`const`, `static`, Rust's `let` without `mut`); Python has none.
    Constant,
    /// A parameter at this place.
    Parameter(u32),
    /// The error of a catch.
    Caught,
    /// An import.
    Import(ImportId),
    /// A declared function.
    Function(FnId),
    /// A declared class.
    Class(ClassId),
}

/// A comment.
#[derive(Debug, Clone)]
pub struct Comment {
    /// Where it is.
    pub span: Span,
    /// Its text without the marks, trimmed.
    pub text: Name,
}

/// What the package says of itself: `package.json`, `pyproject.toml` or `entry_points.txt`, `Cargo.toml`, `go.mod`.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Path of the file.
    pub path: Name,
    /// The language that it is for.
    pub language: Language,
    /// Name of the package; of a Go module its path.
    pub name: Name,
    /// What starts it: paths of files relative to the manifest (`dist/index.js`, `src/main.rs`), or `module:function` (Python).
    pub entries: Vec<Name>,
    /// Names of its dependencies, with the version or range as written.
    pub dependencies: Vec<(Name, Name)>,
    /// TypeScript: names of what it needs to be built only; bundled programs may hold it.
    pub development: Vec<Name>,
    /// TypeScript: what stands for files (`@/*`, `#lifecycle`), and for which, relative to the manifest.
    pub aliases: Vec<(Name, Name)>,
    /// TypeScript: the configurations of the compiler that this one goes on from, relative to it.
    pub extends: Vec<Name>,
}

impl Manifest {
    /// What is known of a package of Python that has no manifest in its folder, which an installed one never has: its name.
    pub fn of_folder(name: Name) -> Self {
        Self {
            path: Name::from(""),
            language: Language::Python,
            name,
            entries: Vec::new(),
            dependencies: Vec::new(),
            development: Vec::new(),
            aliases: Vec::new(),
            extends: Vec::new(),
        }
    }
}

impl Language {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 4] = [Self::TypeScript, Self::Python, Self::Rust, Self::Go];

    /// The language of a file by the end of its name.
    pub fn of_path(path: &str) -> Option<Self> {
        let (_, extension) = path.rsplit_once('.')?;
        match extension {
            "ts" | "tsx" | "mts" | "cts" | "js" | "jsx" | "mjs" | "cjs" => Some(Self::TypeScript),
            "py" => Some(Self::Python),
            "rs" => Some(Self::Rust),
            "go" => Some(Self::Go),
            _ => None,
        }
    }

    /// Short name: of fixture folders and of the command line.
    pub fn short(self) -> &'static str {
        match self {
            Self::TypeScript => "ts",
            Self::Python => "py",
            Self::Rust => "rs",
            Self::Go => "go",
        }
    }
}

impl FileFacts {
    /// Facts of a file of which nothing but its size is known.
    pub fn unread(path: Name, language: Language, bytes: u64, why: Why) -> Self {
        Self {
            reading: Reading::Not(why),
            ..Self::empty(path, language, bytes)
        }
    }

    /// A whole file without content; extractors begin with it. The body of the file is there.
    pub fn empty(path: Name, language: Language, bytes: u64) -> Self {
        let body = Function {
            name: Name::from(""),
            parent: None,
            class: None,
            params: Vec::new(),
            mode: super::Mode::Sync,
            returns: None,
            decorators: Vec::new(),
            body: Vec::new(),
            span: Span::default(),
        };
        Self {
            path,
            language,
            reading: Reading::Whole,
            bytes,
            imports: Vec::new(),
            exports: Vec::new(),
            functions: vec![body],
            classes: Vec::new(),
            variables: Vec::new(),
            comments: Vec::new(),
            inline: Vec::new(),
            placed: Vec::new(),
            package: Name::from(""),
            is_program: false,
        }
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bundled => {
                out.write_str("bundled or minified: analyse the sources that it was made from")
            }
            Self::TooLarge(most) => write!(
                out,
                "larger than {} MiB, the limit for one file: split it",
                most >> 20
            ),
            Self::TooMany(most) => write!(
                out,
                "beyond the first {most} sources, the limit for one analysis: audit folders of it one by one"
            ),
            Self::TooMuchInAll(most) => write!(
                out,
                "beyond the first {} MiB, the limit for one analysis: audit folders of it one by one",
                most >> 20
            ),
            Self::TooFar(most) => write!(
                out,
                "more than {most} folders down, the limit for one analysis: audit it by its own path"
            ),
            Self::TooDeep => out.write_str(
                "brackets, blocks or expressions in it are nested deeper than is parsed: take it apart",
            ),
            Self::TooMuch(rule, most) => write!(
                out,
                "takes more work than one file may, which is {most} places for {rule}: split it"
            ),
            Self::NotText => out.write_str("not UTF-8"),
            Self::Syntax(line, what) => write!(out, "line {line}: {what}"),
            Self::Io(what) => out.write_str(what),
        }
    }
}
