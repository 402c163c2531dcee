//! Chat in windows, the client and the server, on the public API of chat-net and the texts of chat-cli.
//!
//! ```text
//! run    one thread with tokio and chat-net  -- Happening -->  model   plain values: apply, act
//!                                            <---- Wish -----    |
//!                                                              view    draws the model with egui, returns Actions
//! ```
//!
//! [`model`] knows neither egui nor tokio, [`run`] is the only place with a runtime, and [`view`] is the only place that
//! draws. [`app`] connects the three, and [`server_app`] connects those of the window of a server.

pub mod app;
mod input_method;
mod link;
pub mod look;
pub mod model;
mod painter;
mod program;
pub mod run;
pub mod server_app;
mod software;
pub mod view;
pub mod window;

pub use self::program::{chat_desktop, chat_server_desktop};
