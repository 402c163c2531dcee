//! Windows 10 and later.

pub mod control;
pub mod files;
pub mod process;
pub mod service;
pub mod signals;
pub mod terminal;
