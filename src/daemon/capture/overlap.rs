//! One capture takes the place of another: what both of them have is heard once.
//!
//! The new one is opened before the old one is closed, so that nothing is missed. What was heard by the old one while
//! the new one was being opened may be in both, and is known by its bytes: the kernels need not stamp it with one time.
//! Whoever advertises counts, so that no two frames of his are alike.

use std::collections::VecDeque;

/// More than come while a capture is opened, in any but a flood, in which those that are refused twice do no harm.
const MOST: usize = 1024;

/// What is known of the frames that two captures may both have.
#[derive(Debug, Default)]
pub(crate) struct Overlap {
    /// Heard by the capture there is, while another is being opened.
    heard: VecDeque<Box<[u8]>>,
    notes: bool,
    /// Heard by the one there was.
    known: VecDeque<Box<[u8]>>,
}

impl Overlap {
    /// Another capture is going to be opened.
    pub(crate) fn begin(&mut self) {
        self.notes = true;
    }

    /// It was not.
    pub(crate) fn abandon(&mut self) {
        *self = Self::default();
    }

    /// From now on the other one is read.
    pub(crate) fn cross(&mut self) {
        self.known.append(&mut self.heard);
        self.notes = false;
    }

    /// There is nothing more in the capture that is read now.
    pub(crate) fn is_behind_us(&mut self) {
        self.known.clear();
    }

    /// Whether a frame is heard for the first time.
    pub(crate) fn is_news(&mut self, frame: &[u8]) -> bool {
        let known = self.known.iter().position(|known| **known == *frame);
        if known.and_then(|place| self.known.remove(place)).is_some() {
            return false;
        }
        if self.notes {
            if self.heard.len() == MOST {
                self.heard.pop_front();
            }
            self.heard.push_back(frame.into());
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(overlap: &mut Overlap, frames: &[u8]) -> Vec<u8> {
        frames.iter().copied().filter(|frame| overlap.is_news(&[*frame; 60])).collect()
    }

    #[test]
    fn what_both_have_is_heard_once() {
        let mut overlap = Overlap::default();
        assert_eq!(news(&mut overlap, &[1, 1]), [1, 1], "nobody looks");
        overlap.begin();
        assert_eq!(news(&mut overlap, &[2, 3, 3, 4]), [2, 3, 3, 4]);
        overlap.is_behind_us();
        overlap.cross();
        // The filters differ, and what is alike came twice.
        assert_eq!(news(&mut overlap, &[3, 9, 3, 4, 3, 5]), [9, 3, 5]);
        overlap.is_behind_us();
        assert_eq!(news(&mut overlap, &[2]), [2]);
    }

    #[test]
    fn what_does_not_come_about_costs_nothing_later() {
        let mut overlap = Overlap::default();
        overlap.begin();
        news(&mut overlap, &[7; 2000]);
        assert_eq!(overlap.heard.len(), MOST);
        overlap.abandon();
        assert_eq!(news(&mut overlap, &[7, 7]), [7, 7]);
        assert!(overlap.heard.is_empty());
    }
}
