//! Numbers compared by value, exactly, however they are written.

use std::fmt;

/// A JSON number in the one form that all its spellings share. Never rounded: no binary floating point is involved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Decimal {
    /// Every whole number that fits.
    Whole(i64),
    /// Digits without leading or trailing zeros, times ten to the power of `exponent`.
    Scaled {
        sign: Sign,
        digits: Box<[u8]>,
        exponent: i64,
    },
    /// A number whose exponent is beyond 64 bits: its own text.
    Verbatim(Box<[u8]>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Sign {
    Plus,
    Minus,
}

/// Most digits that a whole number of 64 bits can have.
const WHOLE_DIGITS: usize = 19;

impl Decimal {
    /// Reads a number token of the strict grammar.
    pub(crate) fn read(token: &[u8]) -> Self {
        if let Some(count) = short_count(token) {
            return Self::Whole(count);
        }
        let short = std::str::from_utf8(token)
            .ok()
            .and_then(|text| text.parse().ok());
        match short {
            Some(whole) => Self::Whole(whole),
            None => Self::read_any(token).unwrap_or_else(|| Self::Verbatim(token.into())),
        }
    }

    fn read_any(token: &[u8]) -> Option<Self> {
        let (sign, magnitude) = match token {
            [b'-', magnitude @ ..] => (Sign::Minus, magnitude),
            magnitude => (Sign::Plus, magnitude),
        };
        let (mantissa, power) = split_at_byte(magnitude, |byte| matches!(byte, b'e' | b'E'));
        let (whole, fraction) = split_at_byte(mantissa, |byte| byte == b'.');
        let mut digits = [whole, fraction.unwrap_or_default()].concat();
        let zeros = digits
            .iter()
            .rev()
            .take_while(|&&digit| digit == b'0')
            .count();
        digits.truncate(digits.len() - zeros);
        let leading = digits.iter().take_while(|&&digit| digit == b'0').count();
        digits.drain(..leading);
        if digits.is_empty() {
            return Some(Self::Whole(0));
        }
        let power: i64 = match power {
            Some(power) => std::str::from_utf8(power).ok()?.parse().ok()?,
            None => 0,
        };
        let fraction = i64::try_from(fraction.unwrap_or_default().len()).ok()?;
        let exponent = power
            .checked_sub(fraction)?
            .checked_add(i64::try_from(zeros).ok()?)?;
        let whole = whole_value(sign, &digits, exponent).map(Self::Whole);
        Some(whole.unwrap_or(Self::Scaled {
            sign,
            digits: digits.into(),
            exponent,
        }))
    }
}

impl fmt::Display for Decimal {
    /// Writes a JSON number that reads back as the same value.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(whole) => write!(out, "{whole}"),
            Self::Scaled {
                sign,
                digits,
                exponent,
            } => {
                let sign = match sign {
                    Sign::Plus => "",
                    Sign::Minus => "-",
                };
                write!(out, "{sign}{}e{exponent}", String::from_utf8_lossy(digits))
            }
            Self::Verbatim(token) => out.write_str(&String::from_utf8_lossy(token)),
        }
    }
}

/// A whole number that is not negative and has so few digits that nothing can overflow: nearly every id.
fn short_count(token: &[u8]) -> Option<i64> {
    if !(1..WHOLE_DIGITS).contains(&token.len()) {
        return None;
    }
    token.iter().try_fold(0, |count: i64, &byte| {
        byte.is_ascii_digit()
            .then(|| count * 10 + i64::from(byte - b'0'))
    })
}

fn split_at_byte(bytes: &[u8], is_split: impl Fn(u8) -> bool) -> (&[u8], Option<&[u8]>) {
    match bytes.iter().position(|&byte| is_split(byte)) {
        Some(at) => (&bytes[..at], Some(&bytes[at + 1..])),
        None => (bytes, None),
    }
}

fn whole_value(sign: Sign, digits: &[u8], exponent: i64) -> Option<i64> {
    let zeros = usize::try_from(exponent).ok()?;
    if digits.len().checked_add(zeros)? > WHOLE_DIGITS {
        return None;
    }
    let digits = digits
        .iter()
        .copied()
        .chain(std::iter::repeat_n(b'0', zeros));
    let magnitude = digits.fold(0, |value: i128, digit| {
        value * 10 + i128::from(digit - b'0')
    });
    let signed = match sign {
        Sign::Plus => magnitude,
        Sign::Minus => -magnitude,
    };
    i64::try_from(signed).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(token: &str) -> Decimal {
        Decimal::read(token.as_bytes())
    }

    #[test]
    fn spellings_of_one_value_are_equal() {
        let rows: [&[&str]; 7] = [
            &["0", "-0", "0.0", "-0.000e7", "0e99999999999999999999"],
            &["1", "1.0", "1e0", "1E+0", "10e-1", "0.1e1", "100.00e-2"],
            &["-12", "-12.0", "-1.2e1"],
            &["1e21", "1E+21", "1000000000000000000000", "0.1e22"],
            &[
                "9223372036854775807",
                "9223372036854775807.0",
                "922337203685477580.7e1",
            ],
            &["-9223372036854775808", "-9223372036854775808.0"],
            &["0.5", "5e-1", "0.50"],
        ];
        for row in rows {
            for spelling in row {
                assert_eq!(read(spelling), read(row[0]), "{spelling}");
            }
        }
    }

    #[test]
    fn neighbours_stay_different() {
        let rows = [
            "9007199254740992",
            "9007199254740993",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "-9223372036854775809",
            "123456789012345678901234567890",
            "123456789012345678901234567891",
            "-123456789012345678901234567890",
            "1e99999999999999999999",
            "1e99999999999999999998",
            "1e-400",
            "1e-401",
        ];
        for (index, left) in rows.iter().enumerate() {
            for right in &rows[..index] {
                assert_ne!(read(left), read(right));
            }
        }
    }

    #[test]
    fn what_is_shown_reads_back() {
        for token in [
            "7",
            "-7.25",
            "1e400",
            "123456789012345678901234567890",
            "1e99999999999999999999",
        ] {
            assert_eq!(read(&read(token).to_string()), read(token));
        }
    }
}
