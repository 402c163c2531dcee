//! The window of a server, without a display and without a network.

use std::net::SocketAddr;

use chat_cli::server_desktop::{HostFacts, Reach};
use chat_cli::texts::{Language, ServerWindowSentence, Texts};
use chat_core::accounts::ListedAccount;
use chat_core::id::AccountId;
use chat_desktop::model::server::exchange::{Accounts, Happening, Wish};
use chat_desktop::run::ports;
use chat_desktop::server_app::{ServerApp, ServerStart};
use chat_net::identity::Fingerprint;

use crate::set::Set;
use crate::stage::{AT, user};

pub(crate) type Stage = Set<ServerApp, Wish, Happening>;

impl Stage {
    /// A window that offers to start a server.
    pub(crate) fn new(language: Language) -> Self {
        let (port, far) = ports();
        let texts = Texts::new(language);
        let log_file = Some("/home/ming/chat-server-desktop.log".into());
        Self::of(ServerApp::new(ServerStart::empty("/data".into()), port, texts.clone(), log_file), far, texts)
    }

    /// A window whose server runs.
    pub(crate) fn running(language: Language, names: &[&str]) -> Self {
        let mut stage = Self::new(language);
        stage.press(ServerWindowSentence::Start);
        assert!(matches!(stage.wish(), Some(Wish::Start(_))));
        let listening: SocketAddr = "192.0.2.7:7777".parse().unwrap();
        stage.happen(Happening::Running(Box::new(HostFacts {
            listening,
            addresses: vec![listening],
            reach: Reach::Others,
            invitation: Some("chat-client 192.0.2.7:7777 --fingerprint abab".to_owned()),
            fingerprint: Fingerprint::new([0xab; 32]),
            folder: "/data".into(),
            database: "sqlite:/data/chat.sqlite".to_owned(),
        })));
        assert!(matches!(stage.wish(), Some(Wish::List)));
        stage.list(names);
        stage
    }

    /// The accounts are listed.
    pub(crate) fn list(&mut self, names: &[&str]) {
        let list = (1..).zip(names).map(|(id, name)| ListedAccount::new(AccountId::new(id), Ok(user(name)), AT));
        let accounts = Accounts { list: list.collect(), has_more: false };
        self.happen(Happening::Accounts(Ok(accounts)));
    }
}
