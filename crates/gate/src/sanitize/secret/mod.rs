//! What looks like a credential: a keyword first, then one look at what stands around it.
//!
//! One automaton finds the keywords of all rules in one pass. A rule looks at a bounded piece of text around its
//! keyword, so a text without keywords costs that one pass.

mod assigned;
mod forms;
mod rules;
mod stretch;

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::budget::{Budget, Fault};
use super::bytes::{is_random, run, run_back, starts_token};
use super::span::{Kind, Spans};
use rules::{NAMED, Named, PREFIXED, Prefixed};

/// The longest token, bytes.
const TOKEN: usize = 8 << 10;
/// What is looked at of a token before it counts as one. Keywords can stand in each other's tokens, so this bounds what
/// a text made of keywords costs.
const SAMPLE: usize = 112;
/// What a keyword costs at most before it is found to be a token, in bytes.
const LOOK: usize = 32;
/// Bytes that are searched between two looks at the time.
const CHUNK: usize = 64 << 10;

/// What a keyword stands for.
#[derive(Clone, Copy, Debug)]
enum Rule {
    Prefixed(&'static Prefixed),
    Named(Named),
    KeyBlock,
    JsonWebToken,
    Scheme,
    Address,
    Around { before: usize, after: usize },
    BotToken,
    Webhook,
    Cookie,
}

const FORMS: &[(&str, Rule)] = &[
    ("-----begin ", Rule::KeyBlock),
    ("eyj", Rule::JsonWebToken),
    ("bearer ", Rule::Scheme),
    ("basic ", Rule::Scheme),
    ("://", Rule::Address),
    (
        ".atlasv1.",
        Rule::Around {
            before: 10,
            after: 40,
        },
    ),
    (
        "q~",
        Rule::Around {
            before: 4,
            after: 30,
        },
    ),
    (
        "_mmk",
        Rule::Around {
            before: 30,
            after: 0,
        },
    ),
    (":aa", Rule::BotToken),
    ("hooks.slack.com/", Rule::Webhook),
    (".webhook.office.com/", Rule::Webhook),
    ("discord.com/api/webhooks/", Rule::Webhook),
    ("discordapp.com/api/webhooks/", Rule::Webhook),
    ("cookie:", Rule::Cookie),
    ("cookie: ", Rule::Cookie),
];

struct Rules {
    /// Nothing, if it could not be made; then every text counts as unreadable.
    automaton: Option<AhoCorasick>,
    rules: Vec<Rule>,
    longest: usize,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let prefixed = PREFIXED
        .iter()
        .map(|rule| (rule.prefix, Rule::Prefixed(rule)));
    let named = NAMED
        .iter()
        .map(|&(name, named)| (name, Rule::Named(named)));
    let all: Vec<(&str, Rule)> = prefixed.chain(named).chain(FORMS.iter().copied()).collect();
    Rules {
        automaton: AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(all.iter().map(|(keyword, _)| keyword))
            .ok(),
        rules: all.iter().map(|&(_, rule)| rule).collect(),
        longest: all
            .iter()
            .map(|(keyword, _)| keyword.len())
            .max()
            .unwrap_or(0),
    }
});

/// Marks what looks like a credential.
pub(super) fn mark(text: &[u8], spans: &mut Spans, budget: &mut Budget<'_>) -> Result<(), Fault> {
    let rules = &*RULES;
    let automaton = rules.automaton.as_ref().ok_or(Fault::Unreadable)?;
    let mut covered = 0;
    let mut known = forms::Known::default();
    let mut from = 0;
    while from < text.len() {
        let end = text.len().min(from + CHUNK + rules.longest);
        budget.spend(end - from)?;
        for hit in automaton.find_overlapping_iter(&text[from..end]) {
            let keyword = from + hit.start()..from + hit.end();
            // What is marked already need not be looked at again, or a long token would be read once per keyword in it.
            if keyword.start < covered {
                continue;
            }
            let Some(rule) = rules.rules.get(hit.pattern().as_usize()) else {
                continue;
            };
            budget.spend(LOOK)?;
            if let Some(at) = found(text, *rule, keyword, &mut known) {
                budget.spend(at.len())?;
                covered = covered.max(at.end);
                spans.add(at, Kind::Secret);
            }
        }
        from += CHUNK;
    }
    Ok(())
}

/// Where a block of a key starts that does not end in this line.
pub(super) fn opens_key_block(line: &[u8]) -> Option<usize> {
    let start = memchr::memmem::find(line, b"-----BEGIN ")?;
    let rest = line.get(start..)?;
    (!ends_key_block(rest)).then_some(start)
}

/// Whether a block of a key ends in this line.
pub(super) fn ends_key_block(line: &[u8]) -> bool {
    memchr::memmem::find(line, b"-----END ").is_some()
}

fn found(
    text: &[u8],
    rule: Rule,
    keyword: Range<usize>,
    known: &mut forms::Known,
) -> Option<Range<usize>> {
    match rule {
        Rule::Prefixed(rule) => prefixed(text, rule, keyword, known),
        Rule::Named(named) => assigned::value(text, keyword.end, named, known),
        Rule::KeyBlock => forms::key_block(text, keyword.start, known),
        Rule::JsonWebToken => forms::json_web_token(text, keyword.start, known),
        Rule::Scheme => forms::scheme_token(text, keyword.end),
        Rule::Address => forms::user_of_address(text, keyword.start),
        Rule::Around { before, after } => forms::around(text, keyword, before, after),
        Rule::BotToken => forms::bot_token(text, keyword),
        Rule::Webhook => forms::webhook_path(text, keyword.end),
        Rule::Cookie => forms::cookie(text, keyword.end),
    }
}

fn prefixed(
    text: &[u8],
    rule: &Prefixed,
    keyword: Range<usize>,
    known: &mut forms::Known,
) -> Option<Range<usize>> {
    if text.get(keyword.clone())? != rule.prefix.as_bytes() || !starts_token(text, keyword.start) {
        return None;
    }
    let fits = |byte: u8| rule.chars.has(byte);
    let stretch = known.of(rule.chars);
    let sample = text.get(keyword.end..stretch.run(text, keyword.end, SAMPLE, fits))?;
    if sample.len() < rule.least || stretch.is_poor(rule.entropy) {
        return None;
    }
    if !is_random(sample, rule.entropy) {
        stretch.restart(text, keyword.end);
        return None;
    }
    let end = run(text, keyword.end + sample.len(), TOKEN, fits);
    // A sentence may end after a token of dots.
    let end = run_back(text, end, 4, |byte| byte == b'.');
    Some(keyword.start..end)
}

#[cfg(test)]
mod tests;
