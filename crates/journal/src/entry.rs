//! What can be entered into the journal.

use std::sync::Arc;

use crate::CallRef;

/// How safe an entry must be before its [`Receipt`](crate::Receipt) exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// On the disk: survives the loss of power.
    Sync,
    /// In the kernel's hands: survives SIGKILL of this process, not the loss of power.
    Write,
}

/// What a call may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It only reads.
    Read,
    /// It may change something; whatever is not known to only read.
    Write,
}

/// One thing to record. Texts longer than [`MAX_TEXT`] bytes are cut there.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// A writer began, or a server was started (again).
    Start(Start),
    /// A call is about to be sent.
    Intent(Intent),
    /// What became of a call.
    Outcome(Outcome),
    /// The answer of this call left for the host whole. Never waited for; those
    /// of one batch share a record. Only useful for write-class calls.
    Delivered(CallRef),
    /// The answer of a call that had been given an outcome already.
    LateResult(LateResult),
    /// Something else worth keeping.
    Note(Note),
    /// Nothing to record: a call is to be looked up.
    LookUp(CallRef),
}

/// The longest text of an entry, in bytes.
pub const MAX_TEXT: usize = 512;
/// The most policy ids that a record names.
pub const MAX_POLICIES: usize = 16;
/// The largest result or original text that is kept, in bytes.
pub const MAX_KEPT: usize = 256 * 1024;

/// Who writes, and for what.
#[derive(Clone, Debug)]
pub struct Start {
    /// The server's name.
    pub server: Arc<str>,
    /// A digest of its command line, in hexadecimal.
    pub command_digest: Box<str>,
    /// The server's process id; 0 where there is none yet.
    pub pid: u32,
    /// The level of containment that was reached.
    pub containment: Box<str>,
}

/// A call that was authorised and is about to be sent.
#[derive(Clone, Debug)]
pub struct Intent {
    /// From [`Journal::new_call`](crate::Journal::new_call).
    pub call: CallRef,
    /// The server's name.
    pub server: Arc<str>,
    /// The tool's name, or the method of a call that names no tool.
    pub tool: Arc<str>,
    /// What the call may do.
    pub class: Class,
    /// On whose behalf.
    pub principal: Arc<str>,
    /// By what it was allowed.
    pub decision: Decision,
    /// The caller's idempotency key, if it gave one. Only a keyed hash of it is recorded.
    pub key: Option<Box<str>>,
    /// The arguments as they came, JSON; empty if there are none. Only keyed hashes are recorded.
    pub args: Box<[u8]>,
    /// What makes this a later round of a call of several, JSON: what it carries on from, and what
    /// was asked for in the round before. Only a keyed hash of it is recorded, within that of the call.
    pub round: Option<Box<[u8]>>,
    /// The trace that the call belongs to.
    pub trace_id: Option<Box<str>>,
    /// Whether the key may be taken over from a call whose fate is not known.
    pub again: Again,
}

/// What to do with a key whose earlier call may have run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Again {
    /// The key stays with the earlier call.
    #[default]
    Never,
    /// The new call takes it over: running twice does no harm.
    IfUnknown,
}

/// By which policies a call was allowed or denied.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    /// Ids of the policies that decided.
    pub policies: Arc<[Box<str>]>,
    /// A digest of the whole set of policies.
    pub digest: Arc<str>,
}

/// What became of a call.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The call.
    pub call: CallRef,
    /// What became of it.
    pub what: What,
    /// Whether the caller may try again.
    pub retry: Retry,
    /// The size of the answer in bytes.
    pub bytes: u64,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// How many secret values were taken out of the answer.
    pub redactions: u32,
    /// What to keep of the answer, encrypted: the result of a write-class call
    /// for a replay, or the original of an error text.
    pub keep: Keep,
    /// Who asked for what, where no intent says so: calls that were denied, shed or not executed.
    pub about: Option<Box<About>>,
    /// The earlier call that this one repeats, and whose outcome its caller was told.
    pub repeats: Option<CallRef>,
}

/// A call without an intent.
#[derive(Clone, Debug)]
pub struct About {
    /// The server's name.
    pub server: Arc<str>,
    /// The tool's name, or the method.
    pub tool: Arc<str>,
    /// What the call may do.
    pub class: Class,
    /// On whose behalf.
    pub principal: Arc<str>,
    /// By what it was denied, if it was.
    pub decision: Decision,
}

/// What is kept of an answer. Over [`MAX_KEPT`] bytes nothing is.
#[derive(Clone, Debug, Default)]
pub enum Keep {
    /// Nothing.
    #[default]
    Nothing,
    /// The result, to be replayed to whoever repeats the call with the same key.
    Result(Box<[u8]>),
    /// The text that was replaced by a sanitised one.
    Original(Box<[u8]>),
}

/// The one outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// The server answered with a result.
    Completed,
    /// The server answered that its tool failed.
    ToolError,
    /// The server answered with a JSON-RPC error.
    RpcError,
    /// The server asked for something before it goes on, in a call that continues this one.
    InputRequired,
    /// It was cancelled; the server may have done some of it.
    Cancelled,
    /// Its time was up; the server may have done it.
    TimedOut,
    /// It was not authorised, and not sent.
    Denied,
    /// There was no room for it, and it was not sent.
    Shed,
    /// It was not sent.
    NotExecuted,
    /// It was sent, and nobody knows what became of it.
    Unknown,
}

/// What an outcome says of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The server answered.
    Answered,
    /// The server answered with a question, and waits for the next round of the call.
    Asked,
    /// It was not done, for certain.
    NeverRan,
    /// Nobody knows.
    MayHaveRun,
}

impl What {
    /// What it says of the work.
    pub const fn fate(self) -> Fate {
        match self {
            Self::Completed | Self::ToolError | Self::RpcError => Fate::Answered,
            Self::InputRequired => Fate::Asked,
            Self::Denied | Self::Shed | Self::NotExecuted => Fate::NeverRan,
            Self::Cancelled | Self::TimedOut | Self::Unknown => Fate::MayHaveRun,
        }
    }

    /// Every outcome.
    pub const ALL: [Self; 10] = [
        Self::Completed,
        Self::ToolError,
        Self::RpcError,
        Self::InputRequired,
        Self::Cancelled,
        Self::TimedOut,
        Self::Denied,
        Self::Shed,
        Self::NotExecuted,
        Self::Unknown,
    ];

    /// Its word in the record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::ToolError => "tool_error",
            Self::RpcError => "rpc_error",
            Self::InputRequired => "input_required",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::Denied => "denied",
            Self::Shed => "shed",
            Self::NotExecuted => "not_executed",
            Self::Unknown => "unknown",
        }
    }

    /// The outcome of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.word() == word)
    }
}

/// Whether a call may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It did not run.
    Safe,
    /// It may have run.
    Unsafe,
    /// It ran, or never will.
    Never,
}

impl Retry {
    /// The meaning of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Safe, Self::Unsafe, Self::Never]
            .into_iter()
            .find(|retry| retry.word() == word)
    }

    /// Its word in the record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Unsafe => "unsafe",
            Self::Never => "never",
        }
    }
}

/// An answer that came after the call's outcome had been settled.
#[derive(Clone, Debug)]
pub struct LateResult {
    /// The call.
    pub call: CallRef,
    /// What the answer would have made of it.
    pub what: What,
    /// Its size in bytes.
    pub bytes: u64,
    /// How long after the call was sent, in milliseconds.
    pub ms: u64,
}

/// Something that is no call.
#[derive(Clone, Debug)]
pub struct Note {
    /// What kind of thing.
    pub topic: Topic,
    /// The call that it is about, if it is about one.
    pub call: Option<CallRef>,
    /// What it is about: a tool, a breaker, a lease.
    pub subject: Box<str>,
    /// What happened to it.
    pub text: Box<str>,
}

/// The kinds of notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// A request that is no call was denied.
    Denial,
    /// A breaker changed its state.
    Breaker,
    /// Read-only mode began or ended.
    Mode,
    /// A tool's definition changed since it was pinned.
    ToolPin,
    /// The configuration was read again, or could not be.
    Config,
    /// A lease was granted.
    LeaseGranted,
    /// A lease was revoked.
    LeaseRevoked,
    /// The process that wrote this chain is gone without a word.
    WrapperLost,
    /// A chain was found changed by others, and it was accepted.
    Damage,
    /// A chain was not gone on with, since the key that signs it is lost.
    KeyLost,
    /// The host cancelled a call.
    Cancellation,
    /// The answer of this call could not be given to the host.
    Undelivered,
    /// Somebody decided that this call, whose fate is not known, may be made again.
    Repeatable,
    /// The disk was full, and entries were left out.
    LeftOut,
    /// A copy of the journal went away, or came back.
    Copy,
    /// A result that was passed on holds what looks like a credential.
    Credential,
}

impl Topic {
    /// Its word in the record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Denial => "denial",
            Self::Breaker => "breaker",
            Self::Mode => "mode",
            Self::ToolPin => "tool_pin",
            Self::Config => "config",
            Self::LeaseGranted => "lease_granted",
            Self::LeaseRevoked => "lease_revoked",
            Self::WrapperLost => "wrapper_lost",
            Self::Damage => "damage",
            Self::KeyLost => "key_lost",
            Self::Cancellation => "cancellation",
            Self::Undelivered => "undelivered",
            Self::Repeatable => "repeatable",
            Self::LeftOut => "left_out",
            Self::Copy => "copy",
            Self::Credential => "credential",
        }
    }
}

impl Entry {
    /// Whether somebody may ask whether it was recorded: before a call is sent or answered.
    pub(crate) fn is_awaited(&self) -> bool {
        matches!(self, Self::Intent(_) | Self::Outcome(_))
    }

    /// About how many bytes it holds, for the bound of the queue.
    pub(crate) fn weight(&self) -> usize {
        const FIXED: usize = 256;
        let of_about = |about: &About| about.tool.len() + about.principal.len();
        FIXED
            + match self {
                Self::Start(start) => start.command_digest.len() + start.containment.len(),
                Self::Intent(intent) => {
                    intent.args.len()
                        + intent.round.as_ref().map_or(0, |round| round.len())
                        + intent.tool.len()
                        + intent.key.as_ref().map_or(0, |key| key.len())
                        + intent.trace_id.as_ref().map_or(0, |id| id.len())
                }
                Self::Outcome(outcome) => {
                    let kept = match &outcome.keep {
                        Keep::Nothing => 0,
                        Keep::Result(bytes) | Keep::Original(bytes) => bytes.len(),
                    };
                    kept + outcome.about.as_deref().map_or(0, of_about)
                }
                Self::Delivered(_) | Self::LateResult(_) | Self::LookUp(_) => 0,
                Self::Note(note) => note.subject.len() + note.text.len(),
            }
    }
}
