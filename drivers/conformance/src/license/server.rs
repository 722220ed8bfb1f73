//! The vendor's answers on a loopback address, in HTTP/1.1 written by hand: what a well-behaved server
//! library would never send is half of the point.

use super::vendor::{Reply, Vendor};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A server that ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) url: String,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

const QUESTION_LIMIT_BYTES: usize = 64 * 1024;
const FLOOD_BYTES: usize = 10 * 1024 * 1024;

impl Server {
    pub(crate) async fn start(vendor: Arc<Vendor>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let vendor = Arc::clone(&vendor);
                // Ends with the runtime of the case at the latest.
                tokio::spawn(async move { converse(stream, &vendor).await });
            }
        });
        Server { url, task }
    }
}

/// One question and its answer; whatever goes wrong ends the connection.
async fn converse(mut stream: TcpStream, vendor: &Vendor) -> Option<()> {
    let (line, headers, body) = question(&mut stream).await?;
    match vendor.answer(&line, headers, &body) {
        Reply::Whole { status, headers, body } => {
            let mut head = format!("HTTP/1.1 {status} Because\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                write!(head, "{name}: {value}\r\n").ok()?;
            }
            stream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).await.ok()?;
            stream.write_all(&body).await.ok()?;
        }
        Reply::HangsUp => {}
        Reply::SaysNothing => wait_for_the_end(&mut stream).await,
        Reply::Cut(body) => {
            stream.write_all(&ok(body.len())).await.ok()?;
            stream.write_all(&body[..body.len() / 2]).await.ok()?;
        }
        Reply::Dripped(body) => {
            stream.write_all(&ok(body.len())).await.ok()?;
            for byte in body {
                stream.write_all(&[byte]).await.ok()?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Reply::Flooded(body) => {
            stream.write_all(&ok(FLOOD_BYTES)).await.ok()?;
            stream.write_all(&body).await.ok()?;
            let spaces = [b' '; 8192];
            for _ in 0..FLOOD_BYTES / spaces.len() {
                stream.write_all(&spaces).await.ok()?;
            }
        }
        Reply::HeadFlood => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await.ok()?;
            for number in 0..FLOOD_BYTES / 1024 {
                let header = format!("x-{number}: {}\r\n", "x".repeat(1000));
                stream.write_all(header.as_bytes()).await.ok()?;
            }
        }
        Reply::Mumble => stream.write_all(b"220 mail.example ESMTP\r\n").await.ok()?,
    }
    stream.shutdown().await.ok()
}

fn ok(length: usize) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n").into_bytes()
}

async fn wait_for_the_end(stream: &mut TcpStream) {
    let mut byte = [0];
    // The other side gives up at some time.
    while stream.read(&mut byte).await.is_ok_and(|read| read > 0) {}
}

type Question = (String, Vec<(String, String)>, Vec<u8>);

async fn question(stream: &mut TcpStream) -> Option<Question> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        read_more(stream, &mut bytes).await?;
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let line = lines.next()?.strip_suffix(" HTTP/1.1")?.to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(Some(0), |(_, text)| text.parse().ok())?;
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        read_more(stream, &mut body).await?;
    }
    Some((line, headers, body))
}

async fn read_more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let read = stream.read_buf(bytes).await.ok()?;
    (read > 0 && bytes.len() <= QUESTION_LIMIT_BYTES).then_some(())
}

/// An answer and 32 MiB of spaces, compressed to less than a client must take.
pub(crate) fn bomb(answer: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(answer).and_then(|()| {
        let spaces = vec![b' '; 1024 * 1024];
        (0..32).try_for_each(|_| encoder.write_all(&spaces))
    });
    written.expect("memory takes it");
    let bomb = encoder.finish().expect("memory takes it");
    assert!(bomb.len() < 64 * 1024, "a bomb that is refused by its size proves nothing");
    bomb
}
