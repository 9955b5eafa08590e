//! Functions and calls by where they stand.

use crate::budget::{self, Left};
use crate::facts::{Expr, FileFacts, FnId, Function, Span};

use super::{FnRef, Project, Site, SiteId};

impl<'a> Project<'a> {
    /// The calls around one in the same function, from the inside out.
    pub fn sites_around(&self, site: &Site<'a>) -> impl Iterator<Item = &Site<'a>> {
        let outside = |id: SiteId| {
            let place = usize::try_from(id.0).ok()?;
            *self.sites_outside.get(place)?
        };
        std::iter::successors(outside(site.id), move |id| outside(*id))
            .filter_map(|id| self.site(id))
    }

    /// The calls of a function around a place of it, from the inside out.
    pub fn sites_holding(&self, at: FnRef, place: Span) -> impl Iterator<Item = &Site<'a>> {
        budget::on(at.file);
        // Those around a place are around one another.
        let starts_before = |id: &SiteId| {
            let site = self.site(*id);
            site.is_some_and(|site| (site.at, site.span.start) <= (at, place.start))
        };
        let before = self.sites_placed.partition_point(starts_before);
        let last = before.checked_sub(1);
        let last = last.and_then(|last| self.site(*self.sites_placed.get(last)?));
        let inner = last.filter(|last| last.at == at).into_iter();
        inner
            .flat_map(|last| std::iter::once(last).chain(self.sites_around(last)))
            .filter(move |site| site.span.holds(place))
    }

    /// The calls of a function inside a stretch of it, in the order of the source.
    pub fn sites_within(&self, at: FnRef, stretch: Span) -> impl Iterator<Item = &Site<'a>> {
        budget::on(at.file);
        let before = |start: u32| {
            self.sites_placed.partition_point(|id| {
                let site = self.site(*id);
                site.is_some_and(|site| (site.at, site.span.start) < (at, start))
            })
        };
        let placed = before(stretch.start)..before(stretch.end.saturating_add(1));
        let sites = self.sites_placed.get(placed).unwrap_or_default();
        sites
            .iter()
            .take_while(|_| budget::spend(1) == Left::Some)
            .filter_map(|id| self.site(*id))
            .filter(move |site| stretch.holds(site.span))
    }

    /// The calls of a file.
    pub fn sites_in(&self, file: u32) -> &[Site<'a>] {
        let place = usize::try_from(file).unwrap_or(usize::MAX);
        let mut bounds = self.sites_from.iter().skip(place);
        let (Some(from), Some(to)) = (bounds.next(), bounds.next()) else {
            return &[];
        };
        self.sites.get(*from..*to).unwrap_or_default()
    }

    /// The call at an expression.
    pub fn site_at(&self, at: FnRef, expr: &Expr) -> Option<&Site<'a>> {
        let id = self.site_index.get(&(at, expr.bare().span))?;
        self.site(*id)
    }

    /// The function and all that are written inside it.
    pub fn inside(&self, at: FnRef) -> Vec<FnRef> {
        let Some(outer) = self.function(at) else {
            return Vec::new();
        };
        if at.id == FnId::MODULE {
            return vec![at];
        }
        let code = |of: &FnRef| {
            let id = usize::try_from(of.id.0).ok()?;
            self.file(of.file)?.functions.get(id)
        };
        let starts_before = |start: u32| {
            self.functions_placed.partition_point(|placed| {
                code(placed)
                    .is_some_and(|function| (placed.file, function.span.start) < (at.file, start))
            })
        };
        let placed =
            starts_before(outer.span.start)..starts_before(outer.span.end.saturating_add(1));
        let placed = self.functions_placed.get(placed).unwrap_or_default();
        budget::spend_on_places(placed.len());
        let mut all: Vec<FnRef> = placed
            .iter()
            .copied()
            .filter(|inner| inner.id != FnId::MODULE)
            .filter(|inner| {
                *inner == at || code(inner).is_some_and(|code| outer.span.holds(code.span))
            })
            .collect();
        all.sort();
        all
    }

    /// The innermost function around a place.
    pub fn around(&self, file: u32, span: Span) -> FnRef {
        let mut best = (FnId::MODULE, u32::MAX);
        if let Some(facts) = self.file(file) {
            for (function, id) in facts.functions.iter().zip(0u32..).skip(1) {
                let size = function.span.end.saturating_sub(function.span.start);
                if function.span.holds(span) && size <= best.1 {
                    best = (FnId(id), size);
                }
            }
        }
        FnRef { file, id: best.0 }
    }

    /// The function and those around it, from the inside out.
    pub fn outward(&self, at: FnRef) -> impl Iterator<Item = (FnRef, &'a Function)> + '_ {
        let mut next = Some(at);
        std::iter::from_fn(move || {
            let here = next.take()?;
            let function = self.function(here)?;
            next = function.parent.map(|id| here.beside(id));
            Some((here, function))
        })
        .take(crate::facts::MAX_DEPTH)
    }
}

/// All functions by their files and places, outer ones first.
pub(super) fn placed(files: &[FileFacts]) -> Vec<FnRef> {
    let mut all: Vec<(FnRef, Span)> = Vec::new();
    for (facts, file) in files.iter().zip(0u32..) {
        let functions = facts.functions.iter().zip(0u32..);
        all.extend(functions.map(|(function, id)| {
            let id = FnId(id);
            (FnRef { file, id }, function.span)
        }));
    }
    all.sort_by_key(|(at, span)| (at.file, span.start, std::cmp::Reverse(span.end), at.id));
    all.into_iter().map(|(at, _)| at).collect()
}
