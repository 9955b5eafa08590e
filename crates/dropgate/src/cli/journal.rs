//! The flags of `journal`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use dropgate_journal::{CallRef, Hash, Stamp, What};

use super::Format;
use super::values;

#[derive(Args, Debug)]
pub(crate) struct JournalArgs {
    #[command(subcommand)]
    pub(crate) ask: JournalVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JournalVerb {
    /// Check that no record was changed, moved or removed
    ///
    /// Exits with 0 if the journal is whole, 1 if it was tampered with, 2 if
    /// its last write was cut off by a crash, 3 if records are missing, 4 if
    /// the key that signs it was lost and its end is unsigned.
    Verify(VerifyArgs),
    /// Print records, oldest first
    Show(ShowArgs),
    /// Write records in a form for other programs
    Export(ExportArgs),
    /// Say what became of a call
    Outcome(OutcomeArgs),
}

/// Which journal.
#[derive(Args, Debug)]
pub(crate) struct Which {
    /// A server's name, or a journal's folder [default: all in --dir]
    #[arg(value_name = "JOURNAL")]
    pub(crate) journal: Option<String>,
    /// Where the journals are [default: $XDG_STATE_HOME/dropgate/journal]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) which: Which,
    /// A head that was kept elsewhere and must be in the journal [repeatable]
    ///
    /// Without one, records that are missing at the end of a chain are not
    /// noticed. The report of `run` and this verb print heads.
    #[arg(long, value_name = "HASH")]
    pub(crate) head: Vec<Hash>,
    /// A chain's first key, as this verb printed it; no other may begin one [repeatable]
    #[arg(long, value_name = "KEY", value_parser = values::first_key)]
    pub(crate) key: Vec<String>,
    /// Only this chain, by the name of its folder
    #[arg(long, value_name = "CHAIN")]
    pub(crate) chain: Option<String>,
    /// Only records from this number of a chain on
    ///
    /// What stands before its segment is not looked at, and the key that
    /// signs there is believed as it stands. Needs --chain where there are
    /// several chains.
    #[arg(long, value_name = "SEQ", conflicts_with = "key", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) from: Option<u64>,
    /// Only records up to this number of a chain, which must be there
    ///
    /// Reads on to the signed note that covers it. Needs --chain where there
    /// are several chains.
    #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) to: Option<u64>,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// Which records.
#[derive(Args, Debug)]
pub(crate) struct Filter {
    /// Only what is about this tool
    #[arg(long, value_name = "TOOL")]
    pub(crate) tool: Option<String>,
    /// Only calls with this outcome
    #[arg(long, value_name = "OUTCOME", value_parser = values::outcome)]
    pub(crate) outcome: Option<What>,
    /// Only calls with this argument, by its path, such as /path=/srv/a.csv
    ///
    /// The records hold a keyed hash of each text, number and word; the value
    /// is hashed and looked for. Not in a copy, which lacks the key.
    #[arg(long, value_name = "PATH=VALUE", value_parser = values::argument)]
    pub(crate) argument: Option<(String, String)>,
    /// Only what is younger than a duration or later than a time
    #[arg(long, value_name = "TIME", value_parser = values::since)]
    pub(crate) since: Option<Stamp>,
}

#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) which: Which,
    #[command(flatten)]
    pub(crate) filter: Filter,
    /// With json: the records as they are, one a line
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// The records as they are, one a line
    #[default]
    Jsonl,
    /// One line a call that ended, with a heading
    Csv,
    /// One event of OCSF class 6003 (API Activity) a call that ended
    Ocsf,
}

#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) which: Which,
    #[command(flatten)]
    pub(crate) filter: Filter,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ExportFormat,
}

#[derive(Args, Debug)]
pub(crate) struct OutcomeArgs {
    /// The reference that an answer carried, such as L-AB2CD3EF4GH5I
    #[arg(value_name = "REF")]
    pub(crate) reference: CallRef,
    #[command(flatten)]
    pub(crate) which: Which,
    /// Print the kept result, or the text that was replaced, and nothing else
    #[arg(long)]
    pub(crate) original: bool,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}
