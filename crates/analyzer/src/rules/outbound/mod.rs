//! What waits for others and what is written to them: TIME-001, CB-001, RETRY-001, IO-001.
