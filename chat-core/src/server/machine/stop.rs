//! Stopping: the server first finishes the jobs that change accounts, so that their users learn the result, and the
//! reports of void tickets, which the next run needs.

use super::{Machine, Phase};
use crate::presence::Record;
use crate::server::connections::State;
use crate::server::cx::{Cx, encode};
use crate::server::io::Output;
use crate::server::timer::Timer;
use crate::wire::control::{Ended, Reply};

impl Machine {
    /// Begins to stop: closes the guests, except those whose registrations are in flight.
    pub(super) fn begin_stop(&mut self, cx: &mut Cx<'_>) {
        if self.phase != Phase::Serving {
            return;
        }
        let by = cx.after(cx.config.finish_time);
        self.phase = Phase::Stopping { by };
        cx.timers.set(Timer::Stop, by);
        let registering = cx.jobs.registering();
        let others: Vec<_> = self.connections.guests().filter(|conn| !registering.contains(conn)).collect();
        others.into_iter().for_each(|conn| self.close(cx, conn));
        self.void_tickets.retry(cx, &mut self.membership);
        self.leave_journal(cx);
    }

    /// Stops once no registration, password change or report of void tickets is in flight, or when the finish time is
    /// over: publishes the last changes, sends the reason to every session, and closes all connections.
    pub(super) fn stop_if_due(&mut self, cx: &mut Cx<'_>) {
        let Phase::Stopping { by } = self.phase else { return };
        if (cx.jobs.changes() > 0 || self.void_tickets.is_reporting() || self.is_leaving()) && cx.now.mono < by {
            return;
        }
        self.phase = Phase::Stopped;
        self.membership.publication_mut().publish_last(cx.out);
        // A client that has just logged in needs its roster: it keeps that until the server is back.
        self.publish(cx);
        cx.timers.clear();
        let bytes = encode(&Reply::Ended(Ended::Stopping));
        for (conn, connection) in self.connections.drain() {
            if matches!(connection.state, State::Online(_)) {
                cx.out.push(Output::Send { conn, bytes: bytes.clone() });
            }
            cx.out.push(Output::Close { conn });
        }
        cx.out.push(Output::Record(Record::Stopping(cx.now.wall)));
    }
}
