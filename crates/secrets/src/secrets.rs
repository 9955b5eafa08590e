//! All secrets of one run.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dropgate_process::environment::Withdrawn;
use dropgate_process::{Departure, Endowment, Spec, Way};

use crate::folder::Folder;
use crate::keeping::{LeaseEnd, Leased, Leases, News, end_all};
use crate::legacy::Legacy;
use crate::secret::{Secret, Value};
use crate::source::{self, COMMAND_WITHIN, Source};
use crate::template::Template;
use crate::vault::{Credentials, Login, Session, Vault};

/// How a value reaches the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Into {
    /// As a variable of the secret's name.
    #[default]
    Variable,
    /// As an open memory file; the variable `NAME_FD` says its number.
    Descriptor,
    /// As a file of the secret's name in the folder that `CREDENTIALS_DIRECTORY` names.
    File,
}

/// What the loss of a lease means, when it ends and can't be renewed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum OnLost {
    /// The server can still read without it; calls that write are refused.
    ReadOnly,
    /// The server is of no use without it.
    #[default]
    Stop,
}

/// One secret that a server is to have.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What the server knows it as.
    pub name: String,
    /// Where it comes from.
    pub source: Source,
    /// Which of the values of a path it is.
    pub field: Option<String>,
    /// What it is made into.
    pub template: Option<Template>,
    /// How the server gets it.
    pub into: Into,
    /// What it means when its lease is lost.
    pub on_lost: OnLost,
}

/// A secret can't be had, so the server is not started.
#[derive(Debug, thiserror::Error)]
#[error("secret {name}: {why}")]
pub struct StartError {
    /// Which.
    pub name: String,
    /// What is wrong, and where.
    pub why: String,
}

/// How long the Vault may take to log in and give all that is asked of it.
const VAULT_WITHIN: Duration = Duration::from_secs(10);
/// How long it takes at most to give back what was granted to a start that failed.
const UNDO_WITHIN: Duration = Duration::from_secs(2);

/// What a server is given; erased at the end.
#[derive(Debug, Default)]
pub struct Secrets(RefCell<State>);

#[derive(Debug, Default)]
struct State {
    given: Vec<Given>,
    passed_on: Option<PassedOn>,
    folder: Option<Folder>,
    leases: Option<Leases>,
    legacy: Option<Legacy>,
}

#[derive(Debug)]
struct Given {
    name: String,
    value: Secret<Value>,
    into: Into,
}

/// Variables that look secret and go to the server as they came.
#[derive(Debug)]
struct PassedOn {
    all: Withdrawn,
    kept_back: Vec<String>,
}

impl Secrets {
    /// Gets every value. `withdrawn` are the variables that were taken out of this process's
    /// environment; of these the server gets those that are not in `kept_back`. A departure ends it
    /// as an error.
    ///
    /// # Errors
    /// Which secret can't be had, and why. Whatever was granted until then is given back.
    pub fn begin(
        wanted: &[Wanted],
        vault: Option<(&Vault, &Login)>,
        withdrawn: Withdrawn,
        kept_back: Vec<String>,
        departure: &Arc<Departure>,
    ) -> Result<Self, StartError> {
        let heeding = vault.map(|(vault, login)| (vault.until(departure), login));
        let mut granting = Granting {
            session: None,
            paths: BTreeMap::new(),
            departure,
        };
        let heeding = heeding.as_ref().map(|(vault, login)| (vault, *login));
        let begun = granting.all(wanted, heeding, &withdrawn);
        let begun = begun.and_then(|given| {
            let folder = folder(&given)?;
            Ok((given, folder))
        });
        let Granting { session, paths, .. } = granting;
        let leases: Vec<Leased> = paths
            .into_iter()
            .filter_map(|(path, credentials)| {
                Some(Leased {
                    lease: credentials.lease?,
                    on_lost: on_lost(wanted, &path),
                    path,
                })
            })
            .collect();
        let (given, folder) = match begun {
            Ok(begun) => begun,
            Err(error) => {
                if let (Some((vault, _)), Some(session)) = (vault, &session) {
                    let ids: Vec<String> = leases.into_iter().map(|one| one.lease.id).collect();
                    // What is not ended expires with the token.
                    let _expires = end_all(vault, session, &ids, Instant::now() + UNDO_WITHIN);
                }
                return Err(error);
            }
        };
        let leases = match (vault, session) {
            (Some((vault, _)), Some(session)) => Some(Leases::new(vault.clone(), session, leases)),
            (_, _) => None,
        };
        let held = leases.as_ref().map(|held| (held.vault(), held.session()));
        let ids = leases.as_ref().map(Leases::ids).unwrap_or_default();
        let to_close = held.is_some() || folder.is_some();
        let legacy = to_close
            .then(|| Legacy::new(held, &ids, folder.as_ref().map(Folder::path)))
            .transpose()
            .map_err(|error| StartError::of("legacy", &error))?;
        Ok(Self(RefCell::new(State {
            given,
            passed_on: Some(PassedOn {
                all: withdrawn,
                kept_back,
            }),
            folder,
            leases,
            legacy,
        })))
    }

    /// Lends every value that the server will know to a closure.
    pub fn each(&self, mut to: impl FnMut(&[u8])) {
        let state = self.0.borrow();
        for given in &state.given {
            to(given.value.bytes());
        }
        for (_, value) in state.passed_on.iter().flat_map(PassedOn::variables) {
            to(value);
        }
    }

    /// Adds the values to what is to be started, and what a closer needs.
    ///
    /// # Errors
    /// When they can't be packed.
    pub fn endow(&self, spec: Spec) -> io::Result<Spec> {
        let state = self.0.borrow();
        let mut spec = spec;
        let mut packed: Vec<(Way, String, &[u8])> = Vec::new();
        for (name, value) in state.passed_on.iter().flat_map(PassedOn::variables) {
            packed.push((Way::Variable, name.to_owned(), value));
        }
        for given in &state.given {
            match given.into {
                Into::Variable => {
                    packed.push((Way::Variable, given.name.clone(), given.value.bytes()));
                }
                Into::Descriptor => {
                    let name = format!("{}_FD", given.name);
                    packed.push((Way::Descriptor, name, given.value.bytes()));
                }
                Into::File => {}
            }
        }
        if let Some(folder) = &state.folder {
            spec = spec.env("CREDENTIALS_DIRECTORY", folder.path());
        }
        if !packed.is_empty() {
            let packed: Vec<(Way, &OsStr, &[u8])> = packed
                .iter()
                .map(|(way, name, value)| (*way, OsStr::new(name), *value))
                .collect();
            spec = spec.endow(Endowment::pack(&packed)?);
        }
        if let Some(legacy) = &state.legacy {
            spec = spec.legacy(legacy.to_hand_on()?);
        }
        Ok(spec)
    }

    /// The leases that were granted.
    #[must_use]
    pub fn granted(&self) -> Vec<String> {
        let state = self.0.borrow();
        state.leases.as_ref().map(Leases::ids).unwrap_or_default()
    }

    /// Begins to renew what has to be renewed, and to revoke what earlier runs left; `ring` is called
    /// when there are news.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn keep(
        &self,
        older: Vec<String>,
        ring: impl Fn() + Clone + Send + 'static,
    ) -> io::Result<()> {
        let state = self.0.borrow();
        let Some(leases) = &state.leases else {
            return Ok(());
        };
        if !older.is_empty() {
            leases.revoke_older(older, ring.clone())?;
        }
        leases.renew(ring)
    }

    /// The address of who grants leases, if there is one.
    #[must_use]
    pub fn granted_by(&self) -> Option<String> {
        let state = self.0.borrow();
        let leases = state.leases.as_ref()?;
        Some(leases.vault().settings().address.clone())
    }

    /// What happened to leases since the last call.
    #[must_use]
    pub fn take_news(&self) -> Vec<News> {
        self.0
            .borrow()
            .leases
            .as_ref()
            .map(Leases::take_news)
            .unwrap_or_default()
    }

    /// Ends all leases within the bound and erases every value. The second time there is nothing.
    pub fn end(&self, within: Duration) -> Vec<LeaseEnd> {
        let mut state = std::mem::take(&mut *self.0.borrow_mut());
        // A closer that comes anyway should find the token only while it is of use.
        let ended = match state.leases.take() {
            Some(leases) => leases.end(within),
            None => Vec::new(),
        };
        if let Some(legacy) = &mut state.legacy
            && ended.iter().all(|one| matches!(one, LeaseEnd::Revoked(_)))
        {
            legacy.wipe();
        }
        ended
    }
}

impl PassedOn {
    fn variables(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let all = self.all.variables();
        all.filter_map(|(name, value)| Some((OsStr::from_bytes(name).to_str()?, value)))
            .filter(|(name, _)| !self.kept_back.iter().any(|kept| kept == name))
    }
}

impl StartError {
    fn of(name: &str, why: &dyn std::fmt::Display) -> Self {
        Self {
            name: name.to_owned(),
            why: why.to_string(),
        }
    }
}

/// A login and what was granted with it: each path is read once.
struct Granting<'a> {
    session: Option<Session>,
    paths: BTreeMap<String, Credentials>,
    departure: &'a Departure,
}

impl Granting<'_> {
    fn all(
        &mut self,
        wanted: &[Wanted],
        vault: Option<(&Vault, &Login)>,
        withdrawn: &Withdrawn,
    ) -> Result<Vec<Given>, StartError> {
        let until = Instant::now() + VAULT_WITHIN + COMMAND_WITHIN;
        if let Some((vault, login)) = vault {
            let until = until.min(Instant::now() + VAULT_WITHIN);
            let session = vault.log_in(login, withdrawn, until);
            self.session = Some(session.map_err(|error| StartError::of("[vault]", &error))?);
        }
        let mut all = Vec::new();
        for one in wanted {
            let value = self.one(one, vault.map(|(vault, _)| vault), withdrawn, until);
            let value = value.and_then(|value| fitting(value, one.into));
            all.push(Given {
                value: value.map_err(|why| StartError::of(&one.name, &why))?,
                name: one.name.clone(),
                into: one.into,
            });
        }
        Ok(all)
    }

    fn one(
        &mut self,
        wanted: &Wanted,
        vault: Option<&Vault>,
        withdrawn: &Withdrawn,
        until: Instant,
    ) -> Result<Secret<Value>, String> {
        let said = |error: source::SourceError| error.to_string();
        let plain = match &wanted.source {
            Source::Variable(name) => source::variable(name, withdrawn).map_err(said)?,
            Source::File(path) => source::file(path).map_err(said)?,
            Source::Command(argv) => {
                source::command(argv, withdrawn, until, self.departure).map_err(said)?
            }
            Source::Kv(path) | Source::Lease(path) => {
                let found = self.credentials(path, vault, until)?;
                return match (&wanted.template, &wanted.field) {
                    (Some(template), _) => template.fill(|name| found.field(name)),
                    (None, Some(field)) => found.field(field),
                    (None, None) => found.only(),
                };
            }
        };
        let Some(template) = &wanted.template else {
            return Ok(plain);
        };
        template.fill(|name| match name {
            "value" => Secret::of_parts(&[plain.bytes()]).map_err(|error| error.to_string()),
            other => Err(format!(
                "{{{other}}} has no value here; the gap is {{value}}"
            )),
        })
    }

    fn credentials(
        &mut self,
        path: &str,
        vault: Option<&Vault>,
        until: Instant,
    ) -> Result<&Credentials, String> {
        let (Some(vault), Some(session)) = (vault, &self.session) else {
            return Err("there is no [vault] table that says where it is".to_owned());
        };
        if !self.paths.contains_key(path) {
            let read = vault.read(path, &session.token, until);
            let read = read.map_err(|error| error.to_string())?;
            self.paths.insert(path.to_owned(), read);
        }
        self.paths
            .get(path)
            .ok_or_else(|| "it was not read".to_owned())
    }
}

/// The value, if it can go the way that it is to go.
fn fitting(value: Secret<Value>, into: Into) -> Result<Secret<Value>, String> {
    match into {
        Into::Variable if value.bytes().contains(&0) => Err(
            "its value has a zero byte, which no variable can hold; give it by into = \"fd\" or \
             into = \"file\""
                .to_owned(),
        ),
        Into::Variable | Into::Descriptor | Into::File => Ok(value),
    }
}

/// What the loss of a path's lease means: the worst of what its secrets say.
fn on_lost(wanted: &[Wanted], path: &str) -> OnLost {
    let of_path = wanted.iter().filter(|one| match &one.source {
        Source::Lease(own) | Source::Kv(own) => own == path,
        Source::Variable(_) | Source::File(_) | Source::Command(_) => false,
    });
    of_path.map(|one| one.on_lost).max().unwrap_or_default()
}

fn folder(given: &[Given]) -> Result<Option<Folder>, StartError> {
    let mut files = given.iter().filter(|one| one.into == Into::File).peekable();
    let Some(first) = files.peek() else {
        return Ok(None);
    };
    let folder = Folder::make().map_err(|error| StartError::of(&first.name, &error))?;
    for file in files {
        let added = folder.add(&file.name, &file.value);
        added.map_err(|error| StartError::of(&file.name, &error))?;
    }
    Ok(Some(folder))
}
