//! Owns a process tree: spawn, own, stop, prove it empty.
