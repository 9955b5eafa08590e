//! Where somebody listens.

/// An address that was taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) scheme: Scheme,
    /// Without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    prefix: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

/// What is wrong with an address.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address; write http://HOST:PORT or https://HOST:PORT")]
pub(crate) struct BadAddress(String);

/// The most characters of a bad address that a message repeats.
const MAX_SHOWN: usize = 100;

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self, BadAddress> {
        Self::read(text).ok_or_else(|| BadAddress(text.chars().take(MAX_SHOWN).collect()))
    }

    fn read(text: &str) -> Option<Self> {
        let (scheme, rest, default) = match text.split_once("://")? {
            ("http", rest) => (Scheme::Http, rest, 80),
            ("https", rest) => (Scheme::Https, rest, 443),
            _other => return None,
        };
        let plain = |letter: char| letter.is_ascii_graphic() && !"@?#\\\"<>%".contains(letter);
        if !rest.chars().all(plain) {
            return None;
        }
        let (authority, prefix) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (host, port) = match authority.strip_prefix('[') {
            Some(inside) => {
                let (host, after) = inside.split_once(']')?;
                (
                    host,
                    after.strip_prefix(':').or(after.is_empty().then_some("")),
                )
            }
            None => match authority.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, Some("")),
            },
        };
        let port = match port? {
            "" => default,
            digits => digits.parse().ok()?,
        };
        (!host.is_empty()).then(|| Self {
            scheme,
            host: host.to_owned(),
            port,
            prefix: prefix.trim_end_matches('/').to_owned(),
        })
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(crate) fn host_header(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        for (text, host, port, prefix) in [
            ("http://127.0.0.1:8200", "127.0.0.1", 8200, ""),
            ("https://vault.internal", "vault.internal", 443, ""),
            ("http://[::1]:8200/bao/", "::1", 8200, "/bao"),
            ("http://h/", "h", 80, ""),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!((address.host.as_str(), address.port), (host, port));
            assert_eq!(address.prefix(), prefix);
        }
        for text in [
            "",
            "vault:8200",
            "ftp://h",
            "http://",
            "http://u@h",
            "http://h:x",
            "http://h\r\nX: y",
            "http://[::1",
            "http://h:99999",
            "http://a b",
            "http://h?x",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }
}
