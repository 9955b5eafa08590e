//! Lines out of streams that arrive in any pieces.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::lines_body::{Framed, framed, split};
use dropgate_wire::{Limits, Line, LineBuffer, Retain};
use proptest::prelude::*;

const SMALL: Limits = Limits {
    max_bytes: 10,
    max_depth: 8,
};

fn feed(buffer: &mut LineBuffer, bytes: &[u8]) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let spare = buffer.spare();
        let count = rest.len().min(spare.len());
        assert!(count > 0);
        spare[..count].copy_from_slice(&rest[..count]);
        buffer.filled(count);
        rest = &rest[count..];
    }
}

#[test]
fn every_split_of_a_stream_gives_the_same_lines() {
    let stream = b"{\"a\":1}\r\n\n\r\nten bytes!\neleven byte\nten bytes!\r\neleven byte\r\n\xf0\x9f\x98\x80\n\r\r\nlast";
    let expected = split(stream, &SMALL);
    assert_eq!(
        expected
            .iter()
            .filter(|line| matches!(line, Framed::TooLong(_)))
            .count(),
        2
    );
    for at in 0..=stream.len() {
        let mut buffer = LineBuffer::new(SMALL);
        let mut lines = Vec::new();
        for part in [&stream[..at], &stream[at..]] {
            feed(&mut buffer, part);
            lines.extend(std::iter::from_fn(|| buffer.next_line()));
        }
        lines.extend(std::iter::from_fn(|| buffer.finish()));
        assert_eq!(lines.len(), expected.len(), "split at {at}");
        for (line, expected) in lines.iter().zip(&expected) {
            let found = match line {
                Line::Whole(span, end) => Framed::Whole(
                    buffer.bytes(span.clone()).to_vec(),
                    buffer.bytes(span.start..*end).to_vec(),
                ),
                Line::TooLong { prefix, .. } => {
                    Framed::TooLong(buffer.bytes(prefix.clone()).to_vec())
                }
            };
            assert_eq!(&found, expected, "split at {at}");
        }
    }
    for piece in 1..=stream.len() {
        assert_eq!(
            framed(stream, &SMALL, piece, 2),
            expected,
            "pieces of {piece}"
        );
    }
}

#[test]
fn a_run_of_lines_is_one_unchanged_slice() {
    let mut buffer = LineBuffer::new(Limits::default());
    feed(&mut buffer, b"released\none\r\ntwo\n\nthree\nfour");
    let Some(Line::Whole(_, released)) = buffer.next_line() else {
        panic!()
    };
    buffer.release(released);
    let mut end = released;
    while let Some(Line::Whole(_, next)) = buffer.next_line() {
        end = next;
    }
    assert_eq!(buffer.bytes(released..end), b"one\r\ntwo\n\nthree\n");
}

#[test]
fn positions_survive_growth_until_they_are_released() {
    let mut buffer = LineBuffer::new(Limits::default());
    feed(&mut buffer, b"first\nsecond\n");
    let Some(Line::Whole(first, after_first)) = buffer.next_line() else {
        panic!()
    };
    let Some(Line::Whole(second, after_second)) = buffer.next_line() else {
        panic!()
    };
    buffer.release(after_first);
    feed(&mut buffer, &vec![b'x'; 3 << 20]);
    assert_eq!(buffer.next_line(), None);
    assert_eq!(
        (buffer.bytes(first), buffer.bytes(second)),
        (b"".as_slice(), b"second".as_slice())
    );
    feed(&mut buffer, b"\n");
    let Some(Line::Whole(long, end)) = buffer.next_line() else {
        panic!()
    };
    assert_eq!((long.start, long.len()), (after_second, 3 << 20));
    buffer.release(end);
    assert_eq!(buffer.bytes(long), b"");
}

#[test]
fn nonsense_positions_do_no_harm() {
    let mut buffer = LineBuffer::new(Limits::default());
    buffer.release(99);
    buffer.filled(99);
    assert_eq!((buffer.next_line(), buffer.finish()), (None, None));
    feed(&mut buffer, b"line\nrest");
    buffer.release(usize::MAX);
    assert_eq!(buffer.next_line(), Some(Line::Whole(0..4, 5)));
    buffer.release(usize::MAX);
    assert_eq!(buffer.bytes(5..9), b"rest");
    assert_eq!(
        (buffer.bytes(0..9), buffer.bytes(5..usize::MAX)),
        (b"".as_slice(), b"".as_slice())
    );
    #[expect(clippy::reversed_empty_ranges)]
    let reversed = buffer.bytes(9..5);
    assert_eq!(reversed, b"");
    assert_eq!(buffer.finish(), Some(Line::Whole(5..9, 9)));
    assert_eq!(buffer.finish(), None);
}

#[test]
fn a_line_at_the_limit_is_whole_and_one_over_is_not() {
    let limits = Limits {
        max_bytes: 200_000,
        max_depth: 8,
    };
    for end in ["\n", "\r\n", ""] {
        let line = |length: usize| format!("{}{end}", "x".repeat(length)).into_bytes();
        // The third size splits the carriage return from the line feed.
        for piece in [1 << 10, 1 << 16, 200_001, 1 << 20] {
            let at_limit = framed(&line(200_000), &limits, piece, 0);
            let [Framed::Whole(content, _)] = at_limit.as_slice() else {
                panic!()
            };
            assert_eq!(content.len(), 200_000);
            let over = framed(&line(200_001), &limits, piece, 0);
            let [Framed::TooLong(excerpt)] = over.as_slice() else {
                panic!()
            };
            assert_eq!(excerpt.len(), 4096 + 512);
        }
    }
}

/// Searching the whole line after each piece would read hundreds of gigabytes.
#[test]
fn bytes_are_searched_once() {
    let mut buffer = LineBuffer::new(Limits::default());
    let start = Instant::now();
    for _ in 0..1 << 17 {
        feed(&mut buffer, &[b'z'; 64]);
        assert_eq!(buffer.next_line(), None);
    }
    feed(&mut buffer, b"\n");
    let Some(Line::Whole(span, _)) = buffer.next_line() else {
        panic!()
    };
    assert_eq!(span.len(), 8 << 20);
    let took = start.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn an_endless_line_is_not_buffered() {
    let limits = Limits {
        max_bytes: 1 << 20,
        max_depth: 8,
    };
    let mut buffer = LineBuffer::new(limits);
    feed(&mut buffer, b"before\n");
    assert!(buffer.next_line().is_some());
    for _ in 0..400 {
        feed(&mut buffer, &[b'y'; 32 << 10]);
        assert_eq!(buffer.next_line(), None);
        assert!(buffer.footprint() <= 4 << 20, "{}", buffer.footprint());
    }
    assert!(buffer.footprint() <= 256 << 10, "{}", buffer.footprint());
    feed(&mut buffer, b"the end\nafter\n");
    let Some(Line::TooLong { prefix, end }) = buffer.next_line() else {
        panic!()
    };
    assert!(
        buffer.bytes(prefix.clone()).starts_with(b"yyyy")
            && buffer.bytes(prefix).ends_with(b"ythe end")
    );
    let Some(Line::Whole(after, _)) = buffer.next_line() else {
        panic!()
    };
    assert_eq!(
        (after.start, buffer.bytes(after)),
        (end, b"after".as_slice())
    );
    assert_eq!(buffer.next_line(), None);
}

#[test]
fn memory_of_a_long_line_is_given_back() {
    let mut buffer = LineBuffer::new(Limits::default());
    assert_eq!(buffer.footprint(), 0);
    for _ in 0..3 {
        feed(&mut buffer, &vec![b'x'; 5 << 20]);
        feed(&mut buffer, b"\npart of the next");
        let Some(Line::Whole(span, end)) = buffer.next_line() else {
            panic!()
        };
        assert_eq!(span.len(), 5 << 20);
        buffer.release(end);
        assert!(buffer.footprint() <= 256 << 10, "{}", buffer.footprint());
        feed(&mut buffer, b" line\n");
        let Some(Line::Whole(span, end)) = buffer.next_line() else {
            panic!()
        };
        assert_eq!(buffer.bytes(span), b"part of the next line");
        buffer.release(end);
    }
}

#[test]
fn memory_is_retained_on_request_until_it_is_shrunk() {
    let mut buffer = LineBuffer::retaining(Limits::default(), Retain::UntilShrunk);
    for _ in 0..3 {
        feed(&mut buffer, &vec![b'x'; 5 << 20]);
        feed(&mut buffer, b"\nrest");
        let Some(Line::Whole(span, end)) = buffer.next_line() else {
            panic!()
        };
        assert_eq!(span.len(), 5 << 20);
        buffer.release(end);
        let footprint = buffer.footprint();
        assert!((5 << 20..8 << 20).contains(&footprint), "{footprint}");
        feed(&mut buffer, b"\n");
        let Some(Line::Whole(span, end)) = buffer.next_line() else {
            panic!()
        };
        assert_eq!(buffer.bytes(span), b"rest");
        buffer.release(end);
    }
    buffer.shrink();
    assert_eq!(buffer.footprint(), 0);
}

/// Bytes that were shown to `count_room`, of which there is one user.
static SHOWN: AtomicUsize = AtomicUsize::new(0);

fn count_room(room: &mut [MaybeUninit<u8>]) {
    SHOWN.fetch_add(room.len(), Ordering::Relaxed);
}

#[test]
fn memory_for_a_long_line_is_shown_once_before_it_is_used() {
    let mut buffer =
        LineBuffer::retaining(Limits::default(), Retain::UntilShrunk).preparing(count_room);
    feed(&mut buffer, &b"short\n".repeat(1_000));
    while let Some(Line::Whole(_, end)) = buffer.next_line() {
        buffer.release(end);
    }
    assert_eq!(SHOWN.load(Ordering::Relaxed), 0);
    for round in 0..2 {
        let text: Vec<u8> = (0..5 << 20).map(|n| b'a' + (n % 23) as u8).collect();
        for piece in [&text, &b"\n"[..]] {
            feed(&mut buffer, piece);
        }
        let Some(Line::Whole(span, end)) = buffer.next_line() else {
            panic!("round {round}: no line")
        };
        assert!(buffer.bytes(span) == text, "round {round}: other bytes");
        buffer.release(end);
        let shown = SHOWN.load(Ordering::Relaxed);
        assert!((6 << 20..64 << 20).contains(&shown), "{shown}");
    }
}

#[test]
fn steady_traffic_keeps_the_buffer_small() {
    let stream = [vec![b'x'; 700], b"\n".to_vec()].concat().repeat(5_000);
    for piece in [1 << 10, 5_000, 1 << 16] {
        let mut buffer = LineBuffer::new(Limits::default());
        for piece in stream.chunks(piece) {
            feed(&mut buffer, piece);
            while let Some(Line::Whole(_, end)) = buffer.next_line() {
                buffer.release(end);
            }
            assert!(buffer.footprint() <= 256 << 10, "{}", buffer.footprint());
        }
    }
}

#[test]
fn lines_that_are_never_released_stop_the_buffer_from_growing() {
    let mut buffer = LineBuffer::new(SMALL);
    let mut held = 0;
    loop {
        let room = buffer.spare().len();
        if room == 0 {
            break;
        }
        buffer.spare().fill(b'\n');
        buffer.filled(room);
        held += room;
        assert!(held <= 4 << 20);
    }
    assert!(held > 1 << 20);
    while let Some(Line::Whole(_, end)) = buffer.next_line() {
        buffer.release(end);
    }
    assert!(buffer.spare().len() >= 64 << 10);
}

proptest! {
    #[test]
    fn any_stream_in_any_pieces_splits_like_a_plain_split(
        lines in prop::collection::vec((0_usize..30_000, prop_oneof![Just("\n"), Just("\r\n")]), 0..12),
        last in 0_usize..9_000,
        max_bytes in 0_usize..20_000,
        piece in 1_usize..90_000,
        keep in 0_usize..4,
    ) {
        let line = |(length, end): &(usize, &str)| (0..*length).map(|n| b'a' + (n % 23) as u8).chain(end.bytes()).collect::<Vec<_>>();
        let mut stream = lines.iter().map(line).collect::<Vec<_>>().concat();
        stream.extend(line(&(last, "")));
        let limits = Limits { max_bytes, max_depth: 8 };
        prop_assert_eq!(framed(&stream, &limits, piece, keep), split(&stream, &limits));
    }
}
