//! One line of the log: a sentence, and what programs want to know of it.

use super::Level;

/// One line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// How much an operator should care.
    pub level: Level,
    /// The sentence, with its code in brackets.
    pub text: String,
    /// What else is known of it.
    pub facts: Facts,
    /// The like of it was said a moment ago: it is for those alone who follow what happens.
    pub held_back: bool,
}

impl Line {
    /// One of which nothing else is known.
    #[must_use]
    pub fn new(level: Level, text: impl Into<String>) -> Self {
        Self { level, text: text.into(), facts: Facts::default(), held_back: false }
    }
}

/// What a line is about, in words that are never translated.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// Which sentence it is.
    pub id: Option<String>,
    /// What the operator calls the virtual host.
    pub vip: Option<String>,
    /// The interface.
    pub interface: Option<String>,
    /// The number of the virtual host.
    pub vhid: Option<u8>,
    /// The role before a change.
    pub from: Option<String>,
    /// The role after it.
    pub to: Option<String>,
    /// Why it changed.
    pub reason: Option<String>,
    /// The address of another host.
    pub peer: Option<String>,
    /// What demotes, or the check it is about.
    pub cause: Option<String>,
    /// By how much that demotes.
    pub amount: Option<u8>,
    /// The script it is about.
    pub hook: Option<String>,
}

impl Facts {
    /// Of a line with this id.
    #[must_use]
    pub fn id(id: &str) -> Self {
        Self { id: Some(id.to_owned()), ..Self::default() }
    }

    /// The same, about an interface.
    #[must_use]
    pub fn on(self, interface: &str) -> Self {
        Self { interface: Some(interface.to_owned()), ..self }
    }
}
