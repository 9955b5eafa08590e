//! Where a program offers HTTP.

use std::fmt;
use std::str::FromStr;

use crate::target::PORT_PLACE;

/// The address of a program that offers MCP over HTTP on this machine.
///
/// Read from `http://HOST:PORT/PATH`, where the port is a number or [`PORT_PLACE`]. A path that ends
/// in `/sse` means the transport of 2024-11-05, any other Streamable HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub(crate) host: String,
    pub(crate) port: Port,
    pub(crate) path: String,
}

/// The port of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    /// A free one is to be found.
    Any,
    Number(u16),
}

/// Which of the two transports is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Streamable,
    /// Answers come on a stream that is opened first; it also tells where questions go.
    Sse,
}

impl Address {
    /// The address with its port found.
    pub(crate) fn with_port(&self, port: u16) -> Self {
        let port = match self.port {
            Port::Any => Port::Number(port),
            number @ Port::Number(_) => number,
        };
        Self {
            port,
            ..self.clone()
        }
    }

    pub(crate) fn transport(&self) -> Transport {
        let path = self.path.split('?').next().unwrap_or_default();
        if path.trim_end_matches('/').ends_with("/sse") {
            Transport::Sse
        } else {
            Transport::Streamable
        }
    }

    /// Host and port as a connection needs them.
    pub(crate) fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        match port {
            Port::Any => format!("{host}:{PORT_PLACE}"),
            Port::Number(port) => format!("{host}:{port}"),
        }
    }
}

/// The text is no address that can be spoken to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no address of an HTTP server: {why}; write it as http://127.0.0.1:{{port}}/mcp"
)]
pub struct NotAnAddress {
    text: String,
    why: &'static str,
}

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let refuse = |why| NotAnAddress {
            text: text.to_owned(),
            why,
        };
        let rest = text
            .strip_prefix("http://")
            .ok_or_else(|| refuse("it must begin with http://, TLS is not spoken"))?;
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refuse("it must consist of visible ASCII characters"));
        }
        let path_at = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(path_at);
        let (host, port) = authority
            .rsplit_once(':')
            .ok_or_else(|| refuse("it has no port"))?;
        if host.is_empty() || host.contains('@') {
            return Err(refuse("it has no host, or a user name before it"));
        }
        let port = if port == PORT_PLACE {
            Port::Any
        } else {
            let port = port
                .parse()
                .map_err(|_| refuse("its port is neither a number nor {port}"))?;
            Port::Number(port)
        };
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self {
            host: host.to_owned(),
            port,
            path: path.to_owned(),
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority(), self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let rows = [
            ("http://127.0.0.1:{port}/mcp", Transport::Streamable),
            ("http://localhost:80/servers/a/sse", Transport::Sse),
            ("http://localhost:80/sse/?x=1", Transport::Sse),
            ("http://localhost:80/", Transport::Streamable),
        ];
        for (text, transport) in rows {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.transport(), transport, "{text}");
            assert_eq!(address.to_string(), text);
        }
        let address: Address = "http://h:{port}".parse().unwrap();
        assert_eq!(address.with_port(7).to_string(), "http://h:7/");
    }

    #[test]
    fn what_can_not_be_spoken_to_is_refused_with_a_reason() {
        let rows = [
            ("https://h:1/", "TLS"),
            ("h:1", "begin with"),
            ("http://h/mcp", "no port"),
            ("http://:1/", "no host"),
            ("http://u@h:1/", "user name"),
            ("http://h:x/", "neither a number"),
            ("http://h:1/a b", "visible ASCII"),
        ];
        for (text, why) in rows {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(
                error.contains(why) && error.contains("{port}/mcp"),
                "{error}"
            );
        }
    }
}
