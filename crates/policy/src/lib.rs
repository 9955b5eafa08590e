//! Answers authorisation questions: Cedar embedded, AuthZEN 1.0 remote.
#![forbid(unsafe_code)]
