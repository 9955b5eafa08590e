//! What functions of the project make of errors that they are given: asked once, however often they are called.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::facts::VarId;
use crate::link::FnRef;
use crate::rules::At;

use super::flow::{Holds, Seek, Way};

/// A function and what its parameters hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Given {
    pub(super) function: FnRef,
    pub(super) seek: Seek,
    /// Calls around it that the text came through, since there is an end to that.
    pub(super) calls: usize,
    /// Parameters that hold something.
    pub(super) params: Vec<(VarId, Holds)>,
}

/// Places that are shared by all who ask for them.
type Places = Rc<[At]>;

/// The answers that are known.
#[derive(Debug, Default)]
pub(super) struct Memo {
    back: RefCell<HashMap<Given, Holds>>,
    places: RefCell<HashMap<(Given, Way), Places>>,
    makes: RefCell<HashMap<(FnRef, usize), bool>>,
}

impl Memo {
    /// What a function gives back of what it is given. Where `ask` does not know, it is asked again.
    pub(super) fn back(&self, given: &Given, ask: impl FnOnce() -> Option<Holds>) -> Holds {
        if let Some(known) = self.back.borrow().get(given) {
            return *known;
        }
        let Some(holds) = ask() else {
            return Holds::Nothing;
        };
        self.back.borrow_mut().insert(given.clone(), holds);
        holds
    }

    /// Whether a function gives back a result for the caller of a tool, with so many calls left to follow.
    pub(super) fn makes(&self, function: FnRef, left: usize, ask: impl FnOnce() -> bool) -> bool {
        let key = (function, left);
        if let Some(known) = self.makes.borrow().get(&key) {
            return *known;
        }
        let makes = ask();
        self.makes.borrow_mut().insert(key, makes);
        makes
    }

    /// The places in a function where what it is given becomes text of what leaves it in a way.
    pub(super) fn places(
        &self,
        given: &Given,
        way: Way,
        ask: impl FnOnce() -> Option<Vec<At>>,
    ) -> Places {
        let key = (given.clone(), way);
        if let Some(known) = self.places.borrow().get(&key) {
            return Rc::clone(known);
        }
        let Some(places) = ask() else {
            return Rc::from([]);
        };
        let places: Places = Rc::from(places);
        self.places.borrow_mut().insert(key, Rc::clone(&places));
        places
    }
}
