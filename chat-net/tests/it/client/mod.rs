//! The front door of the client: the builder, outcomes of sent messages, and the roster.

mod builder;
mod outcomes;
mod roster;
