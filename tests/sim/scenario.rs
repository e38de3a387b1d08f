//! named scenarios
