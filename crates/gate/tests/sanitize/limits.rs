//! Any bytes, and texts made to be slow.
