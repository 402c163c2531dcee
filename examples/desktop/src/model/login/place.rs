//! The field beside which the sentence about a failed log-in stands.

use chat_net::client::{ClientSettingError, ConnectError, RejectionKind};

use super::Field;

/// Whether the server was not recognised.
pub(super) const fn is_about_trust(error: &ConnectError) -> bool {
    matches!(
        error,
        ConnectError::WrongFingerprint { .. } | ConnectError::Certificate { .. } | ConnectError::NotCertifiable { .. }
    )
}

/// The field beside which the sentence about a failed log-in stands.
pub(super) fn place(error: &ConnectError) -> Field {
    match error {
        ConnectError::Resolve { .. }
        | ConnectError::Unreachable { .. }
        | ConnectError::TimedOut { .. }
        | ConnectError::NotChat { .. }
        | ConnectError::Tls { .. }
        | ConnectError::Certificate { .. }
        | ConnectError::NotCertifiable { .. }
        | ConnectError::Untrusted { .. }
        | ConnectError::DifferentKeys(_)
        | ConnectError::WrongFingerprint { .. } => Field::Server,
        ConnectError::Authorities { .. } => Field::ServerTrust,
        ConnectError::Udp { .. } => Field::OwnAddress,
        ConnectError::Setting(ClientSettingError::TooManyAddresses { .. } | ClientSettingError::AdvertiseHidden) => {
            Field::Advertised
        }
        ConnectError::Rejected(rejection) => match rejection.kind() {
            RejectionKind::Name | RejectionKind::NameTaken => Field::User,
            RejectionKind::Password | RejectionKind::WrongCredentials => Field::Password,
            RejectionKind::NotInvited => Field::Invitation,
            RejectionKind::Addresses => Field::Advertised,
            _ => Field::Form,
        },
        _ => Field::Form,
    }
}
