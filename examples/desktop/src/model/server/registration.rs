//! Who may register, as the window shows it.

use chat_core::invitation::InvitationCode;
use chat_core::server::RegistrationPolicy;

/// Who may register.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Choice {
    /// Everyone.
    #[default]
    Open,
    /// Those who have the invitation code.
    Invited,
    /// Nobody.
    Closed,
}

/// The choice, and the invitation code, which outlives another choice.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Registration {
    /// Who may register.
    pub choice: Choice,
    /// The invitation code, once there is one.
    pub code: Option<InvitationCode>,
}

impl Registration {
    /// The policy. `None` while there is no invitation code yet.
    pub fn policy(&self) -> Option<RegistrationPolicy> {
        match self.choice {
            Choice::Open => Some(RegistrationPolicy::Open),
            Choice::Invited => self.code.clone().map(RegistrationPolicy::Invited),
            Choice::Closed => Some(RegistrationPolicy::Closed),
        }
    }
}

impl From<RegistrationPolicy> for Registration {
    fn from(policy: RegistrationPolicy) -> Self {
        match policy {
            RegistrationPolicy::Open => Self { choice: Choice::Open, code: None },
            RegistrationPolicy::Invited(code) => Self { choice: Choice::Invited, code: Some(code) },
            // A policy that is newer than this program registers nobody that it knows of.
            _ => Self { choice: Choice::Closed, code: None },
        }
    }
}
