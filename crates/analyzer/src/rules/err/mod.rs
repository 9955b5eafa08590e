//! What callers learn of failures: ERR-001, ERR-002, ERR-004.
