//! The frame of `--help` in each language: headings, placeholders, values, and the options that both programs have.
//!
//! clap writes these words in English only, so they are written here: the environment variable and the possible values
//! of an option become a part of its help.

use std::env;

use clap::builder::StyledStr;
use clap::{Arg, ArgAction, Command};
use unicode_width::UnicodeWidthStr;

use super::Texts;

/// The place of `--help` and `--version`: after all other options, as clap has it.
const LAST: usize = 999;

/// Localises the frame around the help of the options. The command accepts the same arguments as before.
pub(crate) fn localise(command: Command, texts: &Texts) -> Command {
    let mut command = frame(command, texts);
    command.build();
    describe_help_command(&mut command, texts);
    localise_usage(&mut command, texts);
    command
}

/// The heading of the usage, and the space after it. A full-width colon needs none.
fn usage_heading(texts: &Texts) -> (String, &'static str) {
    let heading = texts.say().help_usage();
    let gap = if heading.is_ascii() { " " } else { "" };
    (heading, gap)
}

fn frame(command: Command, texts: &Texts) -> Command {
    let t = texts.say();
    let style = command.get_styles().get_usage();
    let (heading, gap) = usage_heading(texts);
    let usage = format!("{}{heading}{}{gap}", style.render(), style.render_reset());
    let template = format!("{{before-help}}{{about-with-newline}}\n{usage}{{usage}}\n\n{{all-args}}{{after-help}}");
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help).help(t.help_print());
    let version = Arg::new("version").short('V').long("version").action(ArgAction::Version).help(t.help_version());
    let has_version = command.get_version().is_some();
    let mut command = command.disable_help_flag(true).disable_version_flag(true).arg(help.display_order(LAST));
    if has_version {
        command = command.arg(version.display_order(LAST));
    }
    command
        .help_template(StyledStr::from(template))
        .subcommand_help_heading(t.help_commands())
        .subcommand_value_name(t.placeholder_command())
        .mut_args(|arg| describe(arg, texts))
        .mut_subcommands(|command| frame(command, texts))
}

/// Adds to the help of an option what clap would add in English.
fn describe(arg: Arg, texts: &Texts) -> Arg {
    let t = texts.say();
    let heading = match arg.get_help_heading() {
        Some(heading) => heading.to_owned(),
        None if arg.is_positional() => t.help_arguments(),
        None => t.help_options(),
    };
    let placeholders =
        arg.get_value_names().map(|names| names.iter().map(|name| placeholder(name, texts)).collect::<Vec<String>>());
    let environment = arg.get_env().filter(|_| !arg.is_hide_env_set()).map(|name| {
        let name = name.to_string_lossy().into_owned();
        let value = env::var_os(&name).filter(|_| !arg.is_hide_env_values_set());
        let shown = match value {
            None if arg.is_hide_env_values_set() => name,
            value => format!("{name}={}", value.unwrap_or_default().to_string_lossy()),
        };
        t.help_environment(shown)
    });
    // For clap, an option without a value has the values true and false.
    let has_values = arg.get_action().takes_values() && !arg.is_hide_possible_values_set();
    let values = if has_values { arg.get_possible_values() } else { Vec::new() };
    let names: Vec<String> = values.iter().map(|value| value.get_name().to_owned()).collect();
    let short_values = (!names.is_empty()).then(|| t.help_short_values(texts.list(&names)));
    let long_values = (!names.is_empty()).then(|| {
        if names.iter().all(|name| value_help(&arg, name, texts).is_empty()) {
            return t.help_short_values(texts.list(&names));
        }
        let lines = names.iter().map(|name| format!("\n- {name}: {}", value_help(&arg, name, texts)));
        t.help_possible_values() + &lines.collect::<String>()
    });
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let join = |parts: [Option<String>; 3], between: &str| {
        parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(between)
    };
    let short = join([Some(help.clone()), environment.clone(), short_values], " ");
    let long = join([Some(help), long_values, environment], "\n\n");
    let mut arg = arg.help_heading(heading).hide_env(true);
    if !names.is_empty() {
        arg = arg.hide_possible_values(true);
    }
    if long != short {
        arg = arg.long_help(long);
    }
    match placeholders {
        Some(names) => arg.help(short).value_names(names),
        None => arg.help(short),
    }
}

fn placeholder(name: &str, texts: &Texts) -> String {
    let t = texts.say();
    match name {
        "FILE" => t.placeholder_file(),
        "HOST:PORT" => t.placeholder_server(),
        "NAME" => t.placeholder_name(),
        "SERVER" => t.start_placeholder_server(),
        "IP:PORT" => t.placeholder_bind_address(),
        "IP[:PORT]" => t.placeholder_advertised_address(),
        "HEX" => t.placeholder_hex(),
        "FORMAT" => t.placeholder_format(),
        "LANGUAGE" => t.placeholder_language(),
        "FILE|none" => t.placeholder_file_or_none(),
        "WHEN" => t.placeholder_when(),
        "MODE" => t.placeholder_mode(),
        "SHELL" => t.placeholder_shell(),
        "DIR" => t.placeholder_dir(),
        "URL" => t.placeholder_url(),
        "NUMBER" => t.placeholder_number(),
        "SECONDS" => t.placeholder_seconds(),
        "DAYS" => t.placeholder_days(),
        "TIME" => t.placeholder_time(),
        "POLICY" => t.placeholder_policy(),
        "yes|no" => t.placeholder_yes_no(),
        other => other.to_owned(),
    }
}

fn value_help(arg: &Arg, name: &str, texts: &Texts) -> String {
    let t = texts.say();
    match name {
        "direct" => t.value_direct(),
        "auto" if arg.get_id() == "reach" => t.value_reach_auto(),
        "relay" => t.value_relay(),
        "text" => t.value_text(),
        "json" => t.value_json(),
        "auto" => t.value_auto(),
        "always" => t.value_always(),
        "never" => t.value_never(),
        "en" => t.value_en(),
        "zh-CN" => t.value_zh_cn(),
        "open" => t.value_open(),
        "invited" => t.value_invited(),
        "closed" => t.value_closed(),
        _ => String::new(),
    }
}

/// Ends the headings of a page of help as the language does. clap writes a colon of ASCII after each.
pub(crate) fn with_headings(page: &str, texts: &Texts) -> String {
    let t = texts.say();
    let headings = [t.help_commands(), t.help_options(), t.help_arguments(), t.help_limits()];
    headings.into_iter().fold(page.to_owned(), |page, heading| {
        page.replace(&format!("\n{heading}:\n"), &format!("\n{}\n", t.help_heading(&heading)))
    })
}

/// Describes the command `help`, which clap adds itself.
fn describe_help_command(command: &mut Command, texts: &Texts) {
    for command in command.get_subcommands_mut() {
        if command.get_name() == "help" {
            *command = std::mem::take(command).about(texts.say().help_command());
        } else {
            describe_help_command(command, texts);
        }
    }
}

/// Replaces the placeholder that clap writes itself, and aligns the lines below the localised heading.
fn localise_usage(command: &mut Command, texts: &Texts) {
    const ENGLISH: &str = "Usage: ";
    let (heading, gap) = usage_heading(texts);
    let indent = format!("\n{}", " ".repeat(heading.width() + gap.width()));
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches(ENGLISH).replace(&format!("\n{}", " ".repeat(ENGLISH.len())), &indent);
    let usage = usage.replace("[OPTIONS]", &texts.say().placeholder_options());
    *command = std::mem::take(command).override_usage(usage);
    for command in command.get_subcommands_mut().filter(|command| command.get_name() != "help") {
        localise_usage(command, texts);
    }
}
