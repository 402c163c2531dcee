//! The list of people: everyone, those online, and those who left and were talked to.

use chat_cli::texts::WindowSentence as W;
use chat_core::name::UserName;
use eframe::egui::{
    self, Align2, Color32, FontId, Id, Rect, RichText, Role, ScrollArea, Sense, TextStyle, Ui, WidgetInfo, pos2, vec2,
};

use super::{View, fields};
use crate::look::{Palette, palette};
use crate::model::conversation::Partner;
use crate::model::roster::{Person, Way};
use crate::model::session::Session;
use crate::model::{Action, Side};

/// The height of a row.
const ROW: f32 = 36.0;

/// The height of a button below the list, the size of its text, and the room beside that.
const FOOT: f32 = 26.0;
const FOOT_TEXT: f32 = 12.5;
const FOOT_PADDING: egui::Vec2 = vec2(8.0, 3.0);

/// The least width in which the buttons below the list share one row.
const FOUR_COLUMNS: f32 = 230.0;

/// The least room in which the state of a person is shown beside the name. The tooltip has it too.
const MIN_STATE: f32 = 40.0;

/// The list that was made last.
#[derive(Debug, Default)]
pub(super) struct Shown {
    made_for: Option<MadeFor>,
    rows: Vec<Row>,
}

/// The input from which a list was made.
#[derive(Debug, Eq, PartialEq)]
struct MadeFor {
    revision: u64,
    is_over: bool,
    /// Those with unread lines stand first, so that nobody has to look for them.
    unread: Vec<UserName>,
    search: String,
}

#[derive(Debug)]
enum Row {
    Heading(W),
    Person(UserName, Person),
}

/// Identifies the field that finds people.
pub(super) fn search_id() -> Id {
    Id::unique("search")
}

impl View {
    pub(super) fn people(&mut self, ui: &mut Ui, session: &Session, side: Option<Side>, actions: &mut Vec<Action>) {
        let name = self.say(W::Search);
        let search = fields::with_ring(ui, |ui| ui.add(fields::text(search_id(), &mut self.search, &name)));
        search.widget_info(|| WidgetInfo::labeled(Role::SearchInput, true, &name));
        ui.add_space(2.0);
        let everyone = self.say(W::Everyone);
        self.row(ui, session, &Partner::Everyone, &everyone, None, actions);
        self.renew(session);
        if search.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Escape)) {
            self.search.clear();
        }
        if search.lost_focus()
            && ui.input(|input| input.key_pressed(egui::Key::Enter))
            && let Some(user) = self.people.rows.iter().find_map(Row::person)
        {
            actions.push(Action::Open(Partner::One(user.clone())));
            self.search.clear();
        }
        egui::Panel::bottom("own").show_separator_line(false).frame(egui::Frame::new()).show(ui, |ui| {
            self.own_row(ui, session, side, actions);
        });
        if self.people.rows.is_empty() {
            let typed = self.search.trim().to_owned();
            let server = session.server.to_string();
            let sentence = if typed.is_empty() { W::NobodyElse { server } } else { W::NobodyFound { typed } };
            ui.add_space(6.0);
            egui::Frame::new().inner_margin(egui::Margin::symmetric(8, 0)).show(ui, |ui| {
                fields::sentence(ui, &self.say(sentence), palette(ui).quiet);
            });
        }
        ui.spacing_mut().item_spacing.y = 0.0;
        ScrollArea::vertical().auto_shrink(false).show_rows(ui, ROW, self.people.rows.len(), |ui, range| {
            for number in range {
                match &self.people.rows[number] {
                    Row::Heading(sentence) => heading(ui, &self.say(sentence.clone())),
                    Row::Person(user, person) => {
                        self.row(ui, session, &Partner::One(user.clone()), user.as_str(), Some(person), actions);
                    }
                }
            }
        });
    }

    /// The user, and what leads to the panels.
    fn own_row(&self, ui: &mut Ui, session: &Session, side: Option<Side>, actions: &mut Vec<Action>) {
        ui.separator();
        ui.horizontal(|ui| {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if session.end.is_none() {
                    ui.spacing_mut().button_padding = FOOT_PADDING;
                    ui.spacing_mut().interact_size.y = FOOT;
                    let name = RichText::new(self.say(W::Leave)).size(FOOT_TEXT);
                    if ui.button(name).on_hover_text(self.say(W::LeaveExplained)).clicked() {
                        actions.push(Action::GoOffline);
                    }
                }
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    ui.add(egui::Label::new(RichText::new(session.user.as_str()).strong()).truncate());
                });
            });
        });
        if let Some(away) = &session.own_away {
            ui.horizontal(|ui| {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if fields::link(ui, &self.say(W::BeBack)).clicked() {
                        actions.push(Action::BeBack);
                    }
                    ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                        let text = self.say(W::IsAway { text: away.as_str().to_owned() });
                        ui.add(egui::Label::new(RichText::new(text).size(13.0).color(palette(ui).quiet)).truncate());
                    });
                });
            });
        }
        ui.add_space(2.0);
        let panels = [
            (W::Settings, W::SettingsExplained, Side::Settings),
            (W::GoAway, W::GoAwayExplained, Side::Away),
            (W::Notices, W::NoticesExplained, Side::Notices),
            (W::Help, W::HelpExplained, Side::Help),
        ];
        let columns = if ui.available_width() < FOUR_COLUMNS { 2 } else { panels.len() };
        for row in panels.chunks(columns) {
            ui.columns(columns, |columns| {
                for (ui, (name, explanation, panel)) in columns.iter_mut().zip(row) {
                    let is_open = side == Some(*panel);
                    let count = if *panel == Side::Notices { session.unseen_notices() } else { 0 };
                    let button = foot_button(ui, &self.say(name.clone()), is_open, count);
                    button.widget_info(|| {
                        let name = self.say(name.clone());
                        let name = if count == 0 { name } else { self.say(W::Unread { name, count }) };
                        WidgetInfo::selected(Role::Button, true, is_open, name)
                    });
                    if button.on_hover_text(self.say(explanation.clone())).clicked() {
                        actions.push(if is_open { Action::CloseSide } else { Action::ShowSide(*panel) });
                    }
                }
            });
        }
    }

    /// Makes the list again if the people or the search changed.
    fn renew(&mut self, session: &Session) {
        let wanted = MadeFor {
            revision: session.roster.revision(),
            is_over: session.end.is_some(),
            unread: session.unread_people(),
            search: self.search.clone(),
        };
        if self.people.made_for.as_ref() == Some(&wanted) {
            return;
        }
        let mut found = session.roster.find(&self.search);
        if !wanted.unread.is_empty() {
            found.sort_by_key(|(user, person)| (!person.is_online, wanted.unread.binary_search(user).is_err()));
        }
        let online = found.iter().filter(|(_, person)| person.is_online).count();
        let mut rows = Vec::with_capacity(found.len() + 2);
        for (number, (user, person)) in found.into_iter().enumerate() {
            if number == 0 && person.is_online {
                let heading = if session.end.is_some() { W::StateUnknown } else { W::Online { count: online } };
                rows.push(Row::Heading(heading));
            } else if number == online {
                rows.push(Row::Heading(W::Offline));
            }
            rows.push(Row::Person(user, person));
        }
        self.people = Shown { made_for: Some(wanted), rows };
    }

    fn row(
        &self,
        ui: &mut Ui,
        session: &Session,
        partner: &Partner,
        name: &str,
        person: Option<&Person>,
        actions: &mut Vec<Action>,
    ) {
        let colours = palette(ui);
        let (is_open, unread) = (session.open == *partner, session.unread_of(partner));
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_open, self.spoken(name, person, unread)));
        if response.clicked() {
            actions.push(Action::Open(partner.clone()));
        }
        let state = self.state_of(person).filter(|_| person.is_some_and(|person| person.is_online));
        let way = person.and_then(|person| self.way_of(person));
        let response = match (&state, way) {
            (None, None) => response,
            (state, way) => {
                let parts = state.iter().cloned().chain(way.map(|(_, explained)| explained));
                response.on_hover_text(parts.collect::<Vec<_>>().join("\n"))
            }
        };
        if !ui.is_rect_visible(rect) {
            return;
        }
        let fill = if is_open {
            colours.selected
        } else if response.hovered() {
            colours.hovered
        } else {
            Color32::TRANSPARENT
        };
        ui.painter().rect_filled(rect.shrink2(vec2(0.0, 1.0)), 8, fill);
        if response.has_focus() {
            let ring = egui::Stroke::new(1.5, colours.accent);
            ui.painter().rect_stroke(rect.shrink2(vec2(1.0, 2.0)), 8, ring, egui::StrokeKind::Inside);
        }
        dot(ui, rect, person, session.is_stale(), &colours);
        let room = if unread > 0 { badge(ui, rect, unread, &colours) } else { rect.right() - 8.0 };
        let is_present = person.is_none_or(|person| person.is_online);
        let colour = if is_present { ui.visuals().strong_text_color() } else { colours.quiet };
        let left = rect.left() + 28.0;
        let galley = ui.painter().layout_job(one_row(name, TextStyle::Body.resolve(ui.style()), colour, room - left));
        let end = left + galley.size().x + 8.0;
        ui.painter().galley(pos2(left, rect.center().y - galley.size().y / 2.0), galley, colour);
        if let Some(state) = state.filter(|_| room - end > MIN_STATE) {
            let galley =
                ui.painter().layout_job(one_row(&state, FontId::proportional(12.5), colours.quiet, room - end));
            ui.painter().galley(pos2(end, rect.center().y - galley.size().y / 2.0), galley, colours.quiet);
        }
    }

    /// What is to be said about a person besides being online.
    pub(super) fn state_of(&self, person: Option<&Person>) -> Option<String> {
        match person {
            None | Some(Person { is_online: false, .. }) => Some(self.say(W::Offline)),
            Some(Person { is_silent: true, .. }) => Some(self.say(W::NotAnswering)),
            Some(Person { away: Some(away), .. }) => Some(self.say(W::IsAway { text: away.as_str().to_owned() })),
            Some(_) => None,
        }
    }

    /// The way that messages to a person take: in a few words, and explained.
    pub(super) fn way_of(&self, person: &Person) -> Option<(String, String)> {
        let Way { is_relayed, round_trip } = person.way.filter(|_| person.is_online && !person.is_silent)?;
        // A time below a millisecond counts as one.
        let millis = round_trip.map(|time| time.as_millis().max(1));
        Some((self.say(W::Way { is_relayed, millis }), self.say(W::WayExplained { is_relayed })))
    }

    /// The row as a screen reader says it.
    fn spoken(&self, name: &str, person: Option<&Person>, unread: usize) -> String {
        let name = match person {
            Some(Person { is_online: false, .. }) => self.say(W::Absent { name: name.to_owned() }),
            Some(Person { is_silent: true, .. }) => self.say(W::Silent { name: name.to_owned() }),
            Some(Person { away: Some(away), .. }) => {
                self.say(W::PersonAway { name: name.to_owned(), text: away.as_str().to_owned() })
            }
            _ => name.to_owned(),
        };
        if unread == 0 { name } else { self.say(W::Unread { name, count: unread }) }
    }
}

impl Row {
    const fn person(&self) -> Option<&UserName> {
        match self {
            Self::Person(user, _) => Some(user),
            Self::Heading(_) => None,
        }
    }
}

fn heading(ui: &mut Ui, text: &str) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    let colour = palette(ui).quiet;
    ui.painter().text(
        rect.left_bottom() + vec2(6.0, -6.0),
        Align2::LEFT_BOTTOM,
        text,
        FontId::proportional(12.5),
        colour,
    );
}

/// A button below the list, which is as wide as the others. The number of what is new stands on its corner.
fn foot_button(ui: &mut Ui, name: &str, is_open: bool, count: usize) -> egui::Response {
    let colours = palette(ui);
    let colour = if is_open { colours.chosen } else { colours.text };
    let size = vec2(ui.available_width(), FOOT);
    ui.spacing_mut().button_padding = vec2(2.0, 3.0);
    ui.spacing_mut().interact_size.y = FOOT;
    let text = RichText::new(name).size(FOOT_TEXT).color(colour);
    let button = egui::Button::new(text);
    let button = if is_open { button.fill(colours.selected) } else { button };
    let response = ui.add_sized(size, button);
    if count > 0 {
        number(ui, response.rect.right_top() + vec2(-7.0, 2.0), count, &colours, 16.0);
    }
    response
}

/// Presence: full, half if the person is away, a ring with a point if the person does not answer, hollow if offline, pale if
/// nobody knows. Everyone has two.
fn dot(ui: &Ui, row: Rect, person: Option<&Person>, is_stale: bool, colours: &Palette) {
    let (centre, painter) = (pos2(row.left() + 14.0, row.center().y), ui.painter());
    match person {
        None => {
            painter.circle_filled(centre + vec2(-2.5, 0.0), 4.0, colours.accent);
            painter.circle_filled(centre + vec2(3.0, 0.0), 4.0, colours.accent.gamma_multiply(0.6));
        }
        Some(Person { is_online: false, .. }) => {
            painter.circle_stroke(centre, 4.0, egui::Stroke::new(1.2, colours.quiet));
        }
        Some(Person { is_silent: true, .. }) => {
            painter.circle_stroke(centre, 4.0, egui::Stroke::new(1.2, colours.warning));
            painter.circle_filled(centre, 2.0, colours.warning);
        }
        Some(Person { away: Some(_), .. }) => {
            painter.circle_stroke(centre, 4.0, egui::Stroke::new(1.2, colours.quiet));
            let half = painter.with_clip_rect(Rect::everything_left_of(centre.x).intersect(painter.clip_rect()));
            half.circle_filled(centre, 4.0, colours.quiet);
        }
        Some(_) => {
            let colour = if is_stale { colours.good.gamma_multiply(0.45) } else { colours.good };
            painter.circle_filled(centre, 4.5, colour);
        }
    }
}

/// The number of unread lines. Returns where it begins.
fn badge(ui: &Ui, row: Rect, unread: usize, colours: &Palette) -> f32 {
    number(ui, pos2(row.right() - 18.0, row.center().y), unread, colours, 20.0) - 6.0
}

/// A number of this height on the accent, which grows from here to the left. Returns where it begins.
fn number(ui: &Ui, centre: egui::Pos2, count: usize, colours: &Palette, height: f32) -> f32 {
    let text = if count > 999 { "999+".to_owned() } else { count.to_string() };
    let galley = ui.painter().layout_no_wrap(text, FontId::proportional(height * 0.6), colours.on_accent);
    let width = (galley.size().x + height * 0.6).max(height);
    let right = centre.x + height / 2.0;
    let rect = Rect::from_min_size(pos2(right - width, centre.y - height / 2.0), vec2(width, height));
    ui.painter().rect_filled(rect, height / 2.0, colours.accent);
    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, colours.on_accent);
    rect.left()
}

/// Text in one row, cut with an ellipsis.
fn one_row(text: &str, font: FontId, colour: Color32, width: f32) -> egui::text::LayoutJob {
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, colour);
    job.wrap = egui::text::TextWrapping::truncate_at_width(width.max(10.0));
    job
}
