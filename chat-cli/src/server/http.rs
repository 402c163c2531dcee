//! An HTTP responder with one page, for scrapers of metrics.
//!
//! It is written by hand because it is smaller than the code that a library would need around it: one method, one path, no
//! body, no reuse of connections. An HTTP library brings parsers, executors and options that would need limits here, and a
//! metrics exporter brings a registry beside the counters that the server already has. Connections, bytes and time are
//! bounded: a client that is slow or sends nonsense occupies one of a few slots and never delays the server.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// The maximum number of connections served in parallel: a few scrapers and a person with a browser. Further ones wait in
/// the kernel's backlog.
const MAX_CONNECTIONS: usize = 8;

/// The time limit for a connection. The page is written within a millisecond.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// The maximum size of a request in bytes, twice what known scrapers and browsers send.
const MAX_REQUEST: usize = 4 * 1024;

/// The pause after a failure to accept, which usually means that the process has no free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// The time that a client has to close the connection after the response. Closing first, with bytes unread, could reset
/// the connection before the client has read the response.
const LINGER: Duration = Duration::from_secs(1);

const PATH: &str = "/metrics";

/// Answers requests; `page` renders the response to `GET /metrics`. Runs until it is dropped.
pub(super) async fn respond(listener: TcpListener, page: impl Fn() -> String + Send + Sync + 'static) {
    let (page, slots) = (Arc::new(page), Arc::new(Semaphore::new(MAX_CONNECTIONS)));
    loop {
        let slot = Arc::clone(&slots).acquire_owned().await.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((stream, _)) => {
                let page = Arc::clone(&page);
                tokio::spawn(async move {
                    // A timeout or a broken connection affects only this client.
                    drop(timeout(TIME_LIMIT, answer(stream, &*page)).await);
                    drop(slot);
                });
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn answer(mut stream: TcpStream, page: &(impl Fn() -> String + Sync)) -> io::Result<()> {
    let mut request = Vec::new();
    let answer = loop {
        let mut piece = [0; 512];
        let read = stream.read(&mut piece).await?;
        request.extend_from_slice(&piece[..read]);
        if let Some(head) = head(&request) {
            break Answer::to(head);
        }
        if read == 0 || request.len() > MAX_REQUEST {
            break Answer::BadRequest;
        }
    };
    let response = match answer {
        Answer::Page => answer.response("text/plain; version=0.0.4; charset=utf-8", &page()),
        _ => answer.response("text/plain; charset=utf-8", &format!("{answer}\n")),
    };
    stream.write_all(response.as_bytes()).await?;
    stream.shutdown().await?;
    let mut rest = [0; 512];
    let discard = async { while matches!(stream.read(&mut rest).await, Ok(1..)) {} };
    drop(timeout(LINGER, discard).await);
    Ok(())
}

/// The bytes before the empty line, once it has arrived.
fn head(request: &[u8]) -> Option<&[u8]> {
    request.windows(4).position(|end| end == b"\r\n\r\n").map(|end| &request[..end])
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Answer {
    Page,
    BadRequest,
    NotFound,
    MethodNotAllowed,
}

impl Answer {
    /// The answer to a complete request head, of which only the first line matters.
    fn to(head: &[u8]) -> Self {
        let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let Ok(line) = std::str::from_utf8(line) else { return Self::BadRequest };
        let parts: Vec<&str> = line.split(' ').collect();
        let [method, target, version] = parts[..] else { return Self::BadRequest };
        if !version.starts_with("HTTP/1.") || !target.starts_with('/') || method.is_empty() {
            return Self::BadRequest;
        }
        // The page takes no parameters, so a query is ignored.
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        match (path == PATH, method) {
            (false, _) => Self::NotFound,
            (true, "GET") => Self::Page,
            (true, _) => Self::MethodNotAllowed,
        }
    }

    fn response(self, content_type: &str, body: &str) -> String {
        let status = match self {
            Self::Page => "200 OK",
            Self::BadRequest => "400 Bad Request",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed\r\nAllow: GET",
        };
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page => f.write_str("the page follows"),
            Self::BadRequest => write!(f, "not an HTTP request; send GET {PATH}"),
            Self::NotFound => write!(f, "not found; the only path is {PATH}"),
            Self::MethodNotAllowed => f.write_str("method not allowed; send GET"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_line_gets_its_answer() {
        for (line, answer) in [
            ("GET /metrics HTTP/1.1", Answer::Page),
            ("GET /metrics?collect=all HTTP/1.0", Answer::Page),
            ("GET / HTTP/1.1", Answer::NotFound),
            ("GET /metrics/ HTTP/1.1", Answer::NotFound),
            ("GET /../metrics HTTP/1.1", Answer::NotFound),
            ("POST /metrics HTTP/1.1", Answer::MethodNotAllowed),
            ("HEAD /metrics HTTP/1.1", Answer::MethodNotAllowed),
            ("GET metrics HTTP/1.1", Answer::BadRequest),
            ("GET http://host/metrics HTTP/1.1", Answer::BadRequest),
            ("GET /metrics HTTP/2", Answer::BadRequest),
            ("GET /metrics", Answer::BadRequest),
            ("GET  /metrics HTTP/1.1", Answer::BadRequest),
            (" /metrics HTTP/1.1", Answer::BadRequest),
            ("", Answer::BadRequest),
        ] {
            assert_eq!(Answer::to(format!("{line}\r\nHost: x").as_bytes()), answer, "{line}");
        }
        assert_eq!(Answer::to(b"GET /\xff HTTP/1.1"), Answer::BadRequest);
    }

    async fn ask(listener: &TcpListener, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn the_page_is_complete_and_nonsense_gets_an_error() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let near = TcpListener::from_std(listener.try_clone().unwrap()).unwrap();
        let task = tokio::spawn(respond(TcpListener::from_std(listener).unwrap(), || "x 1\n".to_owned()));
        let page = ask(&near, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(
            page.starts_with("HTTP/1.1 200 OK\r\n")
                && page.ends_with("\r\nContent-Length: 4\r\nConnection: close\r\n\r\nx 1\n"),
            "{page}"
        );
        assert!(
            ask(&near, b"BREW /metrics HTTP/1.1\r\n\r\n")
                .await
                .starts_with("HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\n")
        );
        assert!(ask(&near, b"GET /pot HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 404 Not Found\r\n"));
        assert!(ask(&near, &[b'x'; MAX_REQUEST + 1]).await.starts_with("HTTP/1.1 400 Bad Request\r\n"));
        assert!(ask(&near, &[0xff; MAX_REQUEST * 4]).await.starts_with("HTTP/1.1 400 Bad Request\r\n"));
        task.abort();
    }

    #[tokio::test]
    async fn a_silent_client_occupies_one_slot_and_does_not_block_the_page() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(respond(listener, || "x 1\n".to_owned()));
        let mut silent = Vec::new();
        for _ in 1..MAX_CONNECTIONS {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("\r\n\r\nx 1\n"), "{answer}");
        task.abort();
    }
}
