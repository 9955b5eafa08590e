//! The world that `dropgate run` is checked in: rows that say what each ending of each scenario
//! must leave and tell, and the means to play them with the real binary and real processes.
//!
//! The rows are in [`rows`], everything else plays them: a [`Run`] is one host, one dropgate and
//! one server, watched from outside by a [`census`]. The checks themselves are under `tests/`;
//! each is a program of its own (see [`checks`]), because a host process is that same program
//! started again.
//!
//! A check waits for events (a line, the end of a process, a cgroup that became empty), always
//! within a bound.
#![forbid(unsafe_code)]

pub mod attacks;
pub mod books;
pub mod census;
pub mod checks;
mod dice;
pub mod endings;
mod grid;
mod host;
mod place;
mod pool;
mod problem;
mod procfs;
pub mod rows;
mod run;
pub mod shapes;
mod talk;

pub use self::books::Books;
pub use self::dice::{Chance, Dice};
pub use self::grid::{Cell, Grid, State};
pub use self::host::{Launch, run_if_host};
pub use self::place::{Column, Place, User, as_user};
pub use self::pool::side_by_side;
pub use self::problem::{Checked, Says, fail, problem};
pub use self::procfs::{Seen, children, environment, seen, state};
pub use self::run::{Delegation, Ended, Run, Setup, await_state, ended_by, hold};
pub use self::talk::{Line, Talk};
