//! `dropgate journal verify`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use dropgate_journal::{
    ChainVerified, Known, Liveness, Part, Sealing, Verdict, Verified, verify, verify_part,
};
use serde::Serialize;

use super::Problem;
use super::place::journals;
use crate::cli::{Format, VerifyArgs};
use crate::output;

#[derive(Serialize)]
struct Report {
    verdict: &'static str,
    /// The numbers of the records that were asked for, where that was not all.
    from: Option<u64>,
    to: Option<u64>,
    records: u64,
    chains: Vec<Chain>,
    missing_heads: Vec<String>,
    /// Chains that are not there and of which claims on idempotency keys speak.
    missing_chains: Vec<String>,
}

#[derive(Serialize)]
struct Chain {
    journal: String,
    chain: String,
    verdict: &'static str,
    records: u64,
    seq: u64,
    head: Option<String>,
    signed: u64,
    removed: u64,
    key: Option<String>,
    sealed: bool,
    written: bool,
    copy: bool,
    file: Option<String>,
    line: Option<u64>,
    why: Option<String>,
}

pub(super) fn run(args: &VerifyArgs) -> Result<ExitCode, Problem> {
    let mut missing = args.head.clone();
    let mut chains = Vec::new();
    let mut missing_chains = Vec::new();
    let mut worst = 0;
    let part = part(args)?;
    for journal in meant(args)? {
        let known = Known {
            heads: missing.clone(),
            keys: args.key.clone(),
        };
        let verified = match &part {
            Some(part) => verify_part(&journal, part, &known)?,
            None => verify(&journal, &known)?,
        };
        missing.clone_from(&verified.missing_heads);
        worst = worse(worst, without_heads(&verified));
        let gone = verified.missing_chains.iter();
        missing_chains.extend(gone.map(|chain| journal.join(chain).display().to_string()));
        let described = verified.chains.iter();
        chains.extend(described.map(|chain| describe(&journal, chain)));
    }
    if !missing.is_empty() || !missing_chains.is_empty() {
        worst = worse(worst, 3);
    }
    let report = Report {
        verdict: word(worst),
        from: args.from,
        to: args.to,
        records: chains.iter().map(|chain| chain.records).sum(),
        chains,
        missing_heads: missing.iter().map(ToString::to_string).collect(),
        missing_chains,
    };
    match args.format {
        Format::Json => output::print_json(&report),
        Format::Text => output::print(&text(&report)),
    }
    Ok(ExitCode::from(worst))
}

/// What of a chain is asked for, if not all of all.
fn part(args: &VerifyArgs) -> Result<Option<Part>, Problem> {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from > to
    {
        return Err(Problem::NoPart(from, to));
    }
    let some = args.chain.is_some() || args.from.is_some() || args.to.is_some();
    Ok(some.then(|| Part {
        chain: args.chain.clone(),
        from: args.from,
        to: args.to,
    }))
}

/// The journals that are meant: one, where a part of a chain is.
fn meant(args: &VerifyArgs) -> Result<Vec<PathBuf>, Problem> {
    let mut found = journals(&args.which)?;
    if let Some(chain) = &args.chain
        && found.len() > 1
    {
        found.retain(|journal| journal.join(chain).is_dir());
        if found.is_empty() {
            return Err(Problem::NoChain(chain.clone()));
        }
    }
    match found.len() {
        0 | 1 => Ok(found),
        _several if args.from.is_some() || args.to.is_some() => Err(Problem::WhichJournal),
        _several => Ok(found),
    }
}

fn without_heads(verified: &Verified) -> u8 {
    verified
        .chains
        .iter()
        .map(|chain| chain.verdict.code())
        .fold(0, worse)
}

/// Tampered before gap before unsigned before torn before whole.
fn worse(one: u8, other: u8) -> u8 {
    const RANK: [u8; 5] = [0, 4, 1, 3, 2];
    let rank = |code: u8| RANK.get(usize::from(code)).copied().unwrap_or(4);
    if rank(other) > rank(one) { other } else { one }
}

/// A verdict in one word, from its exit code.
pub(crate) fn word(code: u8) -> &'static str {
    match code {
        0 => "whole",
        2 => "torn",
        3 => "gap",
        4 => "unsigned",
        _tampered => "tampered",
    }
}

fn describe(journal: &Path, chain: &ChainVerified) -> Chain {
    let (place, why) = match &chain.verdict {
        Verdict::Whole => (None, None),
        Verdict::Torn { place, bytes } => (
            Some(place),
            Some(format!("{bytes} bytes at the end are no record")),
        ),
        Verdict::Unsigned { place, signed } => (
            Some(place),
            Some(format!(
                "the key that signs the chain is lost: its hashes are whole, but nothing vouches \
                 for what follows record {signed}"
            )),
        ),
        Verdict::Gap { place, why } | Verdict::Tampered { place, why } => {
            (Some(place), Some(why.clone()))
        }
    };
    Chain {
        journal: journal.display().to_string(),
        chain: chain.chain.clone(),
        verdict: word(chain.verdict.code()),
        records: chain.records,
        seq: chain.head.map_or(0, |head| head.seq),
        head: chain.head.map(|head| head.hash.to_string()),
        signed: chain.signed,
        removed: chain.removed,
        key: chain.key.clone(),
        sealed: chain.ending == Sealing::Sealed,
        written: chain.writer == Liveness::Writer,
        copy: chain.writer == Liveness::Copy,
        file: place.map(|place| place.file.display().to_string()),
        line: place.map(|place| place.line),
        why,
    }
}

fn text(report: &Report) -> String {
    let mut text = String::new();
    for chain in &report.chains {
        let state = match (chain.sealed, chain.written) {
            (_, true) => "being written",
            (true, false) => "sealed",
            (false, false) => "not sealed",
        };
        let state = if chain.copy {
            format!("a copy, {state}")
        } else {
            state.to_owned()
        };
        let extent = match (report.from, report.to) {
            (None, None) => String::new(),
            (Some(from), None) => format!(" from {from} on"),
            (None, Some(to)) => format!(" up to {to}"),
            (Some(from), Some(to)) => format!(" from {from} to {to}"),
        };
        // What stands behind a part was not asked for.
        let state = report
            .to
            .map_or_else(|| format!(", {state}"), |_| String::new());
        text.push_str(&format!(
            "{}  {}/{}  {} records{extent}{state}\n",
            chain.verdict, chain.journal, chain.chain, chain.records
        ));
        if let Some(head) = &chain.head {
            text.push_str(&format!(
                "  head {head} at {}, signed up to {}\n",
                chain.seq, chain.signed
            ));
        }
        if let Some(key) = &chain.key {
            text.push_str(&format!("  key {key}\n"));
        }
        if chain.removed > 0 {
            text.push_str(&format!(
                "  records 1 to {} were removed for their age or the journal's size\n",
                chain.removed
            ));
        }
        if let (Some(file), Some(line), Some(why)) = (&chain.file, chain.line, &chain.why) {
            text.push_str(&format!("  {file}, line {line}: {why}\n"));
        }
    }
    for head in &report.missing_heads {
        text.push_str(&format!(
            "gap  head {head} is in no chain: records at an end are missing\n"
        ));
    }
    for chain in &report.missing_chains {
        text.push_str(&format!(
            "gap  {chain} is not there, and calls in it hold idempotency keys\n"
        ));
    }
    text.push_str(&format!("{}: {} records\n", report.verdict, report.records));
    text
}
