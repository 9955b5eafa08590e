//! The error text of a careless server: everything that must not reach a model or a log.

/// Kinds of text that an error must not carry to its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A frame of a stack trace.
    StackFrame,
    /// An absolute path.
    Path,
    /// A database statement with its parameters.
    Sql,
    /// An address inside the network of the server.
    Address,
    /// A credential.
    Credential,
}

/// A piece of [`TEXT`] that proves a leak when a caller sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What the piece is.
    pub kind: Kind,
    /// The piece, word for word.
    pub text: &'static str,
}

/// Error text of the tool `fail`.
pub const TEXT: &str = "Error: connect ECONNREFUSED 10.20.30.40:5432\n    \
     at PgPool.connect (/srv/orders/node_modules/pg/lib/pool.js:52:17)\n    \
     at async listOrders (/srv/orders/dist/tools/orders.js:118:9)\n\
     while running SELECT card_number, cvv FROM payments WHERE customer_id = 4711\n\
     with api_key=sk-proj-Zm9vYmFyYmF6cXV4MDEyMzQ1Njc4OTAxMjM0NTY3";

/// The pieces of [`TEXT`] to look for.
pub const MARKS: &[Mark] = &[
    Mark {
        kind: Kind::StackFrame,
        text: "at PgPool.connect",
    },
    Mark {
        kind: Kind::Path,
        text: "/srv/orders/",
    },
    Mark {
        kind: Kind::Sql,
        text: "SELECT card_number",
    },
    Mark {
        kind: Kind::Address,
        text: "10.20.30.40:5432",
    },
    Mark {
        kind: Kind::Credential,
        text: "sk-proj-Zm9vYmFyYmF6cXV4MDEyMzQ1Njc4OTAxMjM0NTY3",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_is_in_the_text() {
        for mark in MARKS {
            assert!(TEXT.contains(mark.text), "{:?}", mark.kind);
        }
    }
}
