//! A responder for one page, as scrapers of metrics ask for it.
//!
//! Written out because it is less than a library would need around it: one method, one path, no body, no reuse of
//! connections. A library brings parsers, executors and options that would all have to be bounded here anyway, and an
//! exporter of metrics brings a registry of its own beside the counters that the server has. Everything is bounded:
//! connections, bytes and time; whoever is slow or sends nonsense holds up one of a few places, and never the server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// How many are answered at once: a few scrapers and a person with a browser. Others wait in the kernel's backlog.
const PLACES: usize = 8;

/// How long a connection may take in all; a page is written within a millisecond.
const TIME: Duration = Duration::from_secs(5);

/// The most bytes of a request. Those of known scrapers and browsers have less than half.
const REQUEST: usize = 4 * 1024;

/// The pause after an accept that failed for want of descriptors.
const PAUSE: Duration = Duration::from_millis(200);

/// How long whoever got an answer may take to hang up: closing first, with bytes unread, could reset the answer away.
const LINGER: Duration = Duration::from_secs(1);

/// The one path.
const PATH: &str = "/metrics";

/// Answers until it is dropped; `page` makes what `GET /metrics` gets.
pub(super) async fn respond(listener: TcpListener, page: impl Fn() -> String + Send + Sync + 'static) {
    let (page, places) = (Arc::new(page), Arc::new(Semaphore::new(PLACES)));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((stream, _)) => {
                let page = Arc::clone(&page);
                tokio::spawn(async move {
                    // Late or broken: there is nobody to be told.
                    drop(timeout(TIME, answer(stream, &*page)).await);
                    drop(place);
                });
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

async fn answer(mut stream: TcpStream, page: &(impl Fn() -> String + Sync)) -> std::io::Result<()> {
    let mut request = Vec::new();
    let answer = loop {
        let mut piece = [0; 512];
        let read = stream.read(&mut piece).await?;
        request.extend_from_slice(&piece[..read]);
        if let Some(head) = head(&request) {
            break Answer::to(head);
        }
        if read == 0 || request.len() > REQUEST {
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

/// The bytes before the empty line, once they are all there.
fn head(request: &[u8]) -> Option<&[u8]> {
    request.windows(4).position(|end| end == b"\r\n\r\n").map(|end| &request[..end])
}

/// What is answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Answer {
    Page,
    BadRequest,
    NotFound,
    MethodNotAllowed,
}

impl Answer {
    /// To a whole request head. The headers do not matter, so they are not read.
    fn to(head: &[u8]) -> Self {
        let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let Ok(line) = std::str::from_utf8(line) else { return Self::BadRequest };
        let parts: Vec<&str> = line.split(' ').collect();
        let [method, target, version] = parts[..] else { return Self::BadRequest };
        if !version.starts_with("HTTP/1.") || !target.starts_with('/') || method.is_empty() {
            return Self::BadRequest;
        }
        // A query says nothing to a page that is always the same.
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        match (path == PATH, method) {
            (false, _) => Self::NotFound,
            (true, "GET") => Self::Page,
            (true, _) => Self::MethodNotAllowed,
        }
    }

    fn response(self, kind: &str, body: &str) -> String {
        let status = match self {
            Self::Page => "200 OK",
            Self::BadRequest => "400 Bad Request",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed\r\nAllow: GET",
        };
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page => f.write_str("here it is"),
            Self::BadRequest => write!(f, "this is no HTTP request; ask GET {PATH}"),
            Self::NotFound => write!(f, "there is only {PATH} here"),
            Self::MethodNotAllowed => write!(f, "only GET is answered here"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_line_has_its_answer() {
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
    async fn a_page_is_whole_and_nonsense_is_told_so() {
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
        assert!(ask(&near, &[b'x'; REQUEST + 1]).await.starts_with("HTTP/1.1 400 Bad Request\r\n"));
        assert!(ask(&near, &[0xff; REQUEST * 4]).await.starts_with("HTTP/1.1 400 Bad Request\r\n"));
        task.abort();
    }

    #[tokio::test]
    async fn who_says_nothing_keeps_one_place_and_not_the_page() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(respond(listener, || "x 1\n".to_owned()));
        let mut silent = Vec::new();
        for _ in 1..PLACES {
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
