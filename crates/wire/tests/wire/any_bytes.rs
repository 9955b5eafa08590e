//! The bodies of the fuzz targets over a fixed corpus of random inputs.

/// Pieces of which messages, and almost-messages, are made.
const PIECES: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b" ",
    b"\r",
    b"\n",
    b"\"",
    b"\\",
    b"\\u",
    b"\\ud83d",
    b"\\ude00",
    b"\"jsonrpc\":\"2.0\"",
    b"\"id\":1",
    b"\"id\":\"a\"",
    b"\"i\\u0064\":-1.50e+3",
    b"\"method\":\"tools/call\"",
    b"\"method\":\"x\"",
    b"\"params\":{\"name\":\"t\",\"arguments\":{\"a\":1}}",
    b"\"params\":{",
    b"\"result\":{\"isError\":true}",
    b"\"error\":{}",
    b"\"Method\":0",
    b"\"a\":1",
    b"\"a\":{}",
    b"\"\\u0061\":[]",
    b"\"b\"",
    b"0",
    b"-",
    b"01",
    b"1.",
    b".5",
    b"1e9",
    b"1E-9",
    b"123456789012345678901234567890",
    b"true",
    b"false",
    b"null",
    b"nul",
    b"NaN",
    b"\xc3\xa9",
    b"\xf0\x9f\x98\x80",
    b"\xff",
    b"\xed\xa0\xbd",
    b"\x00",
    b"\x1f",
    b"\x7f",
    b"\xef\xbb\xbf",
    b"a long run of plain text that takes more than one word to step over, and more than a block",
];

#[test]
fn random_messages_get_the_verdict_of_other_readers() {
    let mut random = Random(0x5eed_0001);
    for _ in 0..60_000 {
        let mut line = Vec::new();
        if random.below(2) == 0 {
            let members: Vec<_> = (0..random.below(7))
                .map(|_| PIECES[14 + random.below(16)])
                .collect();
            line = [b"{", members.join(b",".as_slice()).as_slice(), b"}"].concat();
        }
        for _ in 0..random.below(6) {
            let piece = PIECES[random.below(PIECES.len())];
            let at = random.below(line.len() + 1);
            line.splice(at..at, piece.iter().copied());
        }
        if random.below(4) == 0 && !line.is_empty() {
            let at = random.below(line.len());
            line[at] = random.below(256) as u8;
        }
        crate::scan_body::scan_any(&line);
    }
}

#[test]
fn random_streams_split_like_a_plain_split() {
    let mut random = Random(0x5eed_0002);
    for _ in 0..3_000 {
        let length = random.below(3_000);
        let feed_every = 1 + random.below(400);
        let mut byte = || match random.below(feed_every) {
            0 => b'\n',
            1 => b'\r',
            other => other as u8,
        };
        let data: Vec<u8> = (0..length).map(|_| byte()).collect();
        crate::lines_body::frame_any(&data);
    }
}

#[test]
fn random_long_texts_split_like_a_plain_split() {
    let mut random = Random(0x5eed_0003);
    for _ in 0..600 {
        let mut data = vec![b'a'; 3 + random.below(4_000)];
        for _ in 0..random.below(4) {
            let at = random.below(data.len());
            data[at] = b"\"\\\n\r\x01\xff"[random.below(6)];
        }
        for byte in &mut data[..3] {
            *byte = random.below(256) as u8;
        }
        crate::lines_body::frame_any(&data);
    }
}

/// A xorshift generator: the same inputs on every run and every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound.max(1)
    }
}
