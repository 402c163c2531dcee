//! The answer to `/who`: for people at a terminal a table, for everything else a line for each user.

use std::time::Duration;

use chat_core::away::AwayText;
use chat_core::peer::Rung;
use unicode_width::UnicodeWidthStr;

use super::{TextRenderer, push, shown_address};
use crate::isolate::{Reader, isolated};
use crate::view::{LinkTrouble, OnlineUser};

/// The columns: name, way, address, since, round trip, state.
const COLUMNS: usize = 6;

/// The blanks between two columns.
const GAP: &str = "  ";

/// The content of a cell whose value is unknown.
const NOTHING: &str = "-";

/// The mark before an away text below its row, so that it does not look like a row.
const MARK: &str = "│ ";

/// A row of the table as text without colours.
type Row = [String; COLUMNS];

impl TextRenderer {
    pub(super) fn roster(&self, online: &[OnlineUser], out: &mut String) {
        let t = self.texts.say();
        if online.is_empty() {
            return push(out, format_args!("{}\n", t.roster_empty()));
        }
        push(out, format_args!("{}\n", t.roster_count(online.len())));
        if self.reader == Reader::Other {
            for user in online {
                let row = t.roster_row(self.name(&user.user), self.offered(user), self.time(user.since));
                let away = user.away.as_ref().map(|away| t.roster_away(self.away(away))).unwrap_or_default();
                push(out, format_args!("  {row}{away}\n"));
            }
            return;
        }
        let rows: Vec<Row> = online.iter().map(|user| self.row(user)).collect();
        let heading = [t.who_name(), t.who_way(), t.who_address(), t.who_since(), t.who_round_trip(), t.who_state()];
        let width =
            |column: usize| rows.iter().chain([&heading]).map(|row| row[column].width_cjk()).max().unwrap_or_default();
        let widths: [usize; COLUMNS] = std::array::from_fn(width);
        let whole = GAP.len() * COLUMNS + widths.iter().sum::<usize>();
        if whole >= (self.columns)() {
            return self.narrow(online, &rows, out);
        }
        push(out, format_args!("{GAP}{}\n", line(&heading, &widths, &heading[0])));
        let room = (self.columns)() - (whole - widths[COLUMNS - 1]);
        for (user, mut row) in online.iter().zip(rows) {
            let state = self.state(user);
            let fits = state.width_cjk() < room;
            if fits {
                row[COLUMNS - 1] = state;
            }
            push(out, format_args!("{GAP}{}\n", line(&row, &widths, &self.name(&user.user))));
            if let Some(away) = user.away.as_ref().filter(|_| !fits) {
                push(out, format_args!("{GAP}{MARK}{}\n", isolated(away.as_str(), self.reader)));
            }
        }
    }

    /// Two lines for each user, for a terminal that is too narrow for the table.
    fn narrow(&self, online: &[OnlineUser], rows: &[Row], out: &mut String) {
        for (user, [_, way, address, since, round_trip, _]) in online.iter().zip(rows) {
            push(out, format_args!("{GAP}{}{GAP}{}\n", self.name(&user.user), self.state(user)));
            push(out, format_args!("{GAP}{GAP}{way}{GAP}{address}{GAP}{since}{GAP}{round_trip}\n"));
        }
    }

    /// The row of a user. Its state is without the away text, which would make the table too wide for most terminals.
    fn row(&self, online: &OnlineUser) -> Row {
        let OnlineUser { user, since, round_trip, trouble, away, .. } = online;
        let since = self.zoned(*since);
        let format = if self.day.is_none_or(|day| day == since.date()) { "%H:%M:%S" } else { "%m-%d %H:%M" };
        let state = self.states(away.as_ref().map(|_| self.texts.say().who_away_silent()), *trouble);
        let round_trip = round_trip.map_or_else(|| NOTHING.to_owned(), shown_time);
        let since = since.strftime(format).to_string();
        [self.plain(user), self.way(online), self.address(online), since, round_trip, state]
    }

    /// One word for the way that messages to a user take.
    fn way(&self, user: &OnlineUser) -> String {
        let t = self.texts.say();
        match user.way {
            Some(Rung::Host) => t.who_way_host(),
            Some(Rung::Lan) => t.who_way_lan(),
            Some(Rung::Routed) => t.who_way_routed(),
            Some(Rung::RelayedTcp) => t.who_way_server(),
            // A kind that is newer than this program has its name.
            Some(way) => way.name().to_owned(),
            None => NOTHING.to_owned(),
        }
    }

    /// The address that matters: the one that datagrams go to, or as long as there is none the one that is offered.
    fn address(&self, user: &OnlineUser) -> String {
        match (user.proven, user.way) {
            (Some(proven), _) => proven.to_string(),
            (None, Some(Rung::RelayedTcp)) => NOTHING.to_owned(),
            (None, _) => self.offered(user),
        }
    }

    fn offered(&self, user: &OnlineUser) -> String {
        shown_address(user.address).map_or_else(|| self.texts.say().who_hidden(), |address| address.to_string())
    }

    /// The state of a user, with the away text.
    fn state(&self, user: &OnlineUser) -> String {
        self.states(user.away.as_ref().map(|away| self.away(away)), user.trouble)
    }

    fn states(&self, away: Option<String>, trouble: Option<LinkTrouble>) -> String {
        let t = self.texts.say();
        let trouble = trouble.map(|trouble| match trouble {
            LinkTrouble::Silent => t.who_silent(),
            LinkTrouble::NoAddress => t.who_no_address(),
            LinkTrouble::Misbehaved => t.reason_misbehaved(),
        });
        let states: Vec<String> = trouble.into_iter().chain(away).collect();
        if states.is_empty() { t.who_online() } else { self.texts.list(&states) }
    }

    fn away(&self, away: &AwayText) -> String {
        let t = self.texts.say();
        if away.is_empty() { t.who_away_silent() } else { t.who_away(isolated(away.as_str(), self.reader)) }
    }
}

/// The cells of a row, padded to their widths. `name` replaces the first one and takes up the same columns.
fn line(row: &Row, widths: &[usize; COLUMNS], name: &str) -> String {
    let cells = row.iter().zip(widths).enumerate().map(|(number, (cell, width))| {
        let padding = " ".repeat(width.saturating_sub(cell.width()));
        format!("{}{padding}", if number == 0 { name } else { cell })
    });
    cells.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
}

/// Milliseconds, with one decimal below ten.
fn shown_time(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1_000.0;
    if millis < 9.95 { format!("{millis:.1} ms") } else { format!("{millis:.0} ms") }
}

#[cfg(test)]
mod tests {
    use chat_core::roster::Entry;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::texts::{Language, Texts};
    use crate::view::ViewEvent;
    use crate::view::samples::{AT, address, online};

    fn table(language: Language, columns: fn() -> usize) -> String {
        let mut text = TextRenderer::new(Texts::new(language), TimeZone::UTC, Reader::Terminal);
        text.columns = columns;
        let users = vec![
            OnlineUser {
                round_trip: Some(Duration::from_micros(412)),
                way: Some(Rung::Lan),
                proven: Some(address()),
                ..online("alexandra")
            },
            OnlineUser { trouble: Some(LinkTrouble::Silent), ..online("bob") },
            OnlineUser {
                round_trip: Some(Duration::from_millis(128)), way: Some(Rung::RelayedTcp), ..online("小明")
            },
            OnlineUser { address: Entry::HIDDEN_ADDRESS, ..online("小红") },
            OnlineUser {
                trouble: Some(LinkTrouble::NoAddress),
                since: AT + Duration::from_secs(86_400),
                ..online("שלום")
            },
        ];
        let mut out = String::new();
        text.begin_day(AT, &mut out);
        text.render(&ViewEvent::Roster { online: users }, &mut out);
        out
    }

    #[test]
    fn the_table_is_aligned_in_both_languages_and_folded_in_a_narrow_terminal() {
        let screens = [Language::English, Language::Chinese]
            .map(|language| format!("{}\n{}", table(language, || 80), table(language, || 40)));
        insta::assert_snapshot!("who", screens.join("\n"));
    }

    #[test]
    fn the_table_shows_who_is_away_in_both_languages_and_a_long_text_below_its_row() {
        let long = "在开会，下午三点回来，有急事请打电话，或者找小红";
        let users = vec![
            OnlineUser { away: "at lunch".parse().ok(), ..online("alexandra") },
            OnlineUser { away: "".parse().ok(), trouble: Some(LinkTrouble::Silent), ..online("bob") },
            OnlineUser { away: long.parse().ok(), round_trip: Some(Duration::from_millis(9)), ..online("小明") },
            OnlineUser { away: "吃饭".parse().ok(), ..online("小红") },
            online("שלום"),
        ];
        let screens = [Language::English, Language::Chinese].map(|language| {
            [80, 40].map(|columns| {
                let mut text = TextRenderer::new(Texts::new(language), TimeZone::UTC, Reader::Terminal);
                text.columns = if columns == 80 { || 80 } else { || 40 };
                let mut out = String::new();
                text.render(&ViewEvent::Roster { online: users.clone() }, &mut out);
                if columns == 80 {
                    assert!(out.lines().all(|line| line.width() < columns), "{out}");
                }
                out
            })
        });
        insta::assert_snapshot!("who-away", screens.as_flattened().join("\n"));
    }

    #[test]
    fn the_columns_begin_in_the_same_place_after_wide_characters() {
        let table = table(Language::Chinese, || 80);
        let places: Vec<usize> = table
            .lines()
            .filter_map(|line| line.find("04:28").map(|at| line[..at].replace(['\u{2068}', '\u{2069}'], "").width()))
            .collect();
        assert_eq!(places[..4], [places[0]; 4], "{table}");
        assert_eq!(places.len(), 5, "{table}");
    }

    #[test]
    fn short_times_have_a_decimal() {
        for (micros, shown) in
            [(0, "0.0 ms"), (412, "0.4 ms"), (9_949, "9.9 ms"), (9_960, "10 ms"), (128_400, "128 ms")]
        {
            assert_eq!(shown_time(Duration::from_micros(micros)), shown);
        }
    }
}
