//! Files, variables and certificates as other editors, file systems and tools leave them.

mod empty_variables;
mod known_servers;
mod locks;
mod secrets;
