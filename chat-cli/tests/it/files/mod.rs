//! Files, variables and certificates as other editors, file systems and tools leave them.

mod byte_order_marks;
mod certificates;
mod core_dumps;
mod data_folder;
mod empty_variables;
mod known_servers;
mod locks;
mod secrets;
