//! ndp
