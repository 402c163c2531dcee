//! Encodes the client's requests as frames, in memory that is wiped.

use bytes::Bytes;
use zeroize::Zeroizing;

use super::io::{Credentials, Output};
use crate::away::AwayText;
use crate::extras::Extra;
use crate::invitation::InvitationCode;
use crate::key::PublicKey;
use crate::password::Password;
use crate::roster::{LinkFeatures, LinkVersions, RosterVersion};
use crate::wire::control::{
    ChangePassword, INVITATION, KNOWN_VERSION, LOGIN_LINK_FEATURES, Login, Offer, Purpose, RESUME_AWAY,
    RESUME_LINK_FEATURES, Request, Resume, version_extra,
};
use crate::wire::datagram;
use crate::wire::frame::{MAX_GUEST_FRAME, encode, encode_raw};
use crate::wire::hello::Hello;

/// The longest ticket that is kept: a resume request with it fits into a guest's frame.
pub(super) const MAX_TICKET: usize = 512;

/// The datagram formats that this program speaks.
const LINK_VERSIONS: LinkVersions = LinkVersions { low: datagram::VERSION, high: datagram::VERSION };

/// No request is longer, so a buffer of this size never grows and leaves no copy of a secret behind.
const MAX_REQUEST: usize = 2 * MAX_GUEST_FRAME;

pub(super) fn hello() -> Bytes {
    let mut frame = Vec::new();
    encode_raw(&Hello::OURS.encode(), &mut frame);
    frame.into()
}

pub(super) fn login(
    credentials: &Credentials,
    purpose: Purpose,
    offer: &Offer,
    key: PublicKey,
    features: LinkFeatures,
) -> Bytes {
    let invitation = credentials.invitation.as_ref().map(invitation);
    request(&Request::Login(Login {
        purpose,
        user: credentials.user.as_str(),
        password: credentials.password.expose(),
        offer: offer.clone(),
        key,
        versions: LINK_VERSIONS,
        extras: invitation.into_iter().chain(link_features(LOGIN_LINK_FEATURES, features)).collect(),
    }))
}

fn invitation(code: &InvitationCode) -> Extra {
    Extra { tag: INVITATION, value: code.expose().into() }
}

/// A client without link features states none, as the first versions.
fn link_features(tag: u16, features: LinkFeatures) -> Option<Extra> {
    (features != LinkFeatures::NONE).then(|| Extra { tag, value: features.encode().into() })
}

/// `known_version` is the version of the client's roster, if the roster is complete. `away` is the away text of the user,
/// if the user is away.
pub(super) fn resume(
    ticket: &[u8],
    offer: &Offer,
    next_key: PublicKey,
    known_version: Option<RosterVersion>,
    away: Option<&AwayText>,
    features: LinkFeatures,
) -> Bytes {
    let known_version = known_version.map(|version| version_extra(KNOWN_VERSION, version));
    let away = away.map(|text| Extra { tag: RESUME_AWAY, value: text.as_str().into() });
    let features = link_features(RESUME_LINK_FEATURES, features);
    let extras = known_version.into_iter().chain(away).chain(features).collect();
    request(&Request::Resume(Resume { ticket, offer: offer.clone(), next_key, versions: LINK_VERSIONS, extras }))
}

pub(super) fn change_password(old: &Password, new: &Password) -> Bytes {
    request(&Request::ChangePassword(ChangePassword { old: old.expose(), new: new.expose() }))
}

pub(super) fn heartbeat(number: u32) -> Output {
    Output::Send(request(&Request::Heartbeat { number }))
}

pub(super) fn request(request: &Request<'_>) -> Bytes {
    let mut frame = Zeroizing::new(Vec::with_capacity(MAX_REQUEST));
    encode(request, &mut frame);
    Bytes::from_owner(frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Epoch, Revision};
    use crate::wire::control::OfferPolicy;

    #[test]
    fn the_longest_requests_fit_their_limits() {
        let password = Password::parse(&"\u{2000b}".repeat(Password::MAX_CHARS)).unwrap();
        let invitation = InvitationCode::parse(&"x".repeat(InvitationCode::MAX_CHARS)).ok();
        let credentials =
            Credentials { user: "名".repeat(32).parse().unwrap(), password, purpose: Purpose::Register, invitation };
        let addresses = vec!["[2001:db8:1:2:3:4:5:6]:65535".parse().unwrap(); Offer::MAX_ADDRESSES];
        let offer = Offer { policy: OfferPolicy::Detected, port: 65_535, addresses };
        let key = PublicKey::new([255; 32]);
        let login = login(&credentials, Purpose::Register, &offer, key, LinkFeatures::RELAY);
        let version = RosterVersion { epoch: Epoch::new(u64::MAX), revision: Revision::new(u64::MAX) };
        let away = AwayText::parse(&"x".repeat(AwayText::MAX_BYTES)).ok();
        let resume = resume(&[0; MAX_TICKET], &offer, key, Some(version), away.as_ref(), LinkFeatures::RELAY);
        assert!(login.len() <= 4 + MAX_GUEST_FRAME, "{}", login.len());
        assert!(resume.len() <= 4 + MAX_GUEST_FRAME, "{}", resume.len());
        assert!(change_password(&credentials.password, &credentials.password).len() <= MAX_REQUEST);
    }
}
