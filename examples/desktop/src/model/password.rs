//! The form that changes the password.

use std::collections::BTreeMap;

use chat_cli::texts::{Localised, Sentence, WindowSentence};
use chat_core::password::Password;
use chat_net::client::{ChangePasswordError, RejectionKind};

use super::exchange::Wish;
use super::secret::Secret;

/// A place at which a sentence about a wrong input stands.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum PasswordField {
    /// The password so far.
    Old,
    /// The new password.
    New,
    /// The new password once more.
    Again,
    /// Below the button: no field is to blame.
    Form,
}

/// The form.
#[derive(Debug, Default)]
pub struct PasswordForm {
    /// The password so far.
    pub old: Secret,
    /// The new password.
    pub new: Secret,
    /// The new password once more.
    pub again: Secret,
    /// Whether the server has not answered yet.
    pub is_busy: bool,
    /// Whether the last change succeeded.
    pub is_done: bool,
    problems: BTreeMap<PasswordField, Sentence>,
}

impl PasswordForm {
    /// What is wrong with a field.
    pub fn problem(&self, field: PasswordField) -> Option<&Sentence> {
        self.problems.get(&field)
    }

    /// Removes the sentence beside a field, because it is being changed.
    pub fn clear(&mut self, field: PasswordField) {
        self.problems.remove(&field);
        self.problems.remove(&PasswordField::Form);
        self.is_done = false;
    }

    /// Asks for the change. `None` if a field is wrong, beside which a sentence then stands.
    pub fn submit(&mut self) -> Option<Wish> {
        self.problems.clear();
        self.is_done = false;
        let old = self.parse(PasswordField::Old);
        let new = self.parse(PasswordField::New);
        if self.again.as_str() != self.new.as_str() {
            self.show(PasswordField::Again, WindowSentence::PasswordsDiffer);
        }
        let (old, new) = (old?, new?);
        if !self.problems.is_empty() {
            return None;
        }
        self.is_busy = true;
        Some(Wish::ChangePassword { old, new })
    }

    /// Takes the answer of the server. The fields are wiped when the change succeeded.
    pub fn answer(&mut self, answer: Result<(), ChangePasswordError>) {
        self.is_busy = false;
        match answer {
            Ok(()) => *self = Self { is_done: true, ..Self::default() },
            Err(error) => {
                let field = match &error {
                    ChangePasswordError::Rejected(rejection) => match rejection.kind() {
                        RejectionKind::WrongCredentials => PasswordField::Old,
                        RejectionKind::Password => PasswordField::New,
                        _ => PasswordField::Form,
                    },
                    _ => PasswordField::Form,
                };
                if field == PasswordField::Old {
                    self.old.clear();
                }
                self.show(field, error);
            }
        }
    }

    fn show(&mut self, field: PasswordField, problem: impl Localised + Send + Sync + 'static) {
        self.problems.insert(field, Sentence::about(problem));
    }

    fn parse(&mut self, field: PasswordField) -> Option<Password> {
        let typed = if field == PasswordField::Old { &self.old } else { &self.new };
        match Password::parse(typed.as_str()) {
            Ok(password) => Some(password),
            Err(error) => {
                self.show(field, error);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chat_net::client::{RejectionKind, ServerRejection};

    use super::*;

    fn form(old: &str, new: &str, again: &str) -> PasswordForm {
        let mut form = PasswordForm::default();
        form.old.insert(0, old);
        form.new.insert(0, new);
        form.again.insert(0, again);
        form
    }

    fn wrong(form: &PasswordForm) -> Vec<PasswordField> {
        form.problems.keys().copied().collect()
    }

    #[test]
    fn each_field_has_its_own_sentence_and_a_good_form_is_sent() {
        use PasswordField::{Again, Form, New, Old};
        for (old, new, again, fields) in [
            ("", "short", "other", &[Old, New, Again][..]),
            ("correct horse", "battery staple", "battery stable", &[Again]),
            ("correct horse", "battery staple", "battery staple", &[]),
        ] {
            let mut form = form(old, new, again);
            assert_eq!(form.submit().is_some(), fields.is_empty());
            assert_eq!((wrong(&form).as_slice(), form.is_busy), (fields, fields.is_empty()));
        }
        let rejected = |kind| ChangePasswordError::Rejected(ServerRejection::new(kind, None));
        for (error, field) in [
            (rejected(RejectionKind::WrongCredentials), Old),
            (rejected(RejectionKind::Full), Form),
            (ChangePasswordError::NotConnected, Form),
        ] {
            let mut form = form("correct horse", "battery staple", "battery staple");
            form.submit();
            form.answer(Err(error));
            assert_eq!((wrong(&form), form.is_busy, form.old.is_empty()), (vec![field], false, field == Old));
        }
        let mut form = form("correct horse", "battery staple", "battery staple");
        form.submit();
        form.answer(Ok(()));
        assert!(form.is_done && form.old.is_empty() && form.new.is_empty() && form.again.is_empty());
    }
}
