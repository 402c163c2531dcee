//! Certificates that cannot work with `--ca`: server and client each report the cause and a remedy.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ED25519, date_time_ymd};
use rustix::process::Signal;

use crate::harness::{Finished, Home, PASSWORD, Server, assert_contains, finish, path_text, preload, until};

const WAY_OUT: &str = "hint: without an authority, --fingerprint HEX instead of --ca recognises the server by its key; on \
                       the server, `chat-server fingerprint` prints HEX\n";

/// A home with certificates in it.
struct Office {
    home: Home,
}

impl Office {
    fn new() -> Self {
        Self { home: Home::new() }
    }

    /// Writes a self-signed certificate with its key.
    fn issue(&self, name: &str, params: &CertificateParams) -> [PathBuf; 2] {
        let key = KeyPair::generate().unwrap();
        self.write(name, &params.self_signed(&key).unwrap().pem(), &key)
    }

    /// Writes a certificate of an authority with its key, and the authority's own certificate.
    fn issue_by(&self, name: &str, params: &CertificateParams, authority: &str) -> ([PathBuf; 2], PathBuf) {
        let [key, authority_key] = [(); 2].map(|()| KeyPair::generate().unwrap());
        let authority_params = self::authority(authority);
        let certificate = authority_params.self_signed(&authority_key).unwrap();
        let signed = params.signed_by(&key, &Issuer::new(authority_params, authority_key)).unwrap();
        let ca = self.home.join(&format!("{name}-ca.pem"));
        fs::write(&ca, certificate.pem()).unwrap();
        (self.write(name, &signed.pem(), &key), ca)
    }

    fn write(&self, name: &str, certificate: &str, key: &KeyPair) -> [PathBuf; 2] {
        let files = ["cert", "key"].map(|kind| self.home.join(&format!("{name}-{kind}.pem")));
        fs::write(&files[0], certificate).unwrap();
        fs::write(&files[1], key.serialize_pem()).unwrap();
        fs::set_permissions(&files[1], PermissionsExt::from_mode(0o600)).unwrap();
        files
    }

    fn serve(&self, [certificate, key]: &[PathBuf; 2]) -> Server {
        Server::start_in(&self.home, &["--cert", path_text(certificate), "--key", path_text(key)])
    }

    /// A client that registers this user. Without another option, it calls the server `localhost`.
    fn client(&self, server: &Server, user: &str, options: &[&str]) -> Command {
        let mut command = self.home.of_user(user).command("chat-client");
        command.args(["--user", user, "--register"]).args(options);
        command.env("CHAT_SERVER", format!("localhost:{}", server.address.port()));
        command.env("CHAT_PASSWORD", PASSWORD).env("CHAT_UDP", "127.0.0.1:0");
        command
    }

    /// Runs such a client to its end.
    fn join(&self, server: &Server, user: &str, options: &[&str]) -> Finished {
        finish(&mut self.client(server, user, options))
    }
}

fn for_localhost() -> CertificateParams {
    CertificateParams::new(["localhost".to_owned()]).unwrap()
}

/// The certificate that `openssl req -x509 -subj /CN=NAME` makes.
fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

#[track_caller]
fn assert_refused(refused: &Finished, server: &Server, problem: &str) {
    assert_eq!((refused.code, refused.out.as_str()), (Some(3), ""), "{}", refused.err);
    let beginning = format!("error: the certificate of localhost:{} cannot be trusted: it ", server.address.port());
    assert!(refused.err.starts_with(&(beginning + problem)), "{}", refused.err);
    assert!(refused.err.ends_with(WAY_OUT), "{}", refused.err);
    for debug in ["Error", "Context", "Other(", "UnixTime", "secs", "os error"] {
        assert!(!refused.err.contains(debug), "{}", refused.err);
    }
}

#[test]
fn a_certificate_that_openssl_req_x509_made_is_explained_on_both_sides() {
    let office = Office::new();
    let files = office.issue("openssl", &authority("localhost"));
    let server = office.serve(&files);
    server.process.errors_with(
        "openssl-cert.pem: it is a certificate authority's own certificate (CA:TRUE), which a server cannot use; \
         clients that know the fingerprint (--fingerprint) accept it",
    );
    let refused = office.join(&server, "alice", &["--ca", path_text(&files[0])]);
    assert_refused(
        &refused,
        &server,
        "is a certificate authority's own certificate (CA:TRUE), which a server cannot use",
    );
    let way_out = office.join(&server, "alice", &["--fingerprint", &server.fingerprint]);
    assert_eq!((way_out.code, way_out.err.as_str()), (Some(0), ""));
}

#[test]
fn each_certificate_that_a_client_refuses_has_its_own_sentence() {
    let office = Office::new();
    let (right, ca) = office.issue_by("right", &for_localhost(), "ours");
    let (_, namesake) = office.issue_by("namesake", &for_localhost(), "ours");
    let (_, stranger) = office.issue_by("stranger", &for_localhost(), "theirs");
    let edwards = office.home.join("edwards-ca.pem");
    let edwards_key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    fs::write(&edwards, authority("ours").self_signed(&edwards_key).unwrap().pem()).unwrap();
    let mut server = office.serve(&right);
    assert_eq!(server.process.errors(), "", "nothing is wrong with this certificate");
    assert_eq!(office.join(&server, "alice", &["--ca", path_text(&ca)]).code, Some(0));
    for (ca, problem) in [
        (
            &stranger,
            "is not signed by any of the authorities that this client trusts; nothing was sent to the server\n",
        ),
        (&namesake, "is signed by an authority with the same name as a trusted one, but another key; nothing was sent"),
        (&edwards, "is signed by an authority with the same name as a trusted one, but another key; nothing was sent"),
    ] {
        let refused = office.join(&server, "bob", &["--ca", path_text(ca)]);
        assert_refused(&refused, &server, problem);
    }
    let address = server.address.to_string();
    let refused = office.join(&server, "bob", &["--ca", path_text(&ca), "--server", &address]);
    assert_contains(&refused.err, &format!("of {address} cannot be trusted: it is for localhost, not for 127.0.0.1;"));
    let clock = preload(
        &office.home,
        "clock",
        "#define _GNU_SOURCE\n#include <sys/syscall.h>\n#include <time.h>\n#include <unistd.h>\n\
         int clock_gettime(clockid_t clock, struct timespec *now) {\n\
         int result = syscall(SYS_clock_gettime, clock, now);\n\
         if (clock == CLOCK_REALTIME) now->tv_sec = 100000000;\n\
         return result;\n}\n",
    );
    let early = finish(office.client(&server, "bob", &["--ca", path_text(&ca)]).env("LD_PRELOAD", clock));
    assert_refused(
        &early,
        &server,
        "is not valid before 1975-01-01T00:00:00.000Z, and this machine's clock is at 1973-03-03T",
    );
    assert_contains(&early.err, "hint: set the clock of this machine if it is wrong, ");
    server.stop();

    let mut later = for_localhost();
    later.not_before = date_time_ymd(3001, 2, 3);
    later.not_after = date_time_ymd(3002, 2, 3);
    let (files, ca) = office.issue_by("later", &later, "ours");
    let mut server = office.serve(&files);
    let problem = "is not valid before 3001-02-03T00:00:00.000Z, and this machine's clock is at 20";
    server.process.errors_with(problem);
    let refused = office.join(&server, "bob", &["--ca", path_text(&ca)]);
    assert_refused(&refused, &server, problem);
    server.stop();

    let files = office.issue("nameless", &CertificateParams::default());
    let server = office.serve(&files);
    let problem = "names no host: it has no subject alternative name";
    server.process.errors_with(problem);
    assert_refused(&office.join(&server, "bob", &["--ca", path_text(&files[0])]), &server, problem);
}

#[test]
fn a_file_of_authorities_that_cannot_be_used_is_an_error_in_words() {
    let office = Office::new();
    let [certificate, key] = office.issue("some", &for_localhost());
    let server = office.serve(&[certificate.clone(), key.clone()]);
    let broken = office.home.join("broken.pem");
    let pem = fs::read_to_string(&certificate).unwrap();
    fs::write(&broken, &pem[..pem.len() - 40]).unwrap();
    for (file, what) in [
        (&key, "the file holds no certificate in PEM form"),
        (&broken, "the file is damaged: it is not in PEM form"),
        (&office.home.join("none"), "the file cannot be read: No such file or directory"),
    ] {
        let refused = office.join(&server, "alice", &["--ca", path_text(file)]);
        assert_eq!(refused.code, Some(3));
        let beginning = format!("error: the certificate authorities in {} cannot be used: {what}", file.display());
        assert!(refused.err.starts_with(&beginning) && refused.err.ends_with(WAY_OUT), "{}", refused.err);
    }
}

#[test]
fn a_key_of_another_certificate_is_reported_at_the_start_and_at_a_reload() {
    let office = Office::new();
    let [certificate, key] = office.issue("one", &for_localhost());
    let [_, other_key] = office.issue("two", &for_localhost());
    let sentence = |key: &PathBuf| {
        format!(
            "the private key in {} does not belong to the certificate in {}; name the key that belongs to the certificate",
            key.display(),
            certificate.display()
        )
    };
    let args = ["--listen", "127.0.0.1:0", "--cert", path_text(&certificate), "--key", path_text(&other_key)];
    let Finished { code, out, err } = finish(office.home.command("chat-server").args(args));
    assert_eq!((code, out.as_str()), (Some(3), ""));
    assert_eq!(
        err,
        format!(
            "error: {}\nhint: without --cert and --key the server makes a key of its own, and clients recognise it by \
             --fingerprint\n",
            sentence(&other_key)
        )
    );

    let server = office.serve(&[certificate.clone(), key.clone()]);
    fs::copy(&other_key, &key).unwrap();
    server.process.signal(Signal::HUP);
    until("the reload is refused", || server.process.errors().contains(&sentence(&key)));
    let alice = office.join(&server, "alice", &["--ca", path_text(&certificate)]);
    assert_eq!((alice.code, alice.err.as_str()), (Some(0), ""), "the previous certificate is still in use");
}

#[test]
fn a_private_key_that_everybody_can_read_causes_a_warning() {
    let office = Office::new();
    let files = office.issue("some", &for_localhost());
    for (mode, warned) in [(0o640, false), (0o644, true)] {
        fs::set_permissions(&files[1], PermissionsExt::from_mode(mode)).unwrap();
        let mut server = office.serve(&files);
        let warning =
            format!("every user can access the private key {}; restrict it with chmod o-rwx", files[1].display());
        server.stop();
        assert_eq!(server.process.errors().contains(&warning), warned, "{mode:o}: {}", server.process.errors());
    }
}
