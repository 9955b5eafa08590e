//! One walk over a message that notes the members which dropgate reads.

use std::borrow::Cow;

use crate::keys::Escaped;
use crate::scanner::{Fault, Scanner, Token};
use crate::text;

/// The raw values of the members that matter; the last one counts where a key is there twice.
#[derive(Debug, Default)]
pub(crate) struct Members<'a> {
    pub(crate) jsonrpc: Option<&'a [u8]>,
    pub(crate) id: Option<&'a [u8]>,
    pub(crate) method: Option<Word<'a>>,
    pub(crate) params: Option<&'a [u8]>,
    pub(crate) result: Option<&'a [u8]>,
    pub(crate) error: Option<&'a [u8]>,
    /// `name` of `params`.
    pub(crate) name: Option<Word<'a>>,
    /// `arguments` of `params`.
    pub(crate) arguments: Option<&'a [u8]>,
    /// `requestState` and `inputResponses` of `params`.
    pub(crate) round: [Option<&'a [u8]>; 2],
    /// `_meta` of `params`.
    pub(crate) meta: Option<&'a [u8]>,
    /// `progressToken` of `params`.
    pub(crate) progress_token: Option<&'a [u8]>,
    /// `requestId` of `params`.
    pub(crate) request_id: Option<&'a [u8]>,
    /// Whether `result` says that it tells of a failure.
    pub(crate) success: Success,
    /// `resultType` of `result`.
    pub(crate) result_type: Option<Word<'a>>,
    /// `_meta` of `result`.
    pub(crate) result_meta: Option<&'a [u8]>,
    /// `code` of `error`.
    pub(crate) code: Option<&'a [u8]>,
    /// A key of the message that a reader which ignores case would take for one of the above.
    pub(crate) look_alike: Option<&'static str>,
    /// The same among `params`, for what is told apart there.
    pub(crate) params_look_alike: Option<&'static str>,
}

/// A value whose meaning as a text is needed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Word<'a> {
    /// The inside of a string token, and whether it holds escapes.
    Text(&'a [u8], Escaped),
    /// It is no string.
    Other,
}

impl<'a> Word<'a> {
    /// What it means, or nothing when it is no string of whole characters.
    pub(crate) fn meaning(&self) -> Option<Cow<'a, str>> {
        match *self {
            // Most requests are calls of tools.
            Self::Text(b"tools/call", _) => Some(Cow::Borrowed("tools/call")),
            Self::Text(inside, Escaped::No) => std::str::from_utf8(inside).ok().map(Cow::Borrowed),
            Self::Text(inside, Escaped::Yes) => text::decoded_str(inside),
            Self::Other => None,
        }
    }
}

/// What `isError` of a result says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Success {
    /// It is not there, or literally `false`.
    #[default]
    NotDenied,
    /// It is `true`, or what may be taken for it: a reader that is not strict sees a failure in a text or a number, and
    /// one that ignores case in another spelling of the key.
    Denied,
}

impl<'a> Members<'a> {
    /// Reads the object that is the message.
    pub(crate) fn read(&mut self, scanner: &mut Scanner<'a>) -> Result<(), Fault> {
        scanner.object(|scanner, key| self.read_member(scanner, key))?;
        Ok(())
    }

    fn read_member(&mut self, scanner: &mut Scanner<'a>, key: Token) -> Result<(), Fault> {
        match key_text(scanner, key).as_ref() {
            b"jsonrpc" => self.jsonrpc = Some(scanner.raw_value()?),
            b"id" => self.id = Some(scanner.raw_value()?),
            b"method" => self.method = Some(word(scanner)?),
            b"params" => {
                self.params = Some(first_level(scanner, |scanner, key| {
                    self.read_param(scanner, key)
                })?);
            }
            b"result" => {
                self.result = Some(first_level(scanner, |scanner, key| {
                    self.read_result(scanner, key)
                })?);
            }
            b"error" => {
                self.error = Some(first_level(scanner, |scanner, key| {
                    self.read_error(scanner, key)
                })?);
            }
            other => {
                self.look_alike = self.look_alike.or(look_alike(other, MESSAGE_KEYS));
                scanner.raw_value()?;
            }
        }
        Ok(())
    }

    fn read_param(&mut self, scanner: &mut Scanner<'a>, key: Token) -> Result<(), Fault> {
        match key_text(scanner, key).as_ref() {
            b"name" => self.name = Some(word(scanner)?),
            b"arguments" => self.arguments = Some(scanner.raw_value()?),
            b"requestState" => self.round[0] = Some(scanner.raw_value()?),
            b"inputResponses" => self.round[1] = Some(scanner.raw_value()?),
            b"_meta" => self.meta = Some(scanner.raw_value()?),
            b"progressToken" => self.progress_token = Some(scanner.raw_value()?),
            b"requestId" => self.request_id = Some(scanner.raw_value()?),
            other => {
                self.params_look_alike = self.params_look_alike.or(look_alike(other, CALL_KEYS));
                scanner.raw_value()?;
            }
        }
        Ok(())
    }

    fn read_result(&mut self, scanner: &mut Scanner<'a>, key: Token) -> Result<(), Fault> {
        match key_text(scanner, key).as_ref() {
            b"_meta" => self.result_meta = Some(scanner.raw_value()?),
            b"resultType" => self.result_type = Some(word(scanner)?),
            other => {
                let is_error = other == b"isError" || look_alike(other, RESULT_KEYS).is_some();
                let value = scanner.raw_value()?;
                if is_error && value != b"false" {
                    self.success = Success::Denied;
                }
            }
        }
        Ok(())
    }

    fn read_error(&mut self, scanner: &mut Scanner<'a>, key: Token) -> Result<(), Fault> {
        let is_code = key_text(scanner, key).as_ref() == b"code";
        let value = scanner.raw_value()?;
        if is_code {
            self.code = Some(value);
        }
        Ok(())
    }
}

const MESSAGE_KEYS: &[(&str, &str)] = &[
    ("jsonrpc", "write jsonrpc in lower case"),
    ("id", "write id in lower case"),
    ("method", "write method in lower case"),
    ("params", "write params in lower case"),
    ("result", "write result in lower case"),
    ("error", "write error in lower case"),
];

const CALL_KEYS: &[(&str, &str)] = &[
    ("name", "write params.name in lower case"),
    ("arguments", "write params.arguments in lower case"),
    ("requestState", "write params.requestState as it is"),
    ("inputResponses", "write params.inputResponses as it is"),
];

const RESULT_KEYS: &[(&str, &str)] = &[("isError", "write result.isError as it is")];

/// What to tell the sender of a key that equals one of `known` but for its case. Some JSON readers ignore case: to
/// them such a key is a second spelling of the same member, and they would act on a value that nobody checked.
fn look_alike(key: &[u8], known: &[(&str, &'static str)]) -> Option<&'static str> {
    let is_alike = |name: &str| {
        if key.is_ascii() {
            name.as_bytes().eq_ignore_ascii_case(key)
        } else {
            std::str::from_utf8(key).is_ok_and(|key| folded(key).eq(folded(name)))
        }
    };
    let found = known
        .iter()
        .find(|(name, _)| name.as_bytes() != key && is_alike(name));
    found.map(|(_, advice)| *advice)
}

/// Characters without case. The long s and the kelvin sign fold to ASCII letters too.
fn folded(key: &str) -> impl Iterator<Item = char> {
    key.chars().map(|character| match character {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    })
}

/// A value; if it is an object, `member` is called for each key of its first level.
fn first_level<'a, F>(scanner: &mut Scanner<'a>, member: F) -> Result<&'a [u8], Fault>
where
    F: FnMut(&mut Scanner<'a>, Token) -> Result<(), Fault>,
{
    if scanner.peek() == Some(b'{') {
        scanner.object(member)
    } else {
        scanner.raw_value()
    }
}

fn word<'a>(scanner: &mut Scanner<'a>) -> Result<Word<'a>, Fault> {
    if scanner.peek() == Some(b'"') {
        let token = scanner.string()?;
        let inside = &scanner.line()[token.start..token.end];
        return Ok(Word::Text(inside, token.escaped));
    }
    scanner.raw_value()?;
    Ok(Word::Other)
}

fn key_text<'a>(scanner: &Scanner<'a>, key: Token) -> Cow<'a, [u8]> {
    let inside = &scanner.line()[key.start..key.end];
    match key.escaped {
        Escaped::No => Cow::Borrowed(inside),
        Escaped::Yes => text::decoded(inside),
    }
}
