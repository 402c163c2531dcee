//! Chat in a window, on the public API of chat-net and the texts of chat-cli.
//!
//! ```text
//! run    one thread with tokio and chat-net  -- Happening -->  model   plain values: apply, act
//!                                            <---- Wish -----    |
//!                                                              view    draws the model with egui, returns Actions
//! ```
//!
//! [`model`] knows neither egui nor tokio, [`run`] is the only place with a runtime, and [`view`] is the only place that
//! draws. [`app`] connects the three.

pub mod app;
pub mod look;
pub mod model;
mod program;
pub mod run;
pub mod view;

pub use self::program::chat_desktop;
