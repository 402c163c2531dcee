//! What the window asks of the system: its title, attention, and to be closed.

use chat_core::message::Scope;
use chat_desktop::model::Action;
use chat_desktop::model::exchange::Happening;
use chat_desktop::model::settings::Attention;
use chat_net::client::Event;
use eframe::egui::ViewportCommand;

use crate::stage::{AT, LANGUAGES, Stage};

/// A message arrives. Whether the window calls for attention, and the title if it has another one.
fn arrive(stage: &mut Stage, scope: Scope) -> (bool, Option<String>) {
    stage.tell_of("bob", scope, "hello");
    let commands = stage.commands();
    let is_calling = commands.iter().any(|command| matches!(command, ViewportCommand::RequestUserAttention(_)));
    let title = commands.iter().find_map(|command| match command {
        ViewportCommand::Title(title) => Some(title.clone()),
        _ => None,
    });
    (is_calling, title)
}

#[test]
fn a_window_without_the_focus_calls_for_the_messages_that_were_chosen() {
    use Scope::{Group, Private};
    for language in LANGUAGES {
        for (attention, scope, calls) in [
            (Attention::All, Group, true),
            (Attention::All, Private, true),
            (Attention::Private, Group, false),
            (Attention::Private, Private, true),
            (Attention::Nothing, Group, false),
            (Attention::Nothing, Private, false),
        ] {
            let mut stage = Stage::online(language, &["bob"]);
            stage.model().settings.attention = attention;
            stage.window.input_mut().focused = false;
            let (is_calling, title) = arrive(&mut stage, scope);
            assert_eq!(is_calling, calls, "{attention:?} {scope:?}");
            assert!(title.is_some_and(|title| title.starts_with("(1) 小明")), "unread messages are in the title");
            assert_eq!(arrive(&mut stage, scope).0, calls, "each message calls");
            assert!(
                !stage.commands().iter().any(|command| matches!(command, ViewportCommand::RequestUserAttention(_)))
            );
        }
    }
}

#[test]
fn a_window_with_the_focus_does_not_call() {
    let mut stage = Stage::online(LANGUAGES[0], &["bob"]);
    assert!(!arrive(&mut stage, Scope::Private).0);
    stage.window.input_mut().focused = false;
    stage.window.step();
    assert!(!stage.commands().iter().any(|command| matches!(command, ViewportCommand::RequestUserAttention(_))));
}

#[test]
fn a_request_to_stop_hides_the_window_until_the_goodbye_is_said() {
    let closes = |stage: &mut Stage| {
        let commands = stage.commands();
        let is_hidden = commands.contains(&ViewportCommand::Visible(false));
        (is_hidden, commands.contains(&ViewportCommand::Close))
    };
    let mut stage = Stage::online(LANGUAGES[0], &["bob"]);
    stage.session().open_conversation().draft = "unsent".to_owned();
    stage.model().act(Action::Send, AT);
    stage.happen(Happening::StopRequested);
    assert_eq!(closes(&mut stage), (true, false), "without a question about open outcomes");
    stage.event(Event::Left);
    assert_eq!(closes(&mut stage), (false, true));
    let mut stage = Stage::new(LANGUAGES[0]);
    stage.happen(Happening::StopRequested);
    assert_eq!(closes(&mut stage), (false, true), "nobody to say goodbye to");
}
