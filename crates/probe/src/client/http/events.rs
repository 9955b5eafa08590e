//! Server-sent events, read piece by piece.

/// An event that is longer is dropped: the largest message is smaller.
const MAX_EVENT: usize = 65 << 20;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its kind; empty for the usual one.
    pub(crate) name: String,
    pub(crate) data: Vec<u8>,
}

#[derive(Debug, Default)]
pub(crate) struct Events {
    line: Vec<u8>,
    event: Event,
    has_data: bool,
    after_return: bool,
}

impl Events {
    /// Takes in bytes of the stream and adds the events that they complete.
    pub(crate) fn feed(&mut self, bytes: &[u8], events: &mut Vec<Event>) {
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, end) = rest.split_at(at);
            self.add(line);
            let feed_of_pair = end.first() == Some(&b'\n') && self.after_return && at == 0;
            if !feed_of_pair {
                self.end_line(events);
            }
            self.after_return = end.first() == Some(&b'\r');
            rest = end.get(1..).unwrap_or_default();
        }
        if !rest.is_empty() {
            self.after_return = false;
        }
        self.add(rest);
    }

    fn add(&mut self, part: &[u8]) {
        if self.line.len() + part.len() <= MAX_EVENT {
            self.line.extend_from_slice(part);
        }
    }

    fn end_line(&mut self, events: &mut Vec<Event>) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            if std::mem::take(&mut self.has_data) {
                events.push(event);
            }
            return;
        }
        let colon = line
            .iter()
            .position(|byte| *byte == b':')
            .unwrap_or(line.len());
        let (field, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"event" => self.event.name = String::from_utf8_lossy(value).into_owned(),
            b"data" => {
                if self.has_data {
                    self.event.data.push(b'\n');
                }
                self.has_data = true;
                if self.event.data.len() + value.len() <= MAX_EVENT {
                    self.event.data.extend_from_slice(value);
                }
            }
            // Comments, ids and retry times.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, data: &str) -> Event {
        Event {
            name: name.to_owned(),
            data: data.as_bytes().to_owned(),
        }
    }

    #[test]
    fn events_are_the_same_however_the_stream_is_cut() {
        let rows = [
            ("data: a\n\n", vec![event("", "a")]),
            (
                "data:a\r\n\r\ndata: b\r\r",
                vec![event("", "a"), event("", "b")],
            ),
            (
                ": ping\n\nevent: endpoint\ndata: /m?s=1\nid: 3\n\n",
                vec![event("endpoint", "/m?s=1")],
            ),
            ("data: {\ndata: }\n\n", vec![event("", "{\n}")]),
            ("event: x\n\ndata\n\n", vec![event("", "")]),
            ("data: never ended\n", vec![]),
        ];
        for (text, expected) in rows {
            for cut in 0..=text.len() {
                let (mut events, mut reader) = (Vec::new(), Events::default());
                let (head, tail) = text.as_bytes().split_at(cut);
                reader.feed(head, &mut events);
                reader.feed(tail, &mut events);
                assert_eq!(events, expected, "{text:?} cut at {cut}");
            }
        }
    }
}
