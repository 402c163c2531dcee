//! What a program writes about its own command line: completion scripts and manual pages.
//!
//! Both are made from the definition that also parses the arguments, so they never differ from what the program accepts.
//! Packages run these commands while they are built.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Command, Subcommand};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::error::{CliError, Exit};
use crate::path;
use crate::texts::Texts;

/// The commands that describe the command line. Both programs have them.
#[derive(Debug, Subcommand)]
pub enum GenerateCommand {
    /// Print a script that completes the commands and options of this program in a shell
    Completions {
        /// The shell that will read the script
        #[arg(value_enum, value_name = "SHELL")]
        shell: Shell,
    },
    /// Write the manual pages of this program into a folder, one for each command
    Man {
        /// The folder, which must exist
        #[arg(value_name = "DIR", value_parser = path::parser())]
        folder: PathBuf,
    },
}

impl GenerateCommand {
    /// Prints or writes what the command asks for. `program` defines the command line.
    ///
    /// # Errors
    /// Standard output or the folder cannot be written.
    pub(crate) fn run(&self, program: Command) -> Result<Exit, CliError> {
        match self {
            Self::Completions { shell } => print_completions(*shell, program),
            Self::Man { folder } => write_pages(program, folder),
        }
    }
}

fn print_completions(shell: Shell, mut program: Command) -> Result<Exit, CliError> {
    let name = program.get_name().to_owned();
    // Into memory first, because clap_complete panics if it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut program, &name, &mut script);
    let script = with_one_spelling(&String::from_utf8_lossy(&script), &name);
    let mut out = io::stdout();
    out.write_all(script.as_bytes()).and_then(|()| out.flush()).map_err(|error| CliError::output(&error))?;
    Ok(Exit::Fine)
}

/// Repairs the script for bash. clap_complete 4.6 spells the hyphen in the name of a program in two ways, so that nothing
/// is offered after a command (<https://github.com/clap-rs/clap/issues/6421>). Scripts without the mistake stay as they are.
fn with_one_spelling(script: &str, program: &str) -> String {
    let spelled = |hyphen| format!("{}__subcmd__", program.replace('-', hyphen));
    script.replace(&spelled("__subcmd__"), &spelled("__"))
}

fn write_pages(program: Command, folder: &Path) -> Result<Exit, CliError> {
    for (name, page) in pages(program) {
        let path = folder.join(name);
        fs::write(&path, page).map_err(|error| {
            let (file, detail) = (path.display().to_string(), error.to_string());
            CliError::failed(move |texts: &Texts| texts.say().page_not_written(&file, &detail))
                .hint(|texts: &Texts| texts.say().hint_page_not_written())
        })?;
    }
    Ok(Exit::Fine)
}

/// The manual pages of a program and of all its commands, with the names of their files.
fn pages(program: Command) -> Vec<(String, Vec<u8>)> {
    // A page about the command `help` would repeat what `man` does.
    let mut program = with_headings(program).disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    add_pages(&program, &program, &mut pages).expect("writing to memory does not fail");
    pages
}

/// Says "commands" where clap says "subcommands", as `--help` does.
fn with_headings(command: Command) -> Command {
    command.subcommand_help_heading("COMMANDS").subcommand_value_name("COMMAND").mut_subcommands(with_headings)
}

fn add_pages(command: &Command, program: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    // Not clap_mangen's title: it writes an empty date as nothing, and the version takes the place of the date.
    let (title, version) = (man.get_filename(), program.get_version().unwrap_or_default());
    writeln!(page, r#".TH "{}" 1 "" "{} {version}" "Chat""#, title.trim_end_matches(".1"), program.get_name())?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(text) = command.get_after_help() {
        after_help(&text.to_string()).to_writer(&mut page)?;
    }
    if command.get_name() != program.get_name() {
        let mut roff = Roff::new();
        roff.control("SH", ["SEE ALSO"]).text([roman(format!("{}(1)", program.get_name()))]);
        roff.to_writer(&mut page)?;
    }
    pages.push((man.get_filename(), page));
    // Hidden commands are for other programs.
    let mut commands = command.get_subcommands().filter(|command| !command.is_hide_set());
    commands.try_for_each(|command| add_pages(command, program, pages))
}

/// The text that `--help` shows below the options: paragraphs, of which the last one is the table of exit codes.
fn after_help(text: &str) -> Roff {
    let (notes, exit_codes) = text.split_once("Exit codes:\n").unwrap_or((text, ""));
    let mut roff = Roff::new();
    roff.control("SH", ["NOTES"]);
    for (place, paragraph) in notes.trim().split("\n\n").enumerate() {
        if place > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(paragraph)]);
    }
    if !exit_codes.is_empty() {
        // Without filling, because each line begins with its code.
        roff.control("SH", ["EXIT STATUS"]).control("nf", []);
        for line in exit_codes.lines() {
            roff.text([roman(line)]);
        }
        roff.control("fi", []);
    }
    roff
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    fn program() -> Command {
        let list = Command::new("list").about("List all").arg(Arg::new("online").long("online").help("Only some"));
        Command::new("chat-test")
            .version("1.2.3")
            .about("Tests pages")
            .after_help("First.\n\nSecond.\n\nExit codes:\n  0  success\n 70  a bug")
            .subcommand(Command::new("user").about("Manage").subcommand(list))
    }

    fn page(name: &str) -> String {
        let page = pages(program()).into_iter().find(|(file, _)| file == name);
        String::from_utf8(page.unwrap_or_else(|| panic!("there is no page {name}")).1).unwrap()
    }

    #[test]
    fn each_command_has_a_page() {
        let names: Vec<String> = pages(program()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["chat-test.1", "chat-test-user.1", "chat-test-user-list.1"]);
    }

    #[test]
    fn a_page_shows_its_command_and_points_to_the_program() {
        let list = page("chat-test-user-list.1");
        assert!(list.starts_with(".TH \"chat-test-user-list\" 1 \"\" \"chat-test 1.2.3\" \"Chat\"\n"), "{list}");
        for part in ["\\fBchat\\-test user list\\fR", "\\fB\\-\\-online\\fR", ".SH \"SEE ALSO\"\nchat\\-test(1)\n"] {
            assert!(list.contains(part), "{part:?} is missing:\n{list}");
        }
        assert!(page("chat-test.1").contains("chat\\-test\\-user(1)\n"));
    }

    #[test]
    fn each_exit_code_keeps_its_line() {
        let page = page("chat-test.1");
        assert!(page.contains(".SH NOTES\nFirst.\n.PP\nSecond.\n"), "{page}");
        assert!(page.contains(".SH \"EXIT STATUS\"\n.nf\n  0  success\n 70  a bug\n.fi\n"), "{page}");
    }

    #[test]
    fn a_folder_that_does_not_exist_is_an_error_with_a_hint() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_pages(program(), &folder.path().join("none")).unwrap_err();
        assert_eq!(error.exit(), Exit::Failed);
        assert!(error.for_scripts(&Texts::default()).unwrap().1.starts_with("cannot write "));
    }
}
