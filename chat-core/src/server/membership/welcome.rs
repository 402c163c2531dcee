//! Whether the client of a session has read its welcome, and with it the ticket of the session.

use super::{Membership, Session};
use crate::id::{AccountId, NodeId};
use crate::key::PublicKey;
use crate::server::tickets::Ticket;
use crate::wire::control::WelcomeKind;

/// Whether the client of a session has read its welcome. Until then, the client has only the ticket of the session before.
/// Afterwards, that ticket proves nothing: somebody else may have a copy, and the session's key is in every roster.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::server) enum WelcomeState {
    /// This node does not know. The session was at another node, which may be gone, or it is there.
    #[default]
    Unknown,
    /// The session began at this node with a ticket, and its client has sent nothing since.
    Unread,
    /// The client has read a welcome, or it has logged in with its password and needs no ticket.
    Read,
}

impl Session {
    /// Moves it to another node. Its client may speak there without this node knowing.
    pub(super) fn move_to(&mut self, home: NodeId) -> NodeId {
        if self.home != home && self.welcome == WelcomeState::Unread {
            self.welcome = WelcomeState::Unknown;
        }
        std::mem::replace(&mut self.home, home)
    }
}

impl Membership {
    /// Whether the session that is online is that of the ticket, or the one that its client asked for with `next_key` and
    /// whose welcome may have been lost.
    pub(in crate::server) fn is_clients(&self, ticket: &Ticket, next_key: PublicKey) -> bool {
        let has_followed = |session: &Session| session.welcome == WelcomeState::Unread && session.key == next_key;
        self.session(ticket.account).is_some_and(|session| {
            (session.generation, session.digest) == (ticket.generation, ticket.digest)
                && (session.key == ticket.key || has_followed(session))
        })
    }

    /// A client is welcomed to the session of `account`, which is at this node. A ticket of an earlier session may continue
    /// only one that began with a ticket, and only until its client has read a welcome.
    pub(in crate::server) fn welcomed(&mut self, account: AccountId, kind: WelcomeKind) {
        if let Some(session) = self.sessions.get_mut(account)
            && session.welcome != WelcomeState::Read
        {
            session.welcome = match kind {
                WelcomeKind::Fresh => WelcomeState::Unread,
                WelcomeKind::LoggedIn | WelcomeKind::Continued => WelcomeState::Read,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::AccountDigest;
    use crate::extras::Extras;
    use crate::id::{Epoch, Position};
    use crate::journal::Act;
    use crate::roster::{Entry, LinkVersions};
    use crate::server::config::ServerConfig;
    use crate::server::membership::Origin;
    use crate::server::membership::sessions::Standing;
    use crate::server::tests::account;
    use crate::time::{Mono, Timestamp};

    const EPOCH: Epoch = Epoch::new(1);
    const KEY: PublicKey = PublicKey::new([2; 32]);

    fn node(number: u64) -> Membership {
        let mut membership = Membership::new(EPOCH, &ServerConfig::default());
        membership.share(NodeId::new(number));
        membership
    }

    /// All nodes read an act of the node `home`.
    fn apply(nodes: &mut [Membership], position: u64, home: u64, act: &Act) {
        let (position, at) = (Position::new(position), Timestamp::from_millis(position));
        for membership in nodes {
            membership.apply(Mono::ZERO, Origin { position, node: NodeId::new(home), at }, act.clone());
        }
    }

    /// Alice's session begins at node 1, with `KEY`.
    fn began() -> Act {
        let (alice, since) = (account("alice"), Timestamp::from_millis(9));
        let entry = Entry {
            user: alice.name.clone(),
            key: KEY,
            addresses: vec![([10, 0, 0, 1], 4000).into()],
            since,
            versions: LinkVersions { low: 1, high: 1 },
            extras: Extras::default(),
        };
        let digest = AccountDigest::of(&alice);
        Act::Began { account: alice.id, digest, generation: 1, entry, evicted: vec![] }
    }

    /// How the ticket of Alice's earlier session stands at each node, with `KEY` as the next key.
    fn standings(nodes: &[Membership]) -> Vec<Standing> {
        let (alice, since) = (account("alice"), Timestamp::from_millis(5));
        let (digest, key) = (AccountDigest::of(&alice), PublicKey::new([1; 32]));
        let ticket = Ticket { epoch: EPOCH, account: alice.id, digest, generation: 1, key, since, issued: since };
        nodes.iter().map(|node| node.sessions.standing(Mono::ZERO, &ticket, KEY, EPOCH)).collect()
    }

    #[test]
    fn only_the_node_that_welcomed_a_client_lets_its_old_ticket_go_on_and_only_until_the_client_speaks() {
        let alice = account("alice").id;
        let mut nodes = [node(1), node(2)];
        apply(&mut nodes, 1, 1, &began());
        nodes[0].welcomed(alice, WelcomeKind::Fresh);
        assert_eq!(standings(&nodes), [Standing::Followed, Standing::MaybeFollowed]);
        nodes[0].welcomed(alice, WelcomeKind::Fresh);
        assert_eq!(standings(&nodes), [Standing::Followed, Standing::MaybeFollowed], "the next welcome is lost, too");
        nodes[0].verify_client(alice);
        assert_eq!(standings(&nodes), [Standing::Superseded, Standing::MaybeFollowed]);
        nodes[0].welcomed(alice, WelcomeKind::Fresh);
        assert_eq!(standings(&nodes), [Standing::Superseded, Standing::MaybeFollowed], "a late welcome");
    }

    #[test]
    fn no_ticket_goes_on_with_a_session_that_began_with_a_password() {
        let mut nodes = [node(1), node(2)];
        apply(&mut nodes, 1, 1, &began());
        nodes[0].welcomed(account("alice").id, WelcomeKind::LoggedIn);
        assert_eq!(standings(&nodes), [Standing::Superseded, Standing::MaybeFollowed]);
    }

    #[test]
    fn a_session_that_moves_to_another_node_is_not_open_to_the_old_ticket_any_more() {
        let alice = account("alice").id;
        let continued = Act::Continued { account: alice, generation: 1, addresses: None };
        let lost = |node, heir| Act::Lost { node: NodeId::new(node), heir: NodeId::new(heir) };
        for (there, back) in [(continued.clone(), continued), (lost(1, 2), lost(2, 1))] {
            let mut nodes = [node(1), node(2)];
            apply(&mut nodes, 1, 1, &began());
            nodes[0].welcomed(alice, WelcomeKind::Fresh);
            apply(&mut nodes, 2, 2, &there);
            assert_eq!(standings(&nodes), [Standing::MaybeFollowed; 2], "{there:?}");
            apply(&mut nodes, 3, 1, &back);
            assert_eq!(
                standings(&nodes),
                [Standing::MaybeFollowed; 2],
                "its client may have spoken elsewhere: {back:?}"
            );
        }
    }
}
