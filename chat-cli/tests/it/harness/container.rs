//! Machines in networks of their own with a router between them.

use super::Namespace;

/// A server in a network of its own, as a container has it, and two machines of users. A router stands between them: it has
/// the address 10.17.0.1 towards the server.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) server_network: Namespace,
    pub(crate) router: Namespace,
    pub(crate) machines: [Namespace; 2],
}

/// Between which machines the router drops UDP.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Udp {
    /// From and to everyone.
    All,
    /// From the first machine only.
    FromFirst,
}

impl Udp {
    /// As a rule of the router. The tools of packet filters are not installed everywhere, and routing rules select by
    /// protocol too.
    const fn rule(self) -> &'static str {
        match self {
            Self::All => "ipproto udp blackhole",
            Self::FromFirst => "from 10.1.1.0/24 ipproto udp blackhole",
        }
    }
}

impl Container {
    /// The addresses of the two machines.
    pub(crate) const MACHINES: [&str; 2] = ["10.1.1.2", "10.1.2.2"];

    pub(crate) fn new() -> Self {
        let router = Namespace::new("sysctl -q -w net.ipv4.ip_forward=1");
        let server_network = router.beside("");
        router.link("server", &server_network, "eth0");
        router.run("ip addr add 10.17.0.1/16 dev server; ip link set server up");
        server_network
            .run("ip addr add 10.17.0.2/16 dev eth0; ip link set eth0 up; ip route add default via 10.17.0.1");
        let machines = [("lan1", "10.1.1"), ("lan2", "10.1.2")].map(|(here, network)| {
            let machine = router.beside("");
            router.link(here, &machine, "eth0");
            router.run(&format!("ip addr add {network}.1/24 dev {here}; ip link set {here} up"));
            machine.run(&format!(
                "ip addr add {network}.2/24 dev eth0; ip link set eth0 up; ip route add default via {network}.1"
            ));
            machine
        });
        Self { server_network, router, machines }
    }

    /// Lets the router drop datagrams in silence.
    pub(crate) fn block(&self, udp: Udp) {
        self.router.run(&format!("ip rule add {}", udp.rule()));
    }

    /// Lets the router forward datagrams again.
    pub(crate) fn unblock(&self, udp: Udp) {
        self.router.run(&format!("ip rule del {}", udp.rule()));
    }
}
