//! The simulation: a virtual clock, a network that loses, delays, doubles and cuts, and nodes of three kinds.
//!
//! `ours` drives the real core as the daemon does; `kernel` and `old_ucarp` are small independent models. `world`
//! moves frames and time, `oracle` judges what was recorded, `random` makes worlds from a seed, `regressions`
//! lists those that failed once and `scenario` holds the named ones. `attacker` is no node: he is everywhere, `allowance` says
//! what he may achieve, `besieged` makes the worlds that he is in. Nothing reads a real clock or a real random number: a
//! seed is a world.

pub mod allowance;
pub mod attacker;
pub mod attacks;
pub mod besieged;
mod fitness;
pub mod forgeries;
pub mod frame;
pub mod groups;
pub mod kernel;
pub mod mark;
pub mod old_ucarp;
pub mod oracle;
pub mod ours;
pub mod random;
pub mod regressions;
pub mod rng;
pub mod scenario;
pub mod standbys;
mod thought;
pub mod world;

pub use rng::Rng;

/// What a node did in one step.
#[derive(Default)]
pub struct Out {
    pub frames: Vec<Vec<u8>>,
    pub claims: Vec<bool>,
    pub violations: Vec<String>,
    pub notes: Option<Vec<String>>,
}

impl Out {
    pub fn new(logging: bool) -> Self {
        Self { notes: logging.then(Vec::new), ..Self::default() }
    }

    pub fn send(&mut self, frame: Vec<u8>) {
        self.frames.push(frame);
    }

    /// The address is on this host from now on, or no longer.
    pub fn claim(&mut self, claimed: bool) {
        self.claims.push(claimed);
    }

    /// A model says that it announced the address; nothing listens to its ARP.
    pub fn announce(&mut self) {
        self.note(|| "  announces".into());
    }

    pub fn violation(&mut self, text: String) {
        self.note(|| format!("  !! {text}"));
        self.violations.push(text);
    }

    pub fn note(&mut self, text: impl FnOnce() -> String) {
        if let Some(notes) = &mut self.notes {
            notes.push(text());
        }
    }
}
