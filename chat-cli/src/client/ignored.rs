//! The users whose messages are refused. They are remembered for this session only, so that nobody is forgotten in a
//! file.

use std::collections::BTreeSet;

use chat_core::name::UserName;

use crate::input_error::InputError;
use crate::view::Notice;

/// The most users: more than a person ignores one by one.
const MAX_USERS: usize = 1_000;

/// The ignored users.
#[derive(Debug, Default)]
pub(super) struct Ignored(BTreeSet<UserName>);

impl Ignored {
    /// Adds a user.
    ///
    /// # Errors
    /// The user is `me`, or there are too many.
    pub(super) fn add(&mut self, user: UserName, me: &UserName) -> Result<Notice, InputError> {
        if user == *me {
            return Err(InputError::IgnoreOneself);
        }
        if self.0.len() == MAX_USERS && !self.contains(&user) {
            return Err(InputError::IgnoredFull { max: MAX_USERS });
        }
        self.0.insert(user.clone());
        Ok(Notice::Ignored { user })
    }

    /// Removes a user.
    ///
    /// # Errors
    /// The user is not ignored.
    pub(super) fn remove(&mut self, user: UserName) -> Result<Notice, InputError> {
        if self.0.remove(&user) { Ok(Notice::NotIgnored { user }) } else { Err(InputError::NotIgnored { name: user }) }
    }

    /// The answer to `/ignore` without a name.
    pub(super) fn list(&self) -> Notice {
        Notice::IgnoredUsers { users: self.0.iter().cloned().collect() }
    }

    /// Whether messages of this user are refused.
    pub(super) fn contains(&self, user: &UserName) -> bool {
        self.0.contains(user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::samples::name;

    #[test]
    fn users_are_ignored_until_they_are_removed() {
        let (mut ignored, me) = (Ignored::default(), name("alice"));
        assert_eq!(ignored.add(name("Alice"), &me), Err(InputError::IgnoreOneself));
        assert_eq!(ignored.add(name("Bob"), &me), Ok(Notice::Ignored { user: name("bob") }));
        assert!(ignored.contains(&name("bob")));
        assert_eq!(ignored.list(), Notice::IgnoredUsers { users: vec![name("bob")] });
        assert!(ignored.remove(name("bob")).is_ok());
        assert_eq!(ignored.remove(name("bob")), Err(InputError::NotIgnored { name: name("bob") }));
        for number in 0..MAX_USERS {
            ignored.add(name(&format!("u{number}")), &me).unwrap();
        }
        assert_eq!(ignored.add(name("bob"), &me), Err(InputError::IgnoredFull { max: MAX_USERS }));
        assert!(ignored.add(name("u7"), &me).is_ok(), "a user who is ignored already");
    }
}
