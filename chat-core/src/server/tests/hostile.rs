//! Bytes that no client sends.

use super::*;

fn requests() -> Vec<Vec<u8>> {
    let ticket = [9; 120];
    [
        Request::Login(login(1, "alice")),
        Request::Resume(resume(1, 1, &ticket)),
        Request::Leave,
        Request::Heartbeat { number: 300 },
        Request::Move(offer(1)),
        Request::Refresh,
        Request::ChangePassword(ChangePassword { old: PASSWORD, new: PASSWORD }),
    ]
    .iter()
    .map(encoded)
    .collect()
}

#[test]
fn every_truncated_request_is_rejected_and_ends_its_connection() {
    let malformed = ["1 <- rejected Malformed", "close 1"];
    for request in requests() {
        for cut in 0..request.len() {
            let mut t = Bench::new();
            t.connect(1);
            assert_eq!(t.bytes(1, &request[..cut]), malformed, "guest, {cut} bytes of {request:?}");
            let mut t = Bench::new();
            t.login(1, "alice");
            assert_eq!(t.bytes(1, &request[..cut]), malformed, "online, {cut} bytes of {request:?}");
            assert_eq!(t.online(), ["alice"], "in its grace time");
        }
        let mut t = Bench::new();
        t.connect(1);
        assert_eq!(t.bytes(1, &[&request[..], &[0]].concat()), malformed, "one excess byte: {request:?}");
    }
}

#[test]
fn a_connection_that_begins_with_another_protocol_is_closed() {
    for bytes in [&b""[..], b"GET / HTTP/1.1\r\n", &[0xff; 1024]] {
        let mut t = Bench::new();
        t.connect_from(1, "192.168.1.1:50000");
        assert_eq!(t.bytes(1, bytes), ["1 <- rejected Malformed", "close 1"]);
    }
}

#[test]
fn inputs_about_unknown_connections_and_jobs_are_ignored() {
    let mut t = Bench::new();
    assert_eq!(t.bytes(9, b"x"), [""; 0]);
    assert_eq!(t.disconnect(9), [""; 0]);
    assert_eq!(t.done(JobId::new(9), JobResult::Seen(Ok(()))), [""; 0]);
    assert_eq!(t.feed(Input::Tick), [""; 0]);
}

#[test]
fn a_repeated_connection_number_changes_nothing() {
    let mut t = Bench::new();
    t.login(1, "alice");
    assert_eq!(t.connect_from(1, "10.0.0.1:50000"), [""; 0]);
    assert_eq!(t.send(1, &Request::Heartbeat { number: 1 }), ["1 <- beat 1"]);
}

#[test]
fn debug_output_contains_no_secret() {
    let payload = encoded(&Request::Login(login(1, "alice")));
    let input = Input::Frame { conn: ConnId::new(1), payload: &payload };
    assert_eq!(format!("{input:?}"), format!("Frame(1, {} bytes)", payload.len()));
    let mut t = Bench::new();
    t.connect(1);
    let mut out = Vec::new();
    t.server.handle(t.now, input, &mut out);
    assert!(format!("{out:?}").contains("password: Password"), "{out:?}");
    assert!(!format!("{:?}{:?}", out, t.server).contains("horse"));
}

proptest::proptest! {
    #[test]
    fn random_bytes_do_no_harm(frames in proptest::collection::vec(proptest::collection::vec(0_u8.., 0..80), 1..8)) {
        for online in [false, true] {
            let mut t = Bench::new();
            if online {
                t.login(1, "alice");
            } else {
                t.connect(1);
            }
            for frame in &frames {
                t.bytes(1, frame);
            }
            t.login(2, "bob");
            proptest::prop_assert!(t.online().contains(&"bob"));
        }
    }

    #[test]
    fn a_request_with_any_byte_changed_does_no_harm(number in 0_usize..7, at in 0_usize..200, byte: u8) {
        let mut request = requests().swap_remove(number);
        let at = at % request.len();
        request[at] = byte;
        let mut t = Bench::new();
        t.connect(1);
        t.bytes(1, &request);
        t.login(2, "bob");
        proptest::prop_assert!(t.online().contains(&"bob"));
    }
}

#[test]
fn a_million_registrations_create_few_accounts_and_leave_nothing_behind() {
    const ADDRESSES: u64 = 1_000;
    let config = ServerConfig { registrations_per_hour: 50, registrations_per_address: 5, ..untimed() };
    let mut t = Bench::with(config);
    let (mut out, mut created, mut attempts): (_, u64, _) = (Vec::new(), 0, 0);
    for conn in 1..=125_000 {
        let address = u32::try_from(conn % ADDRESSES).unwrap();
        let from = SocketAddr::from(((0x0a00_0000 + address).to_be_bytes(), 50_000));
        let conn = ConnId::new(conn);
        t.server.handle(t.now, Input::Connected { conn, from }, &mut out);
        t.server.handle(t.now, Input::Frame { conn, payload: &Hello::OURS.encode() }, &mut out);
        for number in 0..8 {
            let user = format!("user{conn}-{number}");
            let request = Login { purpose: Purpose::Register, ..login(conn.get(), &user) };
            attempts += 1;
            t.server.handle(t.now, Input::Frame { conn, payload: &encoded(&Request::Login(request)) }, &mut out);
            let job = out.iter().find_map(|output| if let Output::Job { id, .. } = output { Some(*id) } else { None });
            out.clear();
            if let Some(job) = job {
                created += 1;
                let result = JobResult::Account(Ok(Account { id: AccountId::new(created), ..account(&user) }));
                t.server.handle(t.now, Input::Done { job, result }, &mut out);
                out.clear();
            }
        }
        t.server.handle(t.now, Input::Closed { conn, why: Closed::Broken }, &mut out);
        out.clear();
    }
    assert_eq!(
        (attempts, created),
        (1_000_000, 38 + 3),
        "the rest is reserved for newcomers, and the sources are in four networks"
    );
    t.pass(20_000);
    assert_eq!(format!("{:?}", t.server.machine.connections), format!("{:?}", Connections::default()));
    assert_eq!(t.server.timers.len(), 2, "the timers of polls and of reports");
}
