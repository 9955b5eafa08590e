//! What calls give.

use crate::facts::{Call, Expr, ExprKind, Language, Name, StmtKind, walk};
use crate::vocabulary;

use super::{MAX_PATH, MAX_VALUES, Resolver, Value, add};
use crate::link::{FnRef, python};

/// Names of methods that give their receiver back, wrapped or converted.
const TRANSPARENT_RUST: &[&str] = &[
    "clone",
    "unwrap",
    "expect",
    "as_ref",
    "as_mut",
    "lock",
    "read",
    "write",
    "borrow",
    "borrow_mut",
    "unwrap_or_default",
    "to_owned",
    "into",
    "as_deref",
    "cloned",
    "with_context",
    "context",
    "map_err",
    "ok",
    "get_mut",
    "into_inner",
    "unwrap_or_else",
];

/// Constructors that wrap their argument.
const WRAPPERS_RUST: &[&str] = &[
    "Arc.new",
    "Box.new",
    "Rc.new",
    "Mutex.new",
    "RwLock.new",
    "RefCell.new",
    "Some",
    "Ok",
    "Pin.new",
    "Box.pin",
    "OnceLock.from",
    "LazyLock.new",
    "Lazy.new",
];

/// What compilers wrap around `require`, so that a module of either kind has a `default`.
const INTEROP: &[&str] = &[
    "__importDefault",
    "__importStar",
    "_interopRequireDefault",
    "_interopRequireWildcard",
    "_interop_require_default",
    "_interop_require_wildcard",
    "__toESM",
];

/// Where the value of a call stands that only wraps or converts one.
enum Through<'a> {
    /// It is what the method was called on.
    Object(&'a Expr),
    /// It is the first argument.
    Argument,
    /// It is what the closure in the first argument gives.
    Closure,
}

impl<'a> Resolver<'_, 'a> {
    pub(super) fn call(&self, at: FnRef, call: &'a Call, steps: usize, out: &mut Vec<Value<'a>>) {
        let next = steps + 1;
        let language = self.project.language(at.file);
        if language == Language::Rust
            && let Some(through) = self.transparent(at, call)
        {
            return match through {
                Through::Object(object) => self.expr(at, object, steps, out),
                Through::Argument => self.first(at, call, steps, out),
                Through::Closure => self.made(at, call, steps, out),
            };
        }
        if language == Language::TypeScript && self.is_interop(at, &call.callee) {
            return self.first(at, call, steps, out);
        }
        let mut callees = Vec::new();
        self.expr(at, &call.callee, steps, &mut callees);
        let run = callees.iter().find_map(|callee| {
            let place = if let Value::Path(path) = callee {
                vocabulary::threaded(language, path)?
            } else {
                return None;
            };
            call.arg(place)
        });
        if let Some(run) = run {
            callees.clear();
            self.expr(at, run, steps, &mut callees);
        }
        for callee in callees {
            match callee {
                Value::Function(function) => self.result(function, next, out),
                Value::Class(class) => add(out, Value::Instance(class)),
                Value::Path(path) => {
                    if vocabulary::is_same(language, &path) {
                        // `pool.connect()` gives the pool, `Promise.resolve(value)` the value.
                        let on = path.rsplit_once('.').filter(|(on, _)| on.ends_with("()"));
                        if language == Language::TypeScript
                            && let Some((on, _)) = on
                        {
                            add(out, Value::Path(Name::from(on)));
                        } else if let Some(inner) = call.arg(0) {
                            self.expr(at, inner, next, out);
                        }
                    } else if path.len() < MAX_PATH {
                        add(out, Value::Path(Name::from(format!("{path}()"))));
                    }
                }
                Value::Instance(_) | Value::Literal(..) | Value::Module(_) => {}
            }
        }
    }

    /// Whether the wrapper of a compiler is called: by its name, as each file may bring its own.
    fn is_interop(&self, at: FnRef, callee: &Expr) -> bool {
        let is_known = |name: &str| INTEROP.contains(&name);
        if let ExprKind::Var(id) = &callee.kind {
            let variable = self.project.variable(at.variable(*id));
            variable.is_some_and(|variable| is_known(&variable.name))
        } else if let ExprKind::Member(_, name) | ExprKind::Global(name) = &callee.kind {
            is_known(name)
        } else {
            false
        }
    }

    /// What a call of Rust's wrappers and conversions gives, if it is one.
    fn transparent(&self, at: FnRef, call: &'a Call) -> Option<Through<'a>> {
        let through = |wrapper: &str, name: &str| {
            let is_known = |known: &&str| {
                let inner = known.strip_prefix(wrapper);
                inner.and_then(|inner| inner.strip_prefix('.')) == Some(name)
            };
            WRAPPERS_RUST.iter().any(is_known).then_some(match wrapper {
                "LazyLock" | "Lazy" => Through::Closure,
                _other => Through::Argument,
            })
        };
        if let ExprKind::Global(name) = &call.callee.kind {
            return WRAPPERS_RUST
                .contains(&&**name)
                .then_some(Through::Argument);
        }
        let ExprKind::Member(object, name) = &call.callee.kind else {
            return None;
        };
        if matches!(&**name, "get_or_init" | "get_or_try_init") {
            return Some(Through::Closure);
        }
        if TRANSPARENT_RUST.contains(&&**name) {
            return Some(Through::Object(object));
        }
        if let ExprKind::Global(ty) | ExprKind::Member(_, ty) = &object.kind {
            return through(ty, name);
        }
        let ExprKind::Var(id) = &object.kind else {
            return None;
        };
        let variable = self.project.variable(at.variable(*id))?;
        through(&variable.name, name)
    }

    /// What the first argument is.
    fn first(&self, at: FnRef, call: &'a Call, next: usize, out: &mut Vec<Value<'a>>) {
        if let Some(inner) = call.arg(0) {
            self.expr(at, inner, next, out);
        }
    }

    /// What the closure in the first argument gives, through the `async` block that it may be.
    fn made(&self, at: FnRef, call: &'a Call, next: usize, out: &mut Vec<Value<'a>>) {
        let mut open = Vec::new();
        self.first(at, call, next, &mut open);
        for _ in 0..3 {
            let mut inner = Vec::new();
            for value in open {
                if let Value::Function(function) = value {
                    self.result(function, next, &mut inner);
                } else if let Value::Path(path) = &value
                    && !path.ends_with(')')
                {
                    // `LazyLock::new(Client::new)`.
                    add(&mut inner, Value::Path(Name::from(format!("{path}()"))));
                } else {
                    add(&mut inner, value);
                }
            }
            open = inner;
        }
        for value in open {
            add(out, value);
        }
    }

    /// What a function of the project gives back.
    pub(super) fn result(&self, function: FnRef, next: usize, out: &mut Vec<Value<'a>>) {
        let Some(declared) = self.project.function(function) else {
            return;
        };
        let before = out.len();
        let mut returned = Vec::new();
        walk::stmts(&declared.body, &mut |stmt| {
            if let StmtKind::Return(Some(value)) = &stmt.kind {
                returned.push(value);
            }
        });
        if returned.is_empty() && self.project.language(function.file) == Language::Python {
            // What a context manager yields is what `with` gets.
            returned.extend(python::yielded(declared));
        }
        for value in returned.into_iter().take(MAX_VALUES) {
            if let ExprKind::List(parts) = &value.kind
                && self.project.language(function.file) == Language::Go
            {
                if let Some(first) = parts.first() {
                    self.expr(function, first, next + 1, out);
                }
            } else {
                self.expr(function, value, next + 1, out);
            }
        }
        if out.len() == before
            && let Some(ty) = &declared.returns
        {
            self.instance_of(function, ty, next, out);
        }
    }
}
