//! A window without a display, whose thread the test plays: what both programs have.

use chat_cli::texts::{Localised, Texts};
use chat_desktop::app::App;
use chat_desktop::look;
use chat_desktop::run::FarPort;
use chat_desktop::server_app::ServerApp;
use eframe::egui::accesskit::Role;
use eframe::egui::{OutputCommand, Rect, Ui, ViewportCommand, vec2};
use egui_kittest::kittest::Queryable;
use egui_kittest::{Harness, Node};

/// The roles of fields.
const FIELDS: [Role; 4] = [Role::TextInput, Role::PasswordInput, Role::MultilineTextInput, Role::SearchInput];

/// A program in its window.
pub(crate) trait Program: 'static {
    fn frame(&mut self, ui: &mut Ui);
}

impl Program for App {
    fn frame(&mut self, ui: &mut Ui) {
        self.turn(&ui.ctx().clone());
        self.draw(ui);
    }
}

impl Program for ServerApp {
    fn frame(&mut self, ui: &mut Ui) {
        self.turn(&ui.ctx().clone());
        self.draw(ui);
    }
}

/// A text as it is, and as a sentence that stands alone.
fn alone(text: &str) -> [String; 2] {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    [text.to_owned(), first.into_iter().chain(letters).collect()]
}

/// A program, its window, and the other end of its queues.
pub(crate) struct Set<A, W, H> {
    pub(crate) window: Harness<'static, A>,
    pub(crate) texts: Texts,
    far: FarPort<W, H>,
}

impl<A: Program, W, H> Set<A, W, H> {
    pub(crate) fn of(app: A, far: FarPort<W, H>, texts: Texts) -> Self {
        let language = texts.language();
        let builder = Harness::builder();
        // Set by scripts/test on a machine without such a font. Otherwise a missing glyph fails the story.
        let has_font = std::env::var_os("CHAT_TEST_WITHOUT_CHINESE_FONT").is_none();
        let window = if has_font { builder } else { builder.allow_missing_glyphs() }
            .with_size(vec2(960.0, 660.0))
            .with_context_setup(move |context| look::install(context, language))
            .build_ui_state(|ui, app: &mut A| app.frame(ui), app);
        Self { window, texts, far }
    }

    /// Something happened, which the next frame draws.
    pub(crate) fn tell(&self, happening: H) {
        assert!(self.far.happenings.try_send(happening).is_ok(), "the window takes it");
        // As the thread wakes the window.
        self.window.ctx.request_repaint();
    }

    /// Something happened, and is drawn.
    pub(crate) fn happen(&mut self, happening: H) {
        self.tell(happening);
        self.run();
    }

    /// Frames until nothing moves. Spinners and countdowns never end, so the number is bounded.
    pub(crate) fn run(&mut self) {
        self.window.run_ok();
    }

    /// What the window wishes for next.
    pub(crate) fn wish(&mut self) -> Option<W> {
        self.far.wishes.try_recv().ok()
    }

    /// Takes wishes until one is of this kind.
    pub(crate) fn wish_for<T>(&mut self, mut pick: impl FnMut(W) -> Option<T>) -> Option<T> {
        while let Some(wish) = self.wish() {
            if let Some(found) = pick(wish) {
                return Some(found);
            }
        }
        None
    }

    /// A sentence in the language of the window.
    pub(crate) fn say(&self, sentence: impl Localised) -> String {
        sentence.text(&self.texts)
    }

    /// Whether a text is in the window.
    pub(crate) fn shows(&self, text: &str) -> bool {
        alone(text).iter().any(|text| self.window.query_all_by_label_contains(text).next().is_some())
    }

    /// Whether a sentence is in the window.
    pub(crate) fn tells(&self, sentence: impl Localised) -> bool {
        self.shows(&self.say(sentence))
    }

    /// The field of this name.
    pub(crate) fn node<'a>(&'a self, name: &'a str) -> Node<'a> {
        let mut found = FIELDS.iter().filter_map(|role| self.window.query_by_role_and_label(*role, name));
        found.next().unwrap_or_else(|| panic!("no field: {name}"))
    }

    /// Where the field of this name is.
    pub(crate) fn field(&self, name: impl Localised) -> Rect {
        self.node(&self.say(name)).rect()
    }

    /// Where a text is.
    pub(crate) fn place(&self, text: &str) -> Rect {
        let texts = alone(text);
        let mut found = texts.iter().flat_map(|text| self.window.query_all_by_label(text));
        found.next().unwrap_or_else(|| panic!("nowhere: {text}")).rect()
    }

    /// Types into the field of this name.
    pub(crate) fn fill(&mut self, name: impl Localised, text: &str) {
        let label = self.say(name);
        self.node(&label).focus();
        self.run();
        self.node(&label).type_text(text);
        self.run();
    }

    /// Presses the button of this name.
    pub(crate) fn press(&mut self, name: impl Localised) {
        self.click(Role::Button, name);
    }

    /// Clicks what has this role and name.
    pub(crate) fn click(&mut self, role: Role, name: impl Localised) {
        let label = self.say(name);
        self.window.get_by_role_and_label(role, &label).click();
        self.run();
    }

    /// What is copied to the clipboard in the next frame.
    pub(crate) fn copied(&mut self) -> Option<String> {
        self.window.step();
        self.window.output().platform_output.commands.iter().find_map(|command| match command {
            OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        })
    }

    /// The page that the next frame opens.
    pub(crate) fn opened(&mut self) -> Option<String> {
        self.window.step();
        self.window.output().platform_output.commands.iter().find_map(|command| match command {
            OutputCommand::OpenUrl(open) => Some(open.url.clone()),
            _ => None,
        })
    }

    /// What the next frame asks the system to do with the window.
    pub(crate) fn commands(&mut self) -> Vec<ViewportCommand> {
        self.window.step();
        self.window.output().viewport_output.values().flat_map(|window| window.commands.clone()).collect()
    }
}
