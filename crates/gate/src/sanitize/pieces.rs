//! The parts of a text that are worth a second look, with the lines around them.

use std::ops::Range;

/// So many lines before and after the one that is meant.
const AROUND: usize = 3;

/// Whole lines around these places, which ascend. Pieces ascend and do not overlap; if they come to
/// more than half of the text, there is one, the text itself.
pub(super) fn around(text: &[u8], places: &[usize]) -> Vec<Range<usize>> {
    let mut pieces: Vec<Range<usize>> = Vec::new();
    let mut sum = 0;
    let mut line_end = 0;
    for &place in places {
        // Of all in one line the first counts, so that a long line is searched once.
        if place < line_end {
            continue;
        }
        line_end = memchr::memchr(b'\n', text.get(place..).unwrap_or_default())
            .map_or(text.len(), |length| place + length + 1);
        if pieces.last().is_some_and(|last| place < last.end) {
            // Lines after this one are still to come.
            let end = end_of_lines(text, place);
            if let Some(last) = pieces.last_mut() {
                sum += end.saturating_sub(last.end);
                last.end = last.end.max(end);
            }
            continue;
        }
        let before = pieces.last().map_or(0, |last| last.end);
        let piece = start_of_lines(text, place).max(before)..end_of_lines(text, place);
        sum += piece.len();
        match pieces.last_mut() {
            Some(last) if piece.start <= last.end => last.end = piece.end,
            Some(_) | None => pieces.push(piece),
        }
    }
    if sum * 2 > text.len() {
        pieces = std::iter::once(0..text.len()).collect();
    }
    pieces
}

/// Whether something that was found in a piece may have begun before it or go on behind it: it is
/// more than a part of one line, and reaches the first or last line of the piece, behind which
/// there is more.
pub(super) fn may_go_on(text: &[u8], piece: &Range<usize>, found: &Range<usize>) -> bool {
    let of_lines =
        |at: Range<usize>| memchr::memchr2(b'\n', b'\r', text.get(at).unwrap_or_default());
    let ends_at_edge = found.end >= piece.end && piece.end < text.len();
    let starts_at_edge = found.start <= piece.start && piece.start > 0;
    if ends_at_edge || starts_at_edge {
        return true;
    }
    let is_of_several = of_lines(found.clone()).is_some();
    let in_first = piece.start > 0 && of_lines(piece.start..found.start).is_none();
    let in_last = piece.end < text.len()
        && of_lines(found.end..piece.end.saturating_sub(1).max(found.end)).is_none();
    is_of_several && (in_first || in_last)
}

fn start_of_lines(text: &[u8], place: usize) -> usize {
    let before = text.get(..place).unwrap_or_default();
    memchr::memrchr_iter(b'\n', before)
        .nth(AROUND)
        .map_or(0, |end| end + 1)
}

fn end_of_lines(text: &[u8], place: usize) -> usize {
    let after = text.get(place..).unwrap_or_default();
    memchr::memchr_iter(b'\n', after)
        .nth(AROUND)
        .map_or(text.len(), |end| place + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(numbers: Range<usize>) -> String {
        numbers.map(|number| format!("{number:03}\n")).collect()
    }

    fn at(line: usize) -> usize {
        line * 4
    }

    #[test]
    fn lines_around_each_place_are_joined_and_a_text_of_places_is_whole() {
        let text = lines(0..100);
        let text = text.as_bytes();
        let around = |places: &[usize]| around(text, places);
        let only = |places: &[usize], piece: Range<usize>| {
            let pieces = around(places);
            assert_eq!((pieces.len(), pieces.first()), (1, Some(&piece)));
        };
        assert!(around(&[]).is_empty());
        only(&[at(50), at(50) + 1], at(47)..at(54));
        only(&[0], 0..at(4));
        only(&[at(99)], at(96)..at(100));
        assert_eq!(
            around(&[at(10), at(12), at(17), at(40)]),
            [at(7)..at(21), at(37)..at(44)]
        );
        let many: Vec<usize> = (0..100).step_by(9).map(at).collect();
        only(&many, 0..400);
        let one_line = vec![b'a'; 1 << 20];
        let everywhere: Vec<usize> = (0..1 << 20).collect();
        assert_eq!(super::around(&one_line, &everywhere).len(), 1);
    }

    #[test]
    fn what_reaches_the_edge_on_more_than_one_line_may_go_on() {
        let text = lines(0..100);
        let may = |found: Range<usize>| may_go_on(text.as_bytes(), &(at(47)..at(54)), &found);
        assert!(!may(at(47) + 1..at(47) + 2), "in the first line alone");
        assert!(!may(at(49)..at(52)), "in the middle");
        assert!(may(at(47) + 1..at(49)), "from the first line on");
        assert!(may(at(50)..at(53) + 2), "into the last line");
        assert!(
            may(at(47)..at(47) + 2) && may(at(53)..at(54)),
            "at the edge itself"
        );
        let whole = 0..text.len();
        assert!(!may_go_on(text.as_bytes(), &whole, &whole));
    }
}
