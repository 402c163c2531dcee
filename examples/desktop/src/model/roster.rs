//! The people: who is online, who was, and who does not answer.

use std::collections::BTreeMap;

use chat_core::name::UserName;

/// A person who is online, or was in this session.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Person {
    /// Whether the person is online.
    pub is_online: bool,
    /// Whether the person's program does not answer.
    pub is_silent: bool,
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
    /// Replaces those who are online. Others whom `keep` names stay as offline.
    pub fn set_online(&mut self, online: Vec<UserName>, keep: impl Fn(&UserName) -> bool) {
        self.people.retain(|user, _| keep(user));
        for person in self.people.values_mut() {
            *person = Person::default();
        }
        self.online = online.len();
        self.people.extend(online.into_iter().map(|user| (user, Person { is_online: true, is_silent: false })));
        self.revision += 1;
    }

    /// Adds a person who came online.
    pub fn arrive(&mut self, user: UserName) {
        let person = self.people.entry(user).or_default();
        if !person.is_online {
            self.online += 1;
        }
        *person = Person { is_online: true, is_silent: false };
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

    /// The person of this name.
    pub fn get(&self, user: &UserName) -> Option<Person> {
        self.people.get(user).copied()
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

    /// The people whose names contain what was typed: first those online, then the others, each part by name.
    pub fn find(&self, typed: &str) -> Vec<(UserName, Person)> {
        let typed = typed.trim().to_lowercase();
        let fits = |user: &UserName| {
            typed.is_empty() || user.as_str().to_lowercase().contains(&typed) || user.canonical().contains(&typed)
        };
        let found = || self.people.iter().filter(|(user, _)| fits(user)).map(|(user, person)| (user.clone(), *person));
        found().filter(|(_, person)| person.is_online).chain(found().filter(|(_, person)| !person.is_online)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserName {
        name.parse().unwrap()
    }

    fn names(roster: &Roster, typed: &str) -> Vec<String> {
        roster.find(typed).into_iter().map(|(user, person)| format!("{user}{}", u8::from(person.is_online))).collect()
    }

    #[test]
    fn people_come_and_go_and_are_found_by_a_part_of_their_name() {
        let mut roster = Roster::default();
        roster.set_online(["bob", "Alice", "小明"].map(user).into(), |_| false);
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
        roster.set_online(["bob", "carol"].map(user).into(), |_| false);
        roster.set_silent(&user("bob"), true);
        let before = roster.revision();
        roster.set_online(vec![user("dora")], |kept| *kept == user("bob"));
        assert_eq!(names(&roster, ""), ["dora1", "bob0"]);
        assert_eq!(roster.get(&user("bob")), Some(Person::default()), "who left is not silent");
        assert!(roster.revision() > before);
    }

    #[test]
    fn ten_thousand_people_arrive() {
        let mut roster = Roster::default();
        (0..10_000).for_each(|number| roster.arrive(user(&format!("user{number}"))));
        assert_eq!((roster.online(), roster.find("user99").len()), (10_000, 111));
    }
}
