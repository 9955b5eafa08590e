//! Trace contexts, as the W3C writes them in `traceparent`, and the numbers that name spans.

/// What names a trace.
pub(crate) type TraceId = [u8; 16];
/// What names a span in it.
pub(crate) type SpanId = [u8; 8];

/// The flag that says that spans of a trace are recorded.
pub(crate) const SAMPLED: u8 = 1;
/// The flags that are passed on: sampled, and random.
const KNOWN_FLAGS: u8 = 3;
/// The length of a `traceparent` of the only version there is.
const LENGTH: usize = 55;

/// Where in a trace somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Traceparent {
    pub(crate) trace: TraceId,
    pub(crate) span: SpanId,
    pub(crate) flags: u8,
}

impl Traceparent {
    /// Reads a `traceparent`. One of a later version counts for what this version knows of it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let version = hex::<1>(bytes.get(..2)?)?;
        match (version, bytes.get(LENGTH)) {
            ([0xff], _) => return None,
            ([0], Some(_)) => return None,
            (_, Some(next)) if *next != b'-' => return None,
            (_, _) => {}
        }
        let dashes = [2, 35, 52].map(|at| bytes.get(at));
        if dashes != [Some(&b'-'); 3] {
            return None;
        }
        let trace = hex(bytes.get(3..35)?)?;
        let span = hex(bytes.get(36..52)?)?;
        let [flags] = hex(bytes.get(53..LENGTH)?)?;
        (trace != [0; 16] && span != [0; 8]).then_some(Self {
            trace,
            span,
            flags: flags & KNOWN_FLAGS,
        })
    }

    /// As a `traceparent`.
    pub(crate) fn text(&self) -> String {
        format!(
            "00-{}-{}-{:02x}",
            digits(&self.trace),
            digits(&self.span),
            self.flags
        )
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads lower-case hexadecimal digits, exactly as many as fill the bytes.
fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _other => None,
    };
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some(bytes)
}

/// Random names, fetched from the system many at a time.
#[derive(Debug)]
pub(crate) struct Ids {
    pool: [u8; 1024],
    used: usize,
}

impl Ids {
    pub(crate) fn new() -> Self {
        Self {
            pool: [0; 1024],
            used: 1024,
        }
    }

    /// A name that nobody else has; none while the system gives no random bytes.
    pub(crate) fn next<const N: usize>(&mut self) -> Option<[u8; N]> {
        if self.pool.len() - self.used < N {
            getrandom::fill(&mut self.pool).ok()?;
            self.used = 0;
        }
        let id = self.pool.get(self.used..self.used + N)?.try_into().ok()?;
        self.used += N;
        // All zeros means none.
        (id != [0; N]).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_context_is_written_as_it_was_read() {
        let context = Traceparent::parse(GOOD).unwrap();
        assert_eq!(context.text(), GOOD);
        let later = GOOD.replacen("00", "cc", 1) + "-more";
        assert_eq!(Traceparent::parse(&later).unwrap().text(), GOOD);
        let flags = GOOD.replace("-01", "-ff");
        assert_eq!(Traceparent::parse(&flags).unwrap().flags, 3);
    }

    #[test]
    fn what_is_no_context_is_none() {
        for text in [
            "",
            "00",
            &GOOD[..54],
            &format!("{GOOD}-more"),
            &format!("{GOOD}0"),
            &GOOD.replacen("00", "ff", 1),
            &GOOD.replacen("00", "cc", 1).replace("-01", "-01x"),
            &GOOD.replace('f', "F"),
            &GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &GOOD.replace('-', "_"),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0é",
        ] {
            assert_eq!(Traceparent::parse(text), None, "{text}");
        }
    }

    #[test]
    fn names_differ() {
        let mut ids = Ids::new();
        let many: std::collections::HashSet<SpanId> =
            (0..1000).map(|_| ids.next().unwrap()).collect();
        assert_eq!(many.len(), 1000);
    }
}
