//! The question about a server that is met for the first time.

use std::future::Future;
use std::pin::Pin;

use chat_net::address::ServerAddress;
use chat_net::identity::Fingerprint;
use chat_net::trust::{Answer, AskUser};
use tokio::sync::{Mutex, mpsc};

use super::Teller;
use crate::model::exchange::Happening;

/// Asks the user in the window, unless an invitation answers. A log-in asks at most once, and no connection is open
/// meanwhile.
pub(super) struct Question {
    pub(super) tell: Teller<Happening>,
    /// The fingerprint of the invitation.
    pub(super) expected: Option<Fingerprint>,
    pub(super) answers: Mutex<mpsc::Receiver<bool>>,
}

impl AskUser for Question {
    fn ask<'a>(
        &'a self,
        server: &'a ServerAddress,
        shown: Fingerprint,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        Box::pin(async move {
            if let Some(expected) = self.expected {
                return if shown == expected { Answer::Accept } else { Answer::Refuse };
            }
            self.tell.tell(Happening::FirstMeeting { server: server.clone(), shown }).await;
            match self.answers.lock().await.recv().await {
                Some(true) => Answer::Accept,
                Some(false) | None => Answer::Refuse,
            }
        })
    }
}
