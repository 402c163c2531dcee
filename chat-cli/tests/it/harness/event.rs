//! A short form of events, so that a test can compare whole sequences of them.

use std::net::{IpAddr, SocketAddr};
use std::sync::LazyLock;

use chat_core::roster::Entry;
use serde_json::Value;

/// One line for an event. It omits the fields that differ from run to run, after it has asserted that times are close to
/// now, that addresses are on 127.0.0.1, in a [`Namespace`](super::Namespace) or hidden, and that ids are present.
pub(crate) fn short_form(event: &Value) -> String {
    let text = |field: &str| event[field].as_str().unwrap_or_else(|| panic!("{event} has no {field}")).to_owned();
    let event_name = text("event");
    for time in ["at", "sent_at", "received_at"] {
        assert!(event.get(time).is_none_or(is_now), "{time} of {event}");
    }
    assert!(event.get("address").is_none_or(is_local), "{event}");
    match event_name.as_str() {
        "welcome" => format!("welcome {}: {}", text("user"), online(event)),
        "roster" => format!("roster: {}", online(event)),
        "online" | "replaced" | "moved" => {
            assert!(event["at"].is_u64() && event["address"].is_string(), "{event}");
            format!("{event_name} {}", text("user"))
        }
        "offline" => {
            assert!(event["at"].is_u64(), "{event}");
            format!("offline {} {}", text("user"), text("reason"))
        }
        "away" => {
            assert!(event["at"].is_u64(), "{event}");
            format!("away {}: {}", text("user"), text("away"))
        }
        "back" => {
            assert!(event["at"].is_u64(), "{event}");
            format!("back {}", text("user"))
        }
        "link" => {
            assert!(event["loss"].is_number() && event.get("round_trip_us").is_none_or(Value::is_u64), "{event}");
            assert!(event["at"].is_u64(), "{event}");
            format!("link {} {}", text("user"), text("way"))
        }
        "message" => {
            assert!(event["sent_at"].is_u64() && event["received_at"].is_u64() && event["id"].is_string(), "{event}");
            assert_eq!(event.get("sent_at_is"), None, "all programs share one clock: {event}");
            format!("message {} > {}: {}", text("from"), text("to"), text("text"))
        }
        "sent" => {
            assert!(event["at"].is_u64() && event["id"].is_string(), "{event}");
            format!("sent > {} to {}", text("to"), event["recipients"])
        }
        "outcome" => {
            assert!(event["after_ms"].is_u64() && event["id"].is_string(), "{event}");
            format!("outcome {}", outcome(event))
        }
        "summary" => {
            let failed: String = list(event, "failed").iter().map(|one| format!(", {}", outcome(one))).collect();
            format!("summary {} delivered{failed}", event["delivered"])
        }
        "info" => {
            let names = |field: &str| {
                let names: Vec<&str> = list(event, field).iter().map(|name| name.as_str().unwrap()).collect();
                names.join(", ")
            };
            let failed: Vec<String> = list(event, "failed").iter().map(outcome).collect();
            let [delivered, outstanding] = ["delivered", "outstanding"].map(names);
            format!("info > {}: {delivered}; {}; {outstanding}", text("to"), failed.join(", "))
        }
        "error" => format!("error {}", text("code")),
        "notice" => match event["user"].as_str() {
            Some(user) => format!("notice {} {user}", text("code")),
            None => format!("notice {}", text("code")),
        },
        _ => panic!("this kind of event is not documented: {event}"),
    }
}

fn online(event: &Value) -> String {
    let entry = |entry: &Value| {
        assert!(is_local(&entry["address"]) && is_now(&entry["since"]), "{event}");
        let user = entry["user"].as_str().unwrap();
        entry["away"].as_str().map_or_else(|| user.to_owned(), |away| format!("{user} (away: {away})"))
    };
    let mut names: Vec<String> = list(event, "online").iter().map(entry).collect();
    names.sort_unstable();
    names.join(", ")
}

fn outcome(of: &Value) -> String {
    let field = |field: &str| of[field].as_str().unwrap_or_else(|| panic!("{of} has no {field}"));
    match of.get("reason") {
        None => format!("{} {}", field("user"), field("result")),
        Some(_) => format!("{} {}: {}", field("user"), field("result"), field("reason")),
    }
}

fn list<'a>(event: &'a Value, field: &str) -> &'a [Value] {
    event[field].as_array().unwrap_or_else(|| panic!("{event} has no list {field}"))
}

/// Whether a time lies within the run of these tests.
fn is_now(time: &Value) -> bool {
    /// When the first event is checked, which happens soon after the start.
    static BEGIN: LazyLock<u64> = LazyLock::new(now);
    const LONGEST_START_MS: u64 = 600_000;
    // The estimate of the server's clock may be slightly ahead.
    time.as_u64().is_some_and(|time| *BEGIN < time + LONGEST_START_MS && time < now() + 1_000)
}

fn now() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap()
}

fn is_local(address: &Value) -> bool {
    let address: Option<SocketAddr> = address.as_str().and_then(|address| address.parse().ok());
    address.is_some_and(|address| {
        (address.ip().is_loopback() || is_in_namespace(address.ip()) || address == Entry::HIDDEN_ADDRESS)
            && address.port() >= Entry::LOWEST_PORT
    })
}

/// The tests give their namespaces addresses of these networks.
fn is_in_namespace(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.octets()[0] == 10,
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.is_unique_local(),
    }
}
