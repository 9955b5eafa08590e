//! A line judged where it was buffered gets the verdict that it gets alone,
//! however it arrived and whatever the buffer learned of it on the way.

use dropgate_wire::{Direction, Limits, Line, LineBuffer, scan, scan_buffered, too_long};
use proptest::prelude::*;

/// A message with a long text, now and then with something in it that ends
/// plain text, or that makes the message invalid.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => (1_usize..60_000).prop_map(|count| vec![b'a'; count]),
        1 => Just(b"\\\"".to_vec()),
        1 => Just("\u{1F600}".as_bytes().to_vec()),
        1 => Just(b"{}[]:,".to_vec()),
        1 => Just(b"\"".to_vec()),
        1 => Just(vec![0x01]),
        1 => Just(vec![0xff]),
        1 => Just(b"\\x".to_vec()),
    ];
    proptest::collection::vec(piece, 1..6).prop_map(|pieces| {
        let mut line = br#"{"jsonrpc":"2.0","id":1,"result":{"t":""#.to_vec();
        line.extend(pieces.concat());
        line.extend_from_slice(br#""}}"#);
        line
    })
}

fn verdicts(stream: &[u8], chunk: usize, limits: &Limits) -> Vec<String> {
    let mut buffer = LineBuffer::new(*limits);
    let mut seen = Vec::new();
    for part in stream.chunks(chunk) {
        let mut part = part;
        while !part.is_empty() {
            let room = buffer.spare();
            let count = part.len().min(room.len());
            room[..count].copy_from_slice(&part[..count]);
            buffer.filled(count);
            part = &part[count..];
            while let Some(line) = buffer.next_line() {
                let there = scan_buffered(&buffer, &line, limits, Direction::FromServer);
                let (alone, end) = match &line {
                    Line::Whole(span, end) => (
                        scan(buffer.bytes(span.clone()), limits, Direction::FromServer),
                        *end,
                    ),
                    Line::TooLong { prefix, end } => {
                        (Err(too_long(buffer.bytes(prefix.clone()), limits)), *end)
                    }
                };
                let (there, alone) = (format!("{there:?}"), format!("{alone:?}"));
                assert_eq!(there, alone);
                seen.push(there);
                buffer.release(end);
            }
        }
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_verdict_does_not_depend_on_the_arrival(
        messages in proptest::collection::vec(message(), 1..5),
        chunk in 1_000_usize..70_000,
        max_bytes in prop_oneof![Just(64 << 20), 20_000_usize..200_000],
    ) {
        let limits = Limits { max_bytes, ..Limits::default() };
        let stream: Vec<u8> = messages.iter().flat_map(|one| [one, &b"\n"[..]].concat()).collect();
        let seen = verdicts(&stream, chunk, &limits);
        prop_assert_eq!(seen.len(), messages.len());
        prop_assert_eq!(&seen, &verdicts(&stream, stream.len(), &limits));
    }
}

#[test]
fn five_mebibytes_of_text_in_pipe_sized_pieces() {
    let mut stream = br#"{"jsonrpc":"2.0","id":"x","result":{"t":""#.to_vec();
    stream.resize(5 << 20, b'x');
    stream.extend_from_slice(b"\"}}\n");
    let seen = verdicts(&stream, 64 << 10, &Limits::default());
    assert_eq!(seen.len(), 1);
    assert!(seen[0].starts_with("Ok(Response"), "{}", seen[0]);
}
