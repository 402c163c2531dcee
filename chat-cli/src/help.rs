//! The help of a program and of all its commands, for snapshots.

use std::fmt::Write as _;

use clap::Command;

use crate::texts::{Texts, help};

/// The width that the programs use if standard output is not a terminal.
const WIDTH: usize = 100;

/// Renders what `--help` prints for the program and for each of its commands.
pub(crate) fn pages(program: Command, texts: &Texts) -> String {
    let mut program = program.term_width(WIDTH);
    program.build();
    let mut pages = String::new();
    add(&mut program, texts, &mut pages);
    pages
}

fn add(command: &mut Command, texts: &Texts, pages: &mut String) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    writeln!(pages, "$ {name} --help").expect("writing to a string does not fail");
    let page = help::with_headings(&command.render_long_help().to_string(), texts);
    for line in page.lines() {
        writeln!(pages, "{}", line.trim_end()).expect("writing to a string does not fail");
    }
    pages.push('\n');
    for command in
        command.get_subcommands_mut().filter(|command| command.get_name() != "help" && !command.is_hide_set())
    {
        add(command, texts, pages);
    }
}
