//! Which containers are open: one bit each, so that depth costs no recursion and next to no memory.

/// An open container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    /// `{`
    Object,
    /// `[`
    Array,
}

/// A stack of containers, at most `max` deep.
#[derive(Debug)]
pub(crate) struct Nesting {
    depth: u16,
    max: u16,
    /// The innermost up to 64 containers, innermost in the lowest bit; a set bit is an object.
    innermost: u64,
    /// Full words of the containers further out.
    outer: Vec<u64>,
}

/// One container more than the limit allows.
#[derive(Debug)]
pub(crate) struct Full;

const WORD: u16 = 64;

impl Nesting {
    pub(crate) fn new(max: u16) -> Self {
        Self {
            depth: 0,
            max,
            innermost: 0,
            outer: Vec::new(),
        }
    }

    pub(crate) fn depth(&self) -> u16 {
        self.depth
    }

    pub(crate) fn open(&mut self, container: Container) -> Result<(), Full> {
        if self.depth >= self.max {
            return Err(Full);
        }
        if self.depth > 0 && self.depth.is_multiple_of(WORD) {
            self.outer.push(self.innermost);
        }
        self.innermost = self.innermost << 1 | u64::from(container == Container::Object);
        self.depth += 1;
        Ok(())
    }

    /// Closes the innermost container; does nothing when none is open.
    pub(crate) fn close(&mut self) {
        self.innermost >>= 1;
        self.depth = self.depth.saturating_sub(1);
        if self.depth > 0 && self.depth.is_multiple_of(WORD) {
            self.innermost = self.outer.pop().unwrap_or_default();
        }
    }

    /// The innermost container; meaningless when none is open.
    pub(crate) fn top(&self) -> Container {
        if self.innermost & 1 == 1 {
            Container::Object
        } else {
            Container::Array
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_every_level_across_words() {
        let kind = |level: u16| {
            if level.is_multiple_of(3) {
                Container::Object
            } else {
                Container::Array
            }
        };
        let mut nesting = Nesting::new(300);
        for level in 0..300 {
            nesting.open(kind(level)).unwrap();
        }
        assert!(nesting.open(Container::Array).is_err());
        for level in (0..300).rev() {
            assert_eq!((nesting.depth(), nesting.top()), (level + 1, kind(level)));
            nesting.close();
        }
        assert_eq!(nesting.depth(), 0);
    }
}
