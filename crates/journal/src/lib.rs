//! A durable, hash-chained record of calls: append, recover, verify, look up.
#![forbid(unsafe_code)]
