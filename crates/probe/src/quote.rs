//! Command lines as text that a POSIX shell reads back word for word.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The words as one command line.
pub(crate) fn join(words: &[OsString]) -> OsString {
    let quoted: Vec<Vec<u8>> = words.iter().map(|word| quote(word)).collect();
    OsString::from_vec(quoted.join(&b' '))
}

fn quote(word: &OsStr) -> Vec<u8> {
    let bytes = word.as_bytes();
    let harmless = |byte: &u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(byte);
    if !bytes.is_empty() && bytes.iter().all(harmless) {
        return bytes.to_owned();
    }
    let mut quoted = vec![b'\''];
    for byte in bytes {
        match byte {
            b'\'' => quoted.extend(br"'\''"),
            other => quoted.push(*other),
        }
    }
    quoted.push(b'\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_as_they_were() {
        let rows = [
            (vec!["a", "--b=c/d.e"], "a --b=c/d.e"),
            (vec!["a b", "", "$x"], "'a b' '' '$x'"),
            (vec!["it's"], r"'it'\''s'"),
        ];
        for (words, line) in rows {
            let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
            assert_eq!(join(&words), line);
        }
    }
}
