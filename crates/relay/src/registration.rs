//! Telling the event loop of a descriptor.

use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdRegisterError};

/// Registers a descriptor with the running event loop.
///
/// # Errors
/// Gives the descriptor back when epoll refuses it.
#[expect(
    deprecated,
    reason = "the successor is unsafe because a caller could pass a type that changes its \
              descriptor; an OwnedFd can not, and unsafe code stays in dropgate-process"
)]
pub(crate) fn register(
    fd: OwnedFd,
    interest: Interest,
) -> Result<AsyncFd<OwnedFd>, AsyncFdRegisterError<OwnedFd>> {
    AsyncFd::try_with_interest(fd, interest)
}
