//! Rules of the user's own, as ast-grep writes them: shapes of code in one file.

mod counted;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

use ast_grep_config::{
    Fixer, GlobalRules, RuleCollection, RuleConfig, SerializableRuleConfig, Severity as Written,
    from_multiple,
};
use ast_grep_core::AstGrep;
use ast_grep_language::SupportLang;

use self::counted::Counted;
use crate::analysis::Unanalysable;
use crate::bounded;
use crate::facts::{Language, Lines, Name, Span};
use crate::finding::{Finding, Followed, Ground, Severity, fingerprint};
use crate::rules;
use crate::surface;

/// The largest file of rules, bytes.
pub const MAX_BYTES: u64 = 1024 * 1024;

/// Most rules.
pub const MAX_RULES: usize = 500;

/// Most findings of one rule in one file.
pub const MAX_PER_FILE: usize = 1_000;

/// Most causes of an error that are told.
const MAX_CAUSES: usize = 8;

/// Languages that ast-grep is built with here.
const LANGUAGES: [SupportLang; 6] = [
    SupportLang::Go,
    SupportLang::JavaScript,
    SupportLang::Python,
    SupportLang::Rust,
    SupportLang::Tsx,
    SupportLang::TypeScript,
];

/// Rules that were read.
#[derive(Default)]
pub struct UserRules {
    rules: RuleCollection<SupportLang>,
    ids: Vec<String>,
    files: HashMap<String, String>,
}

impl fmt::Debug for UserRules {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("UserRules").field(&self.ids).finish()
    }
}

/// Why rules are not used. None of them is.
#[derive(Debug, thiserror::Error)]
pub enum UserRuleError {
    /// A file can't be read.
    #[error("can't read the rules {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// The system's complaint.
        source: std::io::Error,
    },
    /// A file is larger than [`MAX_BYTES`], or there are more rules than [`MAX_RULES`].
    #[error("{path} holds too many rules: at most {MAX_RULES} in all, and 1 MiB a file")]
    TooMany {
        /// The file.
        path: String,
    },
    /// A file holds no rule.
    #[error("{path} holds no rule: write one with id, language and rule, or do not name the file")]
    None {
        /// The file.
        path: String,
    },
    /// A rule is wrong.
    #[error("{path}: {what}: {why}")]
    Wrong {
        /// The file.
        path: String,
        /// Which rule.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

impl UserRules {
    /// Reads files of rules, several a file parted by `---`.
    ///
    /// # Errors
    /// When a file can't be read, or a rule in it is wrong: unknown keys, a language that is not read here, an id that is taken.
    pub fn read(files: &[PathBuf]) -> Result<Self, UserRuleError> {
        let mut all = Vec::new();
        let mut ids: HashSet<String> = HashSet::new();
        let mut from = HashMap::new();
        for file in files {
            let path = file.display().to_string();
            let text = read(file)?;
            let parsed = parse(&text, &path)?;
            if parsed.is_empty() {
                return Err(UserRuleError::None { path });
            }
            for rule in parsed {
                from.insert(rule.id.clone(), path.clone());
                if rules::find(&rule.id).is_some() || !ids.insert(rule.id.clone()) {
                    return Err(UserRuleError::Wrong {
                        path,
                        what: rule.id.clone(),
                        why: "another rule is called so".to_owned(),
                    });
                }
                all.push(rule);
                if all.len() > MAX_RULES {
                    return Err(UserRuleError::TooMany { path });
                }
            }
        }
        let mut ids: Vec<String> = ids.into_iter().collect();
        ids.sort();
        let rules = RuleCollection::try_new(all).map_err(|error| UserRuleError::Wrong {
            path: "the rules".to_owned(),
            what: "files or ignores".to_owned(),
            why: error.to_string(),
        })?;
        Ok(Self {
            rules,
            ids,
            files: from,
        })
    }

    /// Everything that is said of the rule with an id, in Markdown.
    pub fn explain(&self, id: &str) -> Option<String> {
        let rule = self.rules.get_rule(id)?;
        let message = if rule.message.is_empty() {
            "It says nothing of what it finds."
        } else {
            &rule.message
        };
        Some(format!(
            "{id}\n\n{message}\n\nSeverity {}; {}; a rule of your own, of {}.\n\nFix: {}\n",
            severity(rule),
            rule.language,
            self.files.get(id).map_or("", String::as_str),
            fix(rule)
        ))
    }

    /// One line a rule.
    pub fn list(&self) -> String {
        let line = |told: Told| {
            let message = told.message.lines().next().unwrap_or_default();
            format!("{:<9} {:<6} {message}\n", told.id, told.severity.word())
        };
        self.told().into_iter().map(line).collect()
    }

    /// What each rule says of itself, by id.
    pub(crate) fn told(&self) -> Vec<Told> {
        let mut told = Vec::new();
        self.rules.for_each_rule(|rule| {
            told.push(Told {
                id: rule.id.clone(),
                severity: severity(rule),
                language: language(rule.language),
                message: rule.message.clone(),
                fix: fix(rule),
            });
        });
        told.sort_by(|a, b| a.id.cmp(&b.id));
        told
    }

    /// Ids of the rules, in their order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.ids.iter().map(String::as_str)
    }

    /// What they find in a file; an error where it is too much to be told.
    pub(crate) fn check(&self, path: &Name, text: &str) -> Result<Vec<Finding>, Unanalysable> {
        if self.ids.is_empty() {
            return Ok(Vec::new());
        }
        let rules = self.rules.for_path(&**path);
        let Some(first) = rules.first() else {
            return Ok(Vec::new());
        };
        let refused = |why: String| Unanalysable {
            file: path.to_string(),
            why,
        };
        let tree = Counted::of(text, first.language)
            .map(AstGrep::doc)
            .map_err(|why| refused(format!("the rule {} can't look at it: {why}", first.id)))?;
        let lines = Lines::of(text);
        let source: Vec<&str> = text.lines().collect();
        let mut findings = Vec::new();
        for rule in rules {
            let mut seen: HashMap<&str, u32> = HashMap::new();
            tree.root().get_doc().refill();
            for (count, found) in tree.root().find_all(&rule.matcher).enumerate() {
                if count == MAX_PER_FILE {
                    return Err(refused(format!(
                        "the rule {} finds more than {MAX_PER_FILE} places",
                        rule.id
                    )));
                }
                let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
                let range = found.range();
                let span = lines.span(offset(range.start), offset(range.end));
                let line = usize::try_from(span.line).unwrap_or(1).saturating_sub(1);
                let line = source.get(line).copied().unwrap_or_default();
                let nth = seen.entry(line).or_insert(0);
                *nth += 1;
                let print = fingerprint(&rule.id, path, "", line, *nth);
                let message = if rule.message.is_empty() {
                    format!("this is what the rule {} looks for", rule.id)
                } else {
                    rule.get_message(&found)
                };
                findings.push(finding(rule, path, span, message, print));
            }
            if tree.root().get_doc().is_spent() {
                return Err(refused(format!(
                    "the rule {} would have to look at too much of it: look around less far in the rule, by `stopBy`",
                    rule.id
                )));
            }
        }
        Ok(findings)
    }
}

/// What a rule says of itself.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) id: String,
    pub(crate) severity: Severity,
    pub(crate) language: Language,
    pub(crate) message: String,
    pub(crate) fix: String,
}

/// The language here that a language of ast-grep is part of; others are refused when rules are read.
fn language(written: SupportLang) -> Language {
    if written == SupportLang::Go {
        Language::Go
    } else if written == SupportLang::Python {
        Language::Python
    } else if written == SupportLang::Rust {
        Language::Rust
    } else {
        Language::TypeScript
    }
}

fn read(file: &Path) -> Result<String, UserRuleError> {
    let path = || file.display().to_string();
    let unreadable = |source| UserRuleError::Unreadable {
        path: path(),
        source,
    };
    let text = bounded::read(file, MAX_BYTES)
        .map_err(unreadable)?
        .ok_or_else(|| UserRuleError::TooMany { path: path() })?;
    String::from_utf8(text).map_err(|_| unreadable(std::io::Error::other("it is not UTF-8 text")))
}

fn parse(text: &str, path: &str) -> Result<Vec<RuleConfig<SupportLang>>, UserRuleError> {
    let wrong = |what: &str, why: String| UserRuleError::Wrong {
        path: path.to_owned(),
        what: what.to_owned(),
        why,
    };
    let written: Vec<SerializableRuleConfig<SupportLang>> =
        from_multiple(text).map_err(|error| wrong("not a rule", error.to_string()))?;
    let globals = GlobalRules::default();
    written
        .into_iter()
        .map(|rule| {
            let id = rule.id.clone();
            if id.is_empty() || id.contains(|c: char| c.is_whitespace() || c == ',' || c == ':') {
                return Err(wrong(
                    &format!("{id:?}"),
                    "its id should be a word without `,` and `:`".to_owned(),
                ));
            }
            if !LANGUAGES.contains(&rule.language) {
                let known: Vec<String> = LANGUAGES.iter().map(ToString::to_string).collect();
                return Err(wrong(
                    &id,
                    format!(
                        "its language is not read here; known are {}",
                        known.join(", ")
                    ),
                ));
            }
            let rule = RuleConfig::try_from(rule, &globals).map_err(|error| {
                let mut why = error.to_string();
                let mut cause = std::error::Error::source(&error);
                for _ in 0..MAX_CAUSES {
                    let Some(error) = cause else { break };
                    why = format!("{why}: {error}");
                    cause = error.source();
                }
                wrong(&id, why)
            })?;
            if !rule.message.is_empty() {
                Fixer::from_str(&rule.message, &rule.language)
                    .map_err(|error| wrong(&id, format!("its message: {error}")))?;
            }
            Ok(rule)
        })
        .collect()
}

fn severity(rule: &RuleConfig<SupportLang>) -> Severity {
    match rule.severity {
        Written::Error => Severity::High,
        Written::Warning => Severity::Medium,
        Written::Info => Severity::Low,
        Written::Hint | Written::Off => Severity::Info,
    }
}

/// What to do about what a rule finds.
fn fix(rule: &RuleConfig<SupportLang>) -> String {
    let note = rule
        .note
        .clone()
        .unwrap_or_else(|| format!("See the rule {} of your own.", rule.id));
    note.trim().to_owned()
}

fn finding(
    rule: &RuleConfig<SupportLang>,
    path: &Name,
    span: Span,
    message: String,
    print: String,
) -> Finding {
    let ground = Ground::Proved(Followed::Pattern);
    Finding {
        rule: Cow::Owned(rule.id.clone()),
        name: Cow::Owned(rule.id.clone()),
        severity: severity(rule),
        confidence: ground.confidence(),
        because: ground.reason(),
        surface: surface::of(path),
        file: path.clone(),
        line: span.line,
        end_line: span.end_line,
        message,
        fix: Cow::Owned(fix(rule)),
        fingerprint: print,
        related: Vec::new(),
        symbol: String::new(),
        blocked_by: None,
        probe: None,
        bytes: (span.start, span.end),
    }
}
