use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;

use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};

use dropgate_wire::{Limits, Line};

use super::outlet::MAX_OWN_BYTES;
use super::{Hold, Intake, Outflow, Outlet, Regard};
use crate::endpoint::{Endpoint, Moved};

/// A pipe that holds one page, so that every long write is cut.
fn narrow_pipe() -> (OwnedFd, OwnedFd) {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
    fcntl_setpipe_size(&write, 4096).expect("one page");
    (read, write)
}

struct Bench {
    feed: Option<std::fs::File>,
    intake: Intake,
    outlet: Outlet,
    drain: std::fs::File,
    seen: Vec<u8>,
}

impl Bench {
    fn new() -> Self {
        let (from, feed) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
        let (drain, to) = narrow_pipe();
        Self {
            feed: Some(feed.into()),
            intake: Intake::new(Endpoint::own(from).expect("registers"), Limits::default()),
            outlet: Outlet::new(Endpoint::own(to).expect("registers")),
            drain: drain.into(),
            seen: Vec::new(),
        }
    }

    fn feed(&mut self, text: &str) {
        let feed = self.feed.as_mut().expect("still open");
        feed.write_all(text.as_bytes()).expect("fits the pipe");
        assert!(matches!(self.intake.read(Regard::Nothing), Moved::Bytes(_)));
    }

    /// Judges what was read: lines that begin with a dash do not pass.
    fn judge(&mut self) {
        while let Some(Line::Whole(span, end)) = self.intake.next_line() {
            if self.intake.lines.bytes(span.clone()).starts_with(b"-") {
                self.intake.leave_out(end);
            } else {
                self.intake.pass(span.start, end);
            }
        }
    }

    /// Reads what fits the narrow pipe, so that more can be written.
    fn make_way(&mut self) {
        let mut page = [0; 4096];
        let count = self.drain.read(&mut page).expect("something is there");
        self.seen.extend_from_slice(&page[..count]);
    }

    fn has_backlog(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut fds = [PollFd::new(&self.drain, PollFlags::IN)];
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        poll(&mut fds, Some(&now)).expect("polls") > 0
    }

    async fn flush_all(&mut self) {
        while self.outlet.flush(&mut self.intake) == Outflow::Waiting {
            // At first nothing is full: the endpoint only has to hear so.
            if self.has_backlog() {
                self.make_way();
            }
            std::future::poll_fn(|cx| self.outlet.poll_writable(cx)).await;
        }
    }

    fn lines(mut self) -> Vec<String> {
        self.outlet.close();
        self.drain.read_to_end(&mut self.seen).expect("ends");
        let text = String::from_utf8(self.seen).expect("what was written");
        text.lines().map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn a_message_of_our_own_never_lands_inside_another() {
    let long = "x".repeat(10_000);
    let mut bench = Bench::new();
    bench.feed(&format!("{long}\nsecond\n"));
    bench.judge();
    std::future::poll_fn(|cx| bench.outlet.poll_writable(cx)).await;
    // Stops inside the first message, as the pipe is full.
    assert_eq!(bench.outlet.flush(&mut bench.intake), Outflow::Waiting);
    bench.outlet.say(b"own\n");
    bench.flush_all().await;
    bench.outlet.say(b"own again\n");
    bench.feed("third\n");
    bench.judge();
    bench.flush_all().await;
    assert_eq!(
        bench.lines(),
        [&long, "second", "own", "own again", "third"]
    );
}

#[tokio::test]
async fn a_line_that_is_left_out_leaves_the_others_whole() {
    let mut bench = Bench::new();
    bench.feed("one\n-no\ntwo\n-neither\nthree\n");
    bench.judge();
    bench.flush_all().await;
    assert_eq!(bench.lines(), ["one", "two", "three"]);
}

#[tokio::test]
async fn a_last_line_without_an_end_is_given_one() {
    let mut bench = Bench::new();
    bench.feed("one\ntwo");
    bench.judge();
    bench.feed = None;
    assert_eq!(bench.intake.read(Regard::Nothing), Moved::Closed);
    bench.judge();
    bench.intake.insert(b"mine\n".to_vec(), Hold::NONE);
    bench.flush_all().await;
    assert_eq!(bench.lines(), ["one", "two", "mine"]);
}

#[tokio::test]
async fn nobody_reading_is_told_and_nothing_waits_any_more() {
    let mut bench = Bench::new();
    bench.feed("one\n");
    bench.judge();
    let (unread, _) = narrow_pipe();
    bench.drain = unread.into();
    std::future::poll_fn(|cx| bench.outlet.poll_writable(cx)).await;
    assert_eq!(bench.outlet.flush(&mut bench.intake), Outflow::Broken);
    assert!(!bench.intake.is_held_up() && !bench.outlet.is_open());
}

#[tokio::test]
async fn what_is_held_waits_with_all_behind_it() {
    let mut bench = Bench::new();
    bench.feed("one\ntwo\nthree\n");
    let holds = [Hold::NONE, Hold(1), Hold::NONE];
    for hold in holds {
        if let Some(Line::Whole(span, end)) = bench.intake.next_line() {
            bench.intake.pass_after(span.start, end, hold);
        }
    }
    bench.intake.insert(b"mine\n".to_vec(), Hold(2));
    std::future::poll_fn(|cx| bench.outlet.poll_writable(cx)).await;
    assert_eq!(bench.outlet.flush(&mut bench.intake), Outflow::Held);
    assert!(!bench.outlet.has_free_backlog(&bench.intake));
    bench.make_way();
    assert_eq!(bench.seen, b"one\n");
    bench.outlet.say(b"free\n");
    bench.outlet.release_up_to(Hold(1));
    assert_eq!(bench.outlet.flush(&mut bench.intake), Outflow::Held);
    bench.outlet.release_up_to(Hold(2));
    assert_eq!(bench.outlet.flush(&mut bench.intake), Outflow::Clear);
    assert_eq!(bench.lines(), ["one", "free", "two", "three", "mine"]);
}

#[tokio::test]
async fn only_what_is_written_whole_has_passed() {
    let mut bench = Bench::new();
    bench.feed("one\n");
    if let Some(Line::Whole(span, end)) = bench.intake.next_line() {
        bench.intake.pass_after(span.start, end, Hold(1));
    }
    // More than the pipe takes.
    bench.intake.insert([b'x'; 10_000].to_vec(), Hold(2));
    bench.intake.insert(b"three\n".to_vec(), Hold(3));
    bench.outlet.release_up_to(Hold(3));
    assert_eq!(bench.intake.passed(), Hold::NONE);
    std::future::poll_fn(|cx| bench.outlet.poll_writable(cx)).await;
    assert_eq!(bench.outlet.flush(&mut bench.intake), Outflow::Waiting);
    assert_eq!(bench.intake.passed(), Hold(1));
    bench.outlet.close();
    assert_eq!(bench.outlet.flush(&mut bench.intake), Outflow::Broken);
    assert_eq!(bench.intake.passed(), Hold(1));
}

#[tokio::test]
async fn what_is_withdrawn_is_replaced() {
    let mut bench = Bench::new();
    bench.feed("one\ntwo\nthree\n");
    let mut number = 0;
    while let Some(Line::Whole(span, end)) = bench.intake.next_line() {
        number += 1;
        bench.intake.pass_after(span.start, end, Hold(number));
    }
    bench.intake.withdraw(Hold(2), b"lost\n".to_vec());
    bench.outlet.release_up_to(Hold(1));
    bench.intake.withdraw(Hold(3), b"lost too\n".to_vec());
    bench.flush_all().await;
    assert_eq!(bench.lines(), ["one", "lost", "lost too"]);
}

#[tokio::test]
async fn answers_for_a_host_that_does_not_read_are_bounded() {
    let mut bench = Bench::new();
    let answer = vec![b'a'; 64 << 10];
    let mut said = 0;
    while !bench.outlet.is_congested() {
        bench.outlet.say(&answer);
        said += answer.len();
        assert!(said <= MAX_OWN_BYTES + answer.len());
    }
    assert!(said > MAX_OWN_BYTES);
}
