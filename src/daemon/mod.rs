//! Obtains the events, performs the actions, owns every descriptor.
