//! Endpoints without a server: what they refuse.

use std::time::Duration;

use chat_core::peer::PeerConfig;
use chat_net::peers::{Endpoint, EndpointError, EndpointOptions};

fn options() -> EndpointOptions {
    EndpointOptions::new("alice".parse().unwrap(), "127.0.0.1:0".parse().unwrap())
}

#[tokio::test]
async fn an_endpoint_refuses_impossible_links_by_the_name_of_the_setting() {
    type Spoil = fn(&mut PeerConfig);
    let wrong: [(&str, Spoil); 5] = [
        ("link_timeout", |links| links.link_timeout = Duration::ZERO),
        ("unresponsive_after", |links| links.unresponsive_after = Duration::ZERO),
        ("link_timeout", |links| links.link_timeout = Duration::from_millis(500)),
        ("unresponsive_after", |links| links.unresponsive_after = Duration::from_millis(999)),
        ("burst", |links| links.burst = 0),
    ];
    for (setting, spoil) in wrong {
        let mut options = options();
        spoil(&mut options.peer);
        let error = Endpoint::bind(options).unwrap_err();
        assert!(matches!(&error, EndpointError::Setting(error) if error.setting() == setting), "{error:?}");
    }
    let mut unlimited = options();
    (unlimited.peer.rate, unlimited.peer.burst) = (0, 0);
    Endpoint::bind(unlimited).expect("without a rate, the burst does not matter");
}

#[tokio::test]
async fn an_endpoint_names_the_address_that_it_cannot_bind() {
    let first = Endpoint::bind(options()).unwrap();
    let mut second = options();
    second.udp = first.local_address();
    let error = Endpoint::bind(second).unwrap_err();
    assert!(matches!(&error, EndpointError::Udp { address, .. } if *address == first.local_address()), "{error:?}");
    assert!(error.to_string().contains("another program uses this port"), "{error}");
}
