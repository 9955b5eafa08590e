//! The members of values, and the classes that they are looked for in.

use std::collections::HashMap;

use crate::facts::{ClassId, Expr, ExprKind, FileFacts, Language, Name};

use super::{MAX_STEPS, Resolver, Value, add};
use crate::link::clusters::Clusters;
use crate::link::{ClassRef, FnRef, modules, python};

/// Records and bases of one class that are looked at.
const MAX_FAMILY: usize = 16;

impl<'a> Resolver<'_, 'a> {
    /// The value at a place of a list; of something else the first is the thing itself (Go's results), the others are not known.
    pub(super) fn place(
        &self,
        values: Vec<Value<'a>>,
        place: usize,
        next: usize,
        out: &mut Vec<Value<'a>>,
    ) {
        for value in values {
            if let Value::Literal(at, literal) = &value
                && let ExprKind::List(items) = &literal.kind
            {
                if let Some(item) = items.get(place) {
                    self.expr(*at, item, next, out);
                }
            } else if place == 0 {
                add(out, value);
            }
        }
    }

    pub(super) fn items(&self, values: Vec<Value<'a>>, next: usize, out: &mut Vec<Value<'a>>) {
        for value in values {
            if let Value::Literal(at, literal) = value
                && let ExprKind::List(items) = &literal.kind
            {
                for item in items {
                    self.expr(at, item, next, out);
                }
            }
        }
    }

    pub(super) fn members(
        &self,
        at: FnRef,
        objects: Vec<Value<'a>>,
        name: &Name,
        next: usize,
        out: &mut Vec<Value<'a>>,
    ) {
        let before = out.len();
        for object in objects {
            match object {
                Value::Path(path) => {
                    let transparent = self.project.language(at.file) == Language::TypeScript
                        && &**name == "default";
                    if transparent {
                        self.path(path.to_string(), next, out);
                    } else {
                        self.path(format!("{path}.{name}"), next, out);
                    }
                }
                Value::Literal(inside, literal) => {
                    if let Some(value) = literal.entry(name) {
                        self.expr(inside, value, next, out);
                    } else {
                        add(
                            out,
                            Value::Path(Name::from(format!("{}.{name}", literal_type(literal)))),
                        );
                    }
                }
                Value::Module(file) => self.export(file, name, next, out),
                Value::Instance(class) | Value::Class(class) => {
                    self.member_of(class, name, next, out)
                }
                Value::Function(function) => {
                    if matches!(&**name, "bind" | "call" | "apply") {
                        add(out, Value::Function(function));
                    }
                }
            }
        }
        if out.len() == before {
            add(out, Value::Path(Name::from(format!("?.{name}"))));
        }
    }

    pub(super) fn member_of(
        &self,
        class: ClassRef,
        name: &Name,
        next: usize,
        out: &mut Vec<Value<'a>>,
    ) {
        let before = out.len();
        for class in self.family(class) {
            let Some(declared) = self.project.class(class) else {
                continue;
            };
            for method in declared
                .methods
                .iter()
                .filter(|method| method.name == *name)
            {
                let function = class.function(method.function);
                if python::is_property(self.project, function) {
                    self.result(function, next, out);
                } else {
                    add(out, Value::Function(function));
                }
            }
            if out.len() > before {
                return;
            }
            let at = FnRef::module(class.file);
            let fields: Vec<_> = declared
                .fields
                .iter()
                .filter(|field| field.name == *name)
                .collect();
            for field in &fields {
                if let Some(value) = &field.value {
                    self.expr(at, value, next, out);
                }
            }
            for set in self
                .project
                .bindings
                .field(class.file, &declared.name, name)
            {
                self.set(set, next, out);
            }
            if out.len() == before {
                for ty in fields.iter().filter_map(|field| field.ty.as_ref()) {
                    self.instance_of(at, ty, next, out);
                }
            }
            if out.len() > before {
                return;
            }
        }
        // A member of a base from outside keeps the path of the base.
        for class in self.family(class) {
            let Some(declared) = self.project.class(class) else {
                continue;
            };
            let at = FnRef::module(class.file);
            for base in &declared.bases {
                let mut bases = Vec::new();
                self.expr(at, base, next, &mut bases);
                for value in bases {
                    if let Value::Path(path) = value {
                        self.path(format!("{path}().{name}"), next, out);
                    }
                }
            }
        }
    }

    /// The class, its records in other files of the package, and its bases in the project.
    pub(super) fn family(&self, class: ClassRef) -> Vec<ClassRef> {
        let mut all = vec![class];
        let mut done = 0;
        while let Some(at) = all.get(done).copied() {
            done += 1;
            let Some(declared) = self.project.class(at) else {
                continue;
            };
            for twin in self
                .twins(at, &declared.name)
                .iter()
                .take(MAX_FAMILY)
                .copied()
            {
                if !all.contains(&twin) && all.len() < MAX_FAMILY {
                    all.push(twin);
                }
            }
            let module = FnRef::module(at.file);
            for base in &declared.bases {
                let mut bases = Vec::new();
                self.expr(module, base, MAX_STEPS - 3, &mut bases);
                for value in bases {
                    if let Value::Class(base) = value
                        && !all.contains(&base)
                        && all.len() < MAX_FAMILY
                    {
                        all.push(base);
                    }
                }
            }
        }
        all
    }

    pub(super) fn twins(&self, class: ClassRef, name: &Name) -> &[ClassRef] {
        let Some(file) = self.project.file(class.file) else {
            return &[];
        };
        let home = twin_home(file, class.file, &self.project.clusters);
        let twins = self.project.twins.get(&(home, name.clone()));
        twins.map_or(&[], Vec::as_slice)
    }

    pub(super) fn instance_of(
        &self,
        at: FnRef,
        ty: &'a Expr,
        next: usize,
        out: &mut Vec<Value<'a>>,
    ) {
        let mut types = Vec::new();
        self.expr(at, ty, next, &mut types);
        for value in types {
            match value {
                Value::Class(class) => add(out, Value::Instance(class)),
                Value::Path(path) => add(out, Value::Path(Name::from(format!("{path}()")))),
                Value::Function(_) | Value::Instance(_) | Value::Literal(..) | Value::Module(_) => {
                }
            }
        }
    }
}

/// The classes of a name where they are records of one type.
pub(in crate::link) type Twins = HashMap<(Home, Name), Vec<ClassRef>>;

/// Where the records of one type stand: in Go in one folder, in Rust in one cluster of files.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::link) enum Home {
    Folder(Language, String),
    Cluster(u32),
}

pub(in crate::link) fn twins(files: &[FileFacts], clusters: &Clusters) -> Twins {
    let mut all = Twins::new();
    for (file, at) in files.iter().zip(0u32..) {
        if !matches!(file.language, Language::Rust | Language::Go) {
            continue;
        }
        for (class, id) in file.classes.iter().zip(0u32..) {
            if !class.name.is_empty() {
                let key = (twin_home(file, at, clusters), class.name.clone());
                all.entry(key).or_default().push(ClassRef {
                    file: at,
                    id: ClassId(id),
                });
            }
        }
    }
    all
}

fn twin_home(file: &FileFacts, at: u32, clusters: &Clusters) -> Home {
    if file.language == Language::Rust {
        Home::Cluster(clusters.number(at))
    } else {
        Home::Folder(file.language, modules::folder(&file.path).to_owned())
    }
}

fn literal_type(literal: &Expr) -> &'static str {
    if matches!(literal.kind, ExprKind::Str(_) | ExprKind::Join(_)) {
        "text"
    } else if matches!(literal.kind, ExprKind::List(_)) {
        "list"
    } else if matches!(literal.kind, ExprKind::Object(_)) {
        "object"
    } else {
        "?"
    }
}
