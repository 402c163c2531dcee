//! What the client says, as frames in memory that is wiped.

use bytes::Bytes;
use zeroize::Zeroizing;

use super::io::{Credentials, Output};
use crate::extras::Extra;
use crate::invitation::InvitationCode;
use crate::key::PublicKey;
use crate::password::Password;
use crate::roster::{LinkVersions, RosterVersion};
use crate::wire::control::{ChangePassword, INVITATION, KNOWN_VERSION, Login, Offer, Request, Resume, version_extra};
use crate::wire::datagram;
use crate::wire::frame::{MAX_GUEST_FRAME, encode, encode_raw};
use crate::wire::hello::Hello;

/// The longest ticket that is kept: with it a `Resume` fits into a guest's frame.
pub(super) const MAX_TICKET: usize = 512;

/// The datagram formats that this program speaks.
const LINKS: LinkVersions = LinkVersions { low: datagram::VERSION, high: datagram::VERSION };

/// No request is longer, so a buffer of this size never grows and so never leaves a copy of a secret behind.
const LONGEST: usize = 2 * MAX_GUEST_FRAME;

pub(super) fn hello() -> Bytes {
    let mut frame = Vec::new();
    encode_raw(&Hello::OURS.encode(), &mut frame);
    frame.into()
}

pub(super) fn enter(login: &Credentials, offer: &Offer, key: PublicKey) -> Bytes {
    request(&Request::Login(Login {
        purpose: login.purpose,
        user: login.user.as_str(),
        password: login.password.expose(),
        offer: offer.clone(),
        key,
        versions: LINKS,
        extras: login.invitation.iter().map(invitation).collect(),
    }))
}

fn invitation(invitation: &InvitationCode) -> Extra {
    Extra { tag: INVITATION, value: invitation.expose().into() }
}

/// `copy` is how far the copy of the roster is, if there is a whole one.
pub(super) fn resume(ticket: &[u8], offer: &Offer, next_key: PublicKey, copy: Option<RosterVersion>) -> Bytes {
    let extras = copy.into_iter().map(|copy| version_extra(KNOWN_VERSION, copy)).collect();
    request(&Request::Resume(Resume { ticket, offer: offer.clone(), next_key, versions: LINKS, extras }))
}

pub(super) fn change_password(old: &Password, new: &Password) -> Bytes {
    request(&Request::ChangePassword(ChangePassword { old: old.expose(), new: new.expose() }))
}

pub(super) fn beat(number: u32) -> Output {
    Output::Send(request(&Request::Heartbeat { number }))
}

pub(super) fn request(request: &Request<'_>) -> Bytes {
    let mut frame = Zeroizing::new(Vec::with_capacity(LONGEST));
    encode(request, &mut frame);
    Bytes::from_owner(frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Epoch, Revision};
    use crate::wire::control::{OfferPolicy, Purpose};

    #[test]
    fn the_longest_requests_fit() {
        let password = Password::parse(&"\u{2000b}".repeat(Password::MAX_CHARS)).unwrap();
        let invitation = InvitationCode::parse(&"x".repeat(InvitationCode::MAX_CHARS)).ok();
        let login =
            Credentials { user: "名".repeat(32).parse().unwrap(), password, purpose: Purpose::Register, invitation };
        let addresses = vec!["[2001:db8:1:2:3:4:5:6]:65535".parse().unwrap(); Offer::MAX_ADDRESSES];
        let offer = Offer { policy: OfferPolicy::Detected, port: 65_535, addresses };
        let key = PublicKey::new([255; 32]);
        let enter = enter(&login, &offer, key);
        let copy = RosterVersion { epoch: Epoch::new(u64::MAX), revision: Revision::new(u64::MAX) };
        let resume = resume(&[0; MAX_TICKET], &offer, key, Some(copy));
        assert!(enter.len() <= 4 + MAX_GUEST_FRAME, "{}", enter.len());
        assert!(resume.len() <= 4 + MAX_GUEST_FRAME, "{}", resume.len());
        assert!(change_password(&login.password, &login.password).len() <= LONGEST);
    }
}
