//! Leases while the server runs, and their end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::secrets::OnLost;
use crate::vault::{Belongs, Lease, Renewal, Session, Vault, VaultError};

/// How often a revocation is tried.
const TRIES: u32 = 3;
/// The pause before the second try; the next is twice as long.
const PAUSE: Duration = Duration::from_millis(50);
/// How many leases are revoked at a time.
const AT_ONCE: usize = 8;
/// The pause after a renewal that failed; each one in a row doubles it.
const RENEW_AGAIN: Duration = Duration::from_secs(1);
/// How long leases of earlier runs may take together.
const OLDER_WITHIN: Duration = Duration::from_secs(60);
/// The most news that wait to be heard; more of the same are left out.
const MOST_NEWS: usize = 64;

/// What became of a lease at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaseEnd {
    /// The credentials are worth nothing any more.
    Revoked(String),
    /// It could not be ended in time.
    Pending(String),
}

/// What happens to a lease meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A renewal failed; it is tried again.
    NotRenewed {
        /// Whose.
        what: String,
        /// Why.
        why: String,
    },
    /// It was renewed after all.
    RenewedAgain {
        /// Whose.
        what: String,
    },
    /// A lease that an earlier run left was revoked.
    OlderRevoked(LeaseEnd),
    /// It has ended, and the credentials with it.
    Lost {
        /// Whose.
        what: String,
        /// What that means.
        then: OnLost,
    },
}

/// All leases of a run, and the token that they belong to.
#[derive(Debug)]
pub struct Leases {
    held: Arc<Held>,
    news: Receiver<News>,
    renewing: Mutex<Option<Thread>>,
}

/// A lease, what it is for, and what its loss means.
#[derive(Debug)]
pub(crate) struct Leased {
    pub(crate) path: String,
    pub(crate) lease: Lease,
    pub(crate) on_lost: OnLost,
}

#[derive(Debug)]
struct Held {
    vault: Vault,
    session: Session,
    leases: Vec<Leased>,
    over: AtomicBool,
    tell: SyncSender<News>,
}

impl Leases {
    pub(crate) fn new(vault: Vault, session: Session, leases: Vec<Leased>) -> Self {
        let (tell, news) = sync_channel(MOST_NEWS);
        Self {
            held: Arc::new(Held {
                vault,
                session,
                leases,
                over: AtomicBool::new(false),
                tell,
            }),
            news,
            renewing: Mutex::new(None),
        }
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.held
            .leases
            .iter()
            .map(|one| one.lease.id.clone())
            .collect()
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.held.vault
    }

    pub(crate) fn session(&self) -> &Session {
        &self.held.session
    }

    /// Begins to renew, on a thread of its own; `ring` is called when there are news.
    pub(crate) fn renew(&self, ring: impl Fn() + Send + 'static) -> std::io::Result<()> {
        let held = Arc::clone(&self.held);
        let thread = thread::Builder::new()
            .name("dg-leases".to_owned())
            .spawn(move || Renewing::new(&held).run(&ring))?;
        let mut renewing = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        *renewing = Some(thread.thread().clone());
        Ok(())
    }

    /// What happened since the last call.
    pub(crate) fn take_news(&self) -> Vec<News> {
        self.news.try_iter().collect()
    }

    /// Revokes leases of earlier runs, on a thread of its own; `ring` is called for each.
    pub(crate) fn revoke_older(
        &self,
        ids: Vec<String>,
        ring: impl Fn() + Send + 'static,
    ) -> std::io::Result<()> {
        let held = Arc::clone(&self.held);
        let revoking = move || {
            let until = Instant::now() + OLDER_WITHIN;
            for id in ids {
                if held.over.load(Ordering::Acquire) {
                    return;
                }
                let end = revoke(&held.vault, &held.session, id, until);
                if let LeaseEnd::Revoked(_) = end {
                    // One that is not heard of is found, and ended, once more by the next start.
                    let _heard_of_later = held.tell.try_send(News::OlderRevoked(end));
                    ring();
                }
            }
        };
        thread::Builder::new()
            .name("dg-older".to_owned())
            .spawn(revoking)
            .map(drop)
    }

    /// Revokes everything and waits for that within the bound.
    pub(crate) fn end(self, within: Duration) -> Vec<LeaseEnd> {
        self.held.over.store(true, Ordering::Release);
        let renewing = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = renewing.as_ref() {
            thread.unpark();
        }
        drop(renewing);
        let ids = self.ids();
        let all = ids.clone();
        let until = Instant::now() + within;
        let (done, ended) = sync_channel(1);
        let held = Arc::clone(&self.held);
        // A name that has to be looked up can take longer than any deadline.
        let begun = thread::Builder::new().spawn(move || {
            let _nobody_waits = done.send(end_all(&held.vault, &held.session, &ids, until));
        });
        let ended = begun.ok().and_then(|_| ended.recv_timeout(within).ok());
        ended.unwrap_or_else(|| all.into_iter().map(LeaseEnd::Pending).collect())
    }
}

/// Revokes leases, some at a time, each tried three times; then the token, if it is this run's.
#[must_use]
pub fn end_all(vault: &Vault, session: &Session, ids: &[String], until: Instant) -> Vec<LeaseEnd> {
    let revoke = |id: &String| revoke(vault, session, id.clone(), until);
    let mut ended = Vec::new();
    for some in ids.chunks(AT_ONCE) {
        ended.extend(thread::scope(|scope| {
            let running: Vec<_> = some
                .iter()
                .map(|id| (id, scope.spawn(|| revoke(id))))
                .collect();
            let joined = running
                .into_iter()
                .map(|(id, one)| one.join().unwrap_or_else(|_| LeaseEnd::Pending(id.clone())));
            joined.collect::<Vec<_>>()
        }));
    }
    if session.belongs == Belongs::ToThisRun {
        // What it does not reach ends with the token's own time.
        let _expires = persist(until, || vault.revoke_self(&session.token, until));
    }
    ended
}

fn revoke(vault: &Vault, session: &Session, id: String, until: Instant) -> LeaseEnd {
    match persist(until, || vault.revoke(&id, &session.token, until)) {
        Ok(()) => LeaseEnd::Revoked(id),
        Err(_) => LeaseEnd::Pending(id),
    }
}

fn persist(
    until: Instant,
    mut step: impl FnMut() -> Result<(), VaultError>,
) -> Result<(), VaultError> {
    let mut pause = PAUSE;
    let mut tries = 1;
    loop {
        match step() {
            Ok(()) => return Ok(()),
            // What it refuses once it refuses again.
            Err(
                error @ VaultError::Refused {
                    status: 400..=428, ..
                },
            ) => return Err(error),
            Err(error) if tries == TRIES || Instant::now() + pause >= until => return Err(error),
            Err(_) => thread::park_timeout(pause),
        }
        tries += 1;
        pause *= 2;
    }
}

/// What is renewed next, and when.
struct Renewing<'a> {
    held: &'a Held,
    kept: Vec<Kept<'a>>,
}

struct Kept<'a> {
    /// None is the token itself.
    lease: Option<&'a Lease>,
    what: String,
    on_lost: OnLost,
    renewal: Renewal,
    due: Instant,
    ends: Instant,
    failures: u32,
    state: Standing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Held,
    Lost,
}

impl<'a> Renewing<'a> {
    fn new(held: &'a Held) -> Self {
        let now = Instant::now();
        let leases = held.leases.iter().map(|one| Kept::of_lease(one, now));
        let session = &held.session;
        let worst = held.leases.iter().map(|one| one.on_lost).max();
        let token = Kept {
            lease: None,
            what: "the token".to_owned(),
            on_lost: worst.unwrap_or_default(),
            renewal: session.renewal,
            due: now + two_thirds(session.lasts),
            ends: now + session.lasts,
            failures: 0,
            state: Standing::Held,
        };
        // What lasts for ever says 0.
        let lasting = |kept: &Kept<'_>| kept.ends > now;
        let kept = leases.chain([token]).filter(lasting).collect();
        Self { held, kept }
    }

    fn run(mut self, ring: &impl Fn()) {
        loop {
            if self.held.over.load(Ordering::Acquire) {
                return;
            }
            let now = Instant::now();
            for kept in &mut self.kept {
                if let Some(news) = kept.advance(self.held, now) {
                    // A full queue says the same already.
                    let _said_already = self.held.tell.try_send(news);
                    ring();
                }
            }
            self.kept.retain(|kept| kept.state == Standing::Held);
            match self.kept.iter().map(Kept::next).min() {
                Some(next) => thread::park_timeout(next.saturating_duration_since(now)),
                None => return,
            }
        }
    }
}

impl<'a> Kept<'a> {
    fn of_lease(leased: &'a Leased, now: Instant) -> Self {
        let lease = &leased.lease;
        Self {
            lease: Some(lease),
            what: leased.path.clone(),
            on_lost: leased.on_lost,
            renewal: lease.renewal,
            due: now + two_thirds(lease.lasts),
            ends: now + lease.lasts,
            failures: 0,
            state: Standing::Held,
        }
    }

    fn next(&self) -> Instant {
        match self.renewal {
            Renewal::Allowed => self.due.min(self.ends),
            Renewal::Refused => self.ends,
        }
    }

    fn advance(&mut self, held: &Held, now: Instant) -> Option<News> {
        let what = self.what.clone();
        if now >= self.ends {
            self.state = Standing::Lost;
            let then = self.on_lost;
            return Some(News::Lost { what, then });
        }
        if now < self.next() {
            return None;
        }
        let renewed = match self.lease {
            Some(lease) => held.vault.renew(lease, &held.session.token, self.ends),
            None => held.vault.renew_self(&held.session.token, self.ends),
        };
        let now = Instant::now();
        match renewed {
            Ok(lasts) => {
                self.ends = now + lasts;
                self.due = now + two_thirds(lasts);
                let failures = std::mem::take(&mut self.failures);
                (failures > 0).then_some(News::RenewedAgain { what })
            }
            Err(error) => {
                let pause = RENEW_AGAIN * 2_u32.pow(self.failures.min(6));
                self.failures += 1;
                self.due = now + pause;
                (self.failures == 1).then(|| News::NotRenewed {
                    what,
                    why: error.to_string(),
                })
            }
        }
    }
}

/// When a lease is renewed; one near its longest life gets shorter each time, so not at once.
fn two_thirds(lasts: Duration) -> Duration {
    (lasts * 2 / 3).max(Duration::from_millis(500))
}
