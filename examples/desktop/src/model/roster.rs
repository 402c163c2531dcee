//! The people: who is online, who was, who is away, and who does not answer.

use std::collections::BTreeMap;
use std::time::Duration;

use chat_core::away::AwayText;
use chat_core::name::UserName;

use super::exchange::People;
use super::spelling::{sounds_like, spelling};

/// A person who is online, or was in this session.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Person {
    /// Whether the person is online.
    pub is_online: bool,
    /// Whether the person's program does not answer.
    pub is_silent: bool,
    /// What the person says about being away.
    pub away: Option<AwayText>,
    /// The way that messages to the person take, once one has answered.
    pub way: Option<Way>,
}

/// The way that messages to a person take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Way {
    /// Whether they go through the server.
    pub is_relayed: bool,
    /// The time there and back, once it is measured.
    pub round_trip: Option<Duration>,
}

/// The people, in the order of their canonical names.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    people: BTreeMap<UserName, Person>,
    online: usize,
    /// Rises with each change, so that a list that was made of it can be kept meanwhile.
    revision: u64,
}

impl Roster {
    /// Replaces those who are online. Others whom `keep` names stay as offline. Who stays online and does not answer still
    /// does not, and is reached the same way.
    pub fn set_online(&mut self, online: People, keep: impl Fn(&UserName) -> bool) {
        let before = std::mem::take(&mut self.people);
        self.online = online.len();
        for (user, away) in online {
            let (is_silent, way) = before.get(&user).map_or((false, None), |person| (person.is_silent, person.way));
            self.people.insert(user, Person { is_online: true, is_silent, away, way });
        }
        for user in before.into_keys().filter(keep) {
            self.people.entry(user).or_default();
        }
        self.revision += 1;
    }

    /// A new session has begun: nobody was written to in it, so nobody has answered or failed to.
    pub fn forget_answers(&mut self) {
        self.people.values_mut().for_each(|person| (person.is_silent, person.way) = (false, None));
        self.revision += 1;
    }

    /// Adds a person who came online.
    pub fn arrive(&mut self, user: UserName) {
        let person = self.people.entry(user).or_default();
        if !person.is_online {
            self.online += 1;
        }
        *person = Person { is_online: true, ..Person::default() };
        self.revision += 1;
    }

    /// Marks a person who went offline. `keep` says whether the list still shows the name.
    pub fn depart(&mut self, user: &UserName, keep: bool) {
        let Some(person) = self.people.get_mut(user) else { return };
        if person.is_online {
            self.online -= 1;
        }
        if keep {
            *person = Person::default();
        } else {
            self.people.remove(user);
        }
        self.revision += 1;
    }

    /// Marks whether a person answers.
    pub fn set_silent(&mut self, user: &UserName, is_silent: bool) {
        if let Some(person) = self.people.get_mut(user) {
            person.is_silent = is_silent;
            self.revision += 1;
        }
    }

    /// Notes the way to a person. Returns the one so far.
    pub fn set_way(&mut self, user: &UserName, way: Way) -> Option<Way> {
        let person = self.people.get_mut(user)?;
        self.revision += 1;
        person.way.replace(way)
    }

    /// Notes that a person is away, or back.
    pub fn set_away(&mut self, user: &UserName, away: Option<AwayText>) {
        if let Some(person) = self.people.get_mut(user) {
            person.away = away;
            self.revision += 1;
        }
    }

    /// The person of this name.
    pub fn get(&self, user: &UserName) -> Option<&Person> {
        self.people.get(user)
    }

    /// Whether this user is online.
    pub fn is_online(&self, user: &UserName) -> bool {
        self.get(user).is_some_and(|person| person.is_online)
    }

    /// The number of people online.
    pub const fn online(&self) -> usize {
        self.online
    }

    /// Rises with each change.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// The people whose names contain what was typed, or are spelt so in pinyin: first those online, then the others, each
    /// part as the names are spelt.
    pub fn find(&self, typed: &str) -> Vec<(UserName, Person)> {
        let typed = typed.trim().to_lowercase();
        let fits = |user: &UserName| {
            typed.is_empty()
                || user.as_str().to_lowercase().contains(&typed)
                || user.canonical().contains(&typed)
                || sounds_like(user, &typed)
        };
        let mut found: Vec<_> = self.people.iter().filter(|(user, _)| fits(user)).collect();
        found.sort_by_cached_key(|(user, person)| (!person.is_online, spelling(user)));
        found.into_iter().map(|(user, person)| (user.clone(), person.clone())).collect()
    }

    /// The people online whose names begin with what was typed after `@`, at most `max`.
    pub fn complete(&self, typed: &str, max: usize) -> Vec<UserName> {
        let typed = typed.to_lowercase();
        let begins =
            |user: &UserName| user.as_str().to_lowercase().starts_with(&typed) || user.canonical().starts_with(&typed);
        let online = self.people.iter().filter(|(user, person)| person.is_online && begins(user));
        online.map(|(user, _)| user.clone()).take(max).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserName {
        name.parse().unwrap()
    }

    fn people(names: &[&str]) -> People {
        names.iter().map(|name| (user(name), None)).collect()
    }

    fn names(roster: &Roster, typed: &str) -> Vec<String> {
        roster.find(typed).into_iter().map(|(user, person)| format!("{user}{}", u8::from(person.is_online))).collect()
    }

    #[test]
    fn people_come_and_go_and_are_found_by_a_part_of_their_name() {
        let mut roster = Roster::default();
        roster.set_online(people(&["bob", "Alice", "小明"]), |_| false);
        assert_eq!((roster.online(), names(&roster, "")), (3, vec!["Alice1".into(), "bob1".into(), "小明1".into()]));
        roster.depart(&user("alice"), true);
        roster.depart(&user("小明"), false);
        roster.arrive(user("carol"));
        roster.arrive(user("carol"));
        assert_eq!((roster.online(), names(&roster, "")), (2, vec!["bob1".into(), "carol1".into(), "Alice0".into()]));
        assert_eq!(names(&roster, " LI"), ["Alice0"]);
        assert_eq!(names(&roster, "明"), Vec::<String>::new());
    }

    #[test]
    fn a_new_roster_keeps_those_who_are_asked_for() {
        let mut roster = Roster::default();
        roster.set_online(people(&["bob", "carol"]), |_| false);
        roster.set_silent(&user("bob"), true);
        let before = roster.revision();
        roster.set_online(people(&["dora"]), |kept| *kept == user("bob"));
        assert_eq!(names(&roster, ""), ["dora1", "bob0"]);
        assert_eq!(roster.get(&user("bob")), Some(&Person::default()), "who left is not silent");
        assert!(roster.revision() > before);
    }

    #[test]
    fn who_does_not_answer_is_silent_until_an_answer_or_another_session() {
        let mut roster = Roster::default();
        roster.set_online(people(&["bob", "carol"]), |_| false);
        roster.set_silent(&user("bob"), true);
        let silent = |roster: &Roster| ["bob", "carol"].map(|name| roster.get(&user(name)).unwrap().is_silent);
        roster.set_online(people(&["bob", "carol"]), |_| false);
        assert_eq!(silent(&roster), [true, false], "the same session continues");
        roster.forget_answers();
        assert_eq!(silent(&roster), [false, false]);
        roster.set_silent(&user("bob"), true);
        roster.arrive(user("bob"));
        assert_eq!(silent(&roster), [false, false], "another session of bob");
    }

    #[test]
    fn people_are_away_until_they_are_back_or_leave() {
        let mut roster = Roster::default();
        let lunch: Option<AwayText> = "lunch".parse().ok();
        roster.set_online(vec![(user("bob"), lunch.clone()), (user("carol"), None)], |_| false);
        let away = |roster: &Roster| ["bob", "carol"].map(|name| roster.get(&user(name)).unwrap().away.clone());
        assert_eq!(away(&roster), [lunch.clone(), None]);
        roster.set_away(&user("bob"), None);
        roster.set_away(&user("carol"), lunch.clone());
        assert_eq!(away(&roster), [None, lunch]);
        roster.depart(&user("carol"), true);
        assert_eq!(away(&roster), [None, None]);
    }

    #[test]
    fn a_name_after_an_at_sign_is_completed_from_its_beginning() {
        let mut roster = Roster::default();
        roster.set_online(people(&["bob", "Bobby", "小明", "小红", "rob"]), |_| false);
        roster.depart(&user("小红"), true);
        let complete = |typed: &str, max| {
            roster.complete(typed, max).iter().map(|user| user.as_str().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(complete("BO", 9), ["bob", "Bobby"]);
        assert_eq!(complete("小", 9), ["小明"], "who is offline cannot be reached");
        assert_eq!((complete("", 2).len(), complete("x", 9).len()), (2, 0));
    }

    #[test]
    fn chinese_names_are_listed_and_found_by_pinyin() {
        let mut roster = Roster::default();
        roster.set_online(people(&["张伟", "王建国", "Sofia", "李丽", "Anna", "陈静", "林"]), |_| false);
        let expected = ["Anna1", "陈静1", "李丽1", "林1", "Sofia1", "王建国1", "张伟1"];
        assert_eq!(names(&roster, ""), expected);
        assert_eq!(names(&roster, "zw"), ["张伟1"]);
        assert_eq!(names(&roster, "jian"), ["王建国1"]);
    }

    #[test]
    fn ten_thousand_people_arrive() {
        let mut roster = Roster::default();
        (0..10_000).for_each(|number| roster.arrive(user(&format!("user{number}"))));
        assert_eq!((roster.online(), roster.find("user99").len()), (10_000, 111));
    }
}
