//! An HTTP/1.1 response, read piece by piece.

use super::events::{Event, Events};

/// Longest head, in bytes.
const MAX_HEAD: usize = 64 << 10;
/// Longest line between two chunks, in bytes.
const MAX_CHUNK_LINE: usize = 4 << 10;
/// Longest body that is not a stream, in bytes.
const MAX_BODY: usize = 65 << 20;

/// What the head said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) session: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Response {
    unread: Vec<u8>,
    stage: Stage,
    head: Option<Head>,
    body: Body,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Head,
    /// A body of which this much is left.
    Length(u64),
    /// The line with the size of the next chunk.
    ChunkSize,
    Chunk(u64),
    /// The line end after a chunk.
    ChunkEnd,
    /// Lines after the last chunk.
    Trailer,
    UntilClose,
    Done,
    /// What came is no response.
    Broken,
}

#[derive(Debug)]
enum Body {
    Whole(Vec<u8>),
    Events(Events),
}

impl Response {
    pub(crate) fn new() -> Self {
        Self {
            unread: Vec::new(),
            stage: Stage::Head,
            head: None,
            body: Body::Whole(Vec::new()),
        }
    }

    /// Takes in bytes and adds the events that they complete; a body that is no stream is one event
    /// at its end.
    pub(crate) fn feed(&mut self, bytes: &[u8], events: &mut Vec<Event>) {
        self.unread.extend_from_slice(bytes);
        while self.step(events) {}
    }

    /// The connection has ended.
    pub(crate) fn close(&mut self, events: &mut Vec<Event>) {
        match self.stage {
            Stage::UntilClose => self.finish(events),
            Stage::Done => {}
            Stage::Head
            | Stage::Length(_)
            | Stage::ChunkSize
            | Stage::Chunk(_)
            | Stage::ChunkEnd
            | Stage::Trailer
            | Stage::Broken => self.stage = Stage::Broken,
        }
    }

    pub(crate) fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Whether nothing more can come.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Done | Stage::Broken)
    }

    /// One step; whether another may follow without more bytes.
    fn step(&mut self, events: &mut Vec<Event>) -> bool {
        match self.stage {
            Stage::Head => self.read_head(events),
            Stage::Length(left) => {
                let left = left - self.take(left, events);
                self.stage = Stage::Length(left);
                if left == 0 {
                    self.finish(events);
                }
                false
            }
            Stage::Chunk(left) => {
                let left = left - self.take(left, events);
                self.stage = if left == 0 {
                    Stage::ChunkEnd
                } else {
                    Stage::Chunk(left)
                };
                left == 0
            }
            Stage::UntilClose => {
                self.take(u64::MAX, events);
                false
            }
            Stage::ChunkSize | Stage::ChunkEnd | Stage::Trailer => match self.line() {
                Some(line) => {
                    self.read_chunk_line(&line, events);
                    true
                }
                None => false,
            },
            Stage::Done | Stage::Broken => {
                self.unread.clear();
                false
            }
        }
    }

    fn read_head(&mut self, events: &mut Vec<Event>) -> bool {
        let Some(end) = self
            .unread
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
        else {
            if self.unread.len() > MAX_HEAD {
                self.stage = Stage::Broken;
            }
            return false;
        };
        let head: Vec<u8> = self.unread.drain(..end + 4).collect();
        let head = String::from_utf8_lossy(&head);
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(status);
        let field = |name: &str| {
            let named = |line: &&str| {
                line.split_once(':')
                    .is_some_and(|(field, _)| field.trim().eq_ignore_ascii_case(name))
            };
            let line = lines.clone().find(named)?;
            line.split_once(':')
                .map(|(_, value)| value.trim().to_owned())
        };
        let Some(status) = status else {
            self.stage = Stage::Broken;
            return false;
        };
        if (100..200).contains(&status) {
            return true;
        }
        let stream =
            field("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
        if stream {
            self.body = Body::Events(Events::default());
        }
        let chunked =
            field("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
        self.stage = match field("content-length").map(|length| length.parse()) {
            _ if chunked => Stage::ChunkSize,
            _ if matches!(status, 204 | 304) => Stage::Length(0),
            Some(Ok(length)) => Stage::Length(length),
            Some(Err(_)) => Stage::Broken,
            None => Stage::UntilClose,
        };
        self.head = Some(Head {
            status,
            session: field("mcp-session-id"),
        });
        if self.stage == Stage::Length(0) {
            self.finish(events);
        }
        true
    }

    fn read_chunk_line(&mut self, line: &str, events: &mut Vec<Event>) {
        self.stage = match self.stage {
            Stage::ChunkSize => {
                let size = line.split(';').next().unwrap_or_default().trim();
                match u64::from_str_radix(size, 16) {
                    Ok(0) => Stage::Trailer,
                    Ok(size) => Stage::Chunk(size),
                    Err(_) => Stage::Broken,
                }
            }
            Stage::ChunkEnd if line.is_empty() => Stage::ChunkSize,
            Stage::Trailer if line.is_empty() => return self.finish(events),
            Stage::Trailer => Stage::Trailer,
            Stage::ChunkEnd
            | Stage::Head
            | Stage::Length(_)
            | Stage::Chunk(_)
            | Stage::UntilClose
            | Stage::Done
            | Stage::Broken => Stage::Broken,
        };
    }

    /// The next line, without its end.
    fn line(&mut self) -> Option<String> {
        let Some(end) = self.unread.windows(2).position(|window| window == b"\r\n") else {
            if self.unread.len() > MAX_CHUNK_LINE {
                self.stage = Stage::Broken;
            }
            return None;
        };
        let line: Vec<u8> = self.unread.drain(..end + 2).take(end).collect();
        Some(String::from_utf8_lossy(&line).into_owned())
    }

    /// Moves at most `most` bytes into the body; says how many.
    fn take(&mut self, most: u64, events: &mut Vec<Event>) -> u64 {
        let count = self
            .unread
            .len()
            .min(usize::try_from(most).unwrap_or(usize::MAX));
        let taken = self.unread.drain(..count);
        match &mut self.body {
            Body::Events(reader) => reader.feed(taken.as_slice(), events),
            Body::Whole(body) if body.len() + count <= MAX_BODY => body.extend(taken),
            Body::Whole(_) => {
                drop(taken);
                self.stage = Stage::Broken;
            }
        }
        count as u64
    }

    fn finish(&mut self, events: &mut Vec<Event>) {
        if let Body::Whole(body) = &mut self.body
            && !body.is_empty()
        {
            events.push(Event {
                name: String::new(),
                data: std::mem::take(body),
            });
        }
        self.stage = Stage::Done;
    }
}

fn status(line: &str) -> Option<u16> {
    let (version, rest) = line.split_once(' ')?;
    let status = rest.split(' ').next()?.parse().ok()?;
    version.starts_with("HTTP/1.").then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the text cut in two at every place, and byte by byte.
    fn read(text: &str) -> Vec<(Option<u16>, Vec<String>, Stage)> {
        let cuts =
            (0..=text.len()).map(|cut| vec![&text.as_bytes()[..cut], &text.as_bytes()[cut..]]);
        let all = cuts.chain([text.as_bytes().chunks(1).collect()]);
        let mut results: Vec<_> = all
            .map(|pieces| {
                let (mut response, mut events) = (Response::new(), Vec::new());
                for piece in pieces {
                    response.feed(piece, &mut events);
                }
                response.close(&mut events);
                let events = events
                    .iter()
                    .map(|one| String::from_utf8_lossy(&one.data).into_owned());
                (
                    response.head().map(|head| head.status),
                    events.collect(),
                    response.stage,
                )
            })
            .collect();
        results.dedup();
        results
    }

    #[test]
    fn responses_are_the_same_however_they_are_cut() {
        let rows: [(&str, Option<u16>, &[&str], Stage); 9] = [
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
                Some(200),
                &["{}"],
                Stage::Done,
            ),
            (
                "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n",
                Some(202),
                &[],
                Stage::Done,
            ),
            (
                "HTTP/1.0 200 OK\r\n\r\nabc",
                Some(200),
                &["abc"],
                Stage::Done,
            ),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
                Some(204),
                &[],
                Stage::Done,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\n{\"\r\n3\r\na\"}\r\n0\r\nT: 1\r\n\r\n",
                Some(200),
                &["{\"a\"}"],
                Stage::Done,
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n\
                 9\r\ndata: a\n\n\r\n9\r\ndata: b\n\n\r\n",
                Some(200),
                &["a", "b"],
                Stage::Broken,
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}",
                Some(200),
                &[],
                Stage::Broken,
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}",
                Some(200),
                &[],
                Stage::Broken,
            ),
            ("SSH-2.0 x\r\n\r\n", None, &[], Stage::Broken),
        ];
        for (text, status, events, stage) in rows {
            let events: Vec<String> = events.iter().map(|event| (*event).to_owned()).collect();
            assert_eq!(read(text), [(status, events, stage)], "{text:?}");
        }
    }

    #[test]
    fn heads_lines_and_bodies_are_held_to_their_limits() {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let rows = [
            ("HTTP/1.1 200 OK\r\nX: ".to_owned(), MAX_HEAD),
            (chunked.to_owned(), MAX_CHUNK_LINE),
            ("HTTP/1.1 200 OK\r\n\r\n".to_owned(), MAX_BODY),
        ];
        for (start, limit) in rows {
            let (mut response, mut events) = (Response::new(), Vec::new());
            response.feed(start.as_bytes(), &mut events);
            let within = vec![b'a'; limit - if limit == MAX_HEAD { start.len() } else { 0 }];
            response.feed(&within, &mut events);
            assert!(!response.is_over(), "{start:?}");
            response.feed(b"aa", &mut events);
            assert!(response.is_over(), "{start:?}");
        }
    }

    #[test]
    fn the_session_is_read_whatever_its_case() {
        let mut response = Response::new();
        response.feed(
            b"HTTP/1.1 200 OK\r\nMCP-Session-ID:  s1 \r\nContent-Length: 0\r\n\r\n",
            &mut Vec::new(),
        );
        let head = Head {
            status: 200,
            session: Some("s1".to_owned()),
        };
        assert_eq!(response.head(), Some(&head));
    }
}
