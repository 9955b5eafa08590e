//! What became of a call.

/// What became of a call. Every call gets exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The server answered with a result.
    Completed,
    /// The server answered with a result that says the tool failed (`isError`).
    ToolError,
    /// The server answered with a JSON-RPC error.
    RpcError,
    /// The call was cancelled, and either the server confirmed it with an error or the host no
    /// longer wants to know.
    Cancelled,
    /// The call's deadline passed; the server was told to stop, and it may or may not have run.
    TimedOut,
    /// The call was refused by policy.
    Denied,
    /// The call never reached the server.
    NotExecuted,
    /// The call reached the server and no answer came: it may or may not have run.
    Unknown,
    /// The call was refused because too many were in flight, or came too fast.
    Shed,
}

impl Outcome {
    /// Every outcome, in the order of the enum.
    pub const ALL: [Self; 9] = [
        Self::Completed,
        Self::ToolError,
        Self::RpcError,
        Self::Cancelled,
        Self::TimedOut,
        Self::Denied,
        Self::NotExecuted,
        Self::Unknown,
        Self::Shed,
    ];

    /// The name used in answers and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::ToolError => "tool_error",
            Self::RpcError => "rpc_error",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::Denied => "denied",
            Self::NotExecuted => "not_executed",
            Self::Unknown => "unknown",
            Self::Shed => "shed",
        }
    }

    /// Whether the same call may be made again.
    ///
    /// A failed or cancelled call may have done part of its work, so it is [`Retry::Unsafe`].
    #[must_use]
    pub fn retry(self) -> Retry {
        match self {
            Self::NotExecuted | Self::Shed => Retry::Safe,
            Self::ToolError | Self::RpcError | Self::Cancelled | Self::TimedOut | Self::Unknown => {
                Retry::Unsafe
            }
            Self::Completed | Self::Denied => Retry::Never,
        }
    }
}

/// Whether a call may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Nothing ran: calling again can't do the work twice.
    Safe,
    /// Something may have run: check before calling again.
    Unsafe,
    /// Calling again is pointless or worse: the work is done, or it is not allowed.
    Never,
}

impl Retry {
    /// The name used in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Unsafe => "unsafe",
            Self::Never => "never",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_retries_are_the_documented_ones() {
        let rows =
            Outcome::ALL.map(|outcome| format!("{} {}", outcome.name(), outcome.retry().name()));
        assert_eq!(
            rows,
            [
                "completed never",
                "tool_error unsafe",
                "rpc_error unsafe",
                "cancelled unsafe",
                "timed_out unsafe",
                "denied never",
                "not_executed safe",
                "unknown unsafe",
                "shed safe",
            ]
        );
    }
}
