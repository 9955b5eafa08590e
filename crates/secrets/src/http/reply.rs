//! A reply, taken apart where it stands.

use std::ops::Range;

use dropgate_process::hidden::Hidden;

/// A status and a body, in hidden memory.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    memory: Hidden,
    body: Range<usize>,
}

/// The most header lines.
const MOST_HEADERS: usize = 128;

impl Reply {
    /// Reads the first `length` bytes; none if they are no whole reply.
    pub(crate) fn parse(mut memory: Hidden, length: usize) -> Option<Self> {
        let text = memory.as_mut_slice().get_mut(..length)?;
        let head = Head::read(text)?;
        let body = match head.framing {
            Framing::Length(size) => head.end..head.end.checked_add(size)?,
            Framing::Chunked => {
                let size = join_chunks(text.get_mut(head.end..)?)?;
                head.end..head.end + size
            }
            Framing::UntilClosed => head.end..length,
        };
        text.get(body.clone())?;
        Some(Self {
            status: head.status,
            memory,
            body,
        })
    }

    /// Whether what was read so far is a whole reply.
    pub(crate) fn is_whole(text: &[u8]) -> bool {
        let Some(head) = Head::read(text) else {
            return false;
        };
        let body = text.get(head.end..).unwrap_or_default();
        match head.framing {
            Framing::Length(size) => body.len() >= size,
            Framing::Chunked => body.ends_with(b"0\r\n\r\n"),
            Framing::UntilClosed => false,
        }
    }

    pub(crate) fn body(&self) -> &[u8] {
        self.memory
            .as_slice()
            .get(self.body.clone())
            .unwrap_or_default()
    }
}

struct Head {
    status: u16,
    /// Where the body begins.
    end: usize,
    framing: Framing,
}

enum Framing {
    Length(usize),
    Chunked,
    UntilClosed,
}

impl Head {
    fn read(text: &[u8]) -> Option<Self> {
        let end = text.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = std::str::from_utf8(text.get(..end)?).ok()?;
        let mut lines = head.split("\r\n").take(MOST_HEADERS);
        let status_line = lines.next()?;
        let rest = status_line
            .strip_prefix("HTTP/1.1 ")
            .or(status_line.strip_prefix("HTTP/1.0 "))?;
        let status = rest.get(..3)?.parse().ok()?;
        let mut framing = Framing::UntilClosed;
        for line in lines.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':')?;
            let value = value.trim();
            if name.eq_ignore_ascii_case("transfer-encoding") {
                if !value.eq_ignore_ascii_case("chunked") {
                    return None;
                }
                framing = Framing::Chunked;
            } else if name.eq_ignore_ascii_case("content-length")
                && !matches!(framing, Framing::Chunked)
            {
                framing = Framing::Length(value.parse().ok()?);
            }
        }
        if matches!(status, 100..=199 | 204 | 304) {
            framing = Framing::Length(0);
        }
        Some(Self {
            status,
            end,
            framing,
        })
    }
}

/// Moves the chunks together at the beginning; their length together.
fn join_chunks(text: &mut [u8]) -> Option<usize> {
    let (mut from, mut to) = (0, 0);
    loop {
        let rest = text.get(from..)?;
        let line = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(rest.get(..line)?).ok()?;
        let size = size.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        from += line + 2;
        if size == 0 {
            return Some(to);
        }
        let end = from.checked_add(size)?;
        if text.get(end..end.checked_add(2)?)? != b"\r\n" {
            return None;
        }
        text.copy_within(from..end, to);
        to += size;
        from = end + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &[u8]) -> Option<(u16, Vec<u8>)> {
        let mut memory = Hidden::new(text.len().max(1)).unwrap();
        memory.as_mut_slice()[..text.len()].copy_from_slice(text);
        let reply = Reply::parse(memory, text.len())?;
        Some((reply.status, reply.body().to_vec()))
    }

    #[test]
    fn bodies_are_found_however_they_are_framed() {
        for (text, body) in [
            (&b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"[..], &b"{}"[..]),
            (b"HTTP/1.1 200 OK\r\n\r\nabc", b"abc"),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x\r\nd\r\n0\r\n\r\n",
                b"abcd",
            ),
        ] {
            assert_eq!(parsed(text).unwrap(), (200, body.to_vec()));
        }
        assert_eq!(parsed(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().0, 204);
    }

    #[test]
    fn what_is_no_whole_reply_is_none() {
        for text in [
            &b""[..],
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/2 200\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc\r\n0\r\n\r\n",
        ] {
            assert!(
                parsed(text).is_none(),
                "{:?}",
                String::from_utf8_lossy(text)
            );
        }
    }
}
