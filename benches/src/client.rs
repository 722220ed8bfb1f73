//! As much of an HTTP/1.1 client as a load needs: one connection that is kept, answers with a length
//! or in chunks.
//!
//! It is small on purpose: what it costs is not the server's, but it takes the same processors.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A server that says nothing for so long is given up.
const ANSWER_LIMIT: Duration = Duration::from_secs(300);

/// A connection that is kept between requests.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

/// What a server answered; the body is in [`Connection::body`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The entity tag, if there was one.
    pub etag: Option<String>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    ///
    /// If nobody listens.
    pub fn open(to: SocketAddr) -> io::Result<Connection> {
        let stream = TcpStream::connect_timeout(&to, Duration::from_secs(5))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        let stream = BufReader::with_capacity(64 * 1024, stream);
        Ok(Connection { stream, line: String::new(), body: Vec::new() })
    }

    /// Sends a request as it is given and reads the whole answer.
    ///
    /// # Errors
    ///
    /// If the connection ends, or the answer is not HTTP/1.1 with a length or in chunks.
    pub fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream.get_mut().write_all(request)?;
        let status = self.line()?.split(' ').nth(1).and_then(|code| code.parse().ok());
        let mut answer = Answer { status: status.ok_or_else(|| not_http("a status line"))?, etag: None };
        let (mut length, mut chunked) = (None, false);
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| not_http("a header"))?;
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse::<usize>().ok();
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                chunked = value.eq_ignore_ascii_case("chunked");
            } else if name.eq_ignore_ascii_case("etag") {
                answer.etag = Some(value.to_owned());
            }
        }
        self.body.clear();
        match (chunked, length, answer.status) {
            (true, _, _) => self.chunks()?,
            (false, Some(length), _) => self.take(length)?,
            (false, None, 204 | 304) => {}
            (false, None, _) => return Err(not_http("a length")),
        }
        Ok(answer)
    }

    /// The body of the last answer.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    fn line(&mut self) -> io::Result<&str> {
        self.line.clear();
        if self.stream.read_line(&mut self.line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(self.line.trim_end_matches(['\r', '\n']))
    }

    fn take(&mut self, length: usize) -> io::Result<()> {
        let from = self.body.len();
        self.body.resize(from + length, 0);
        self.stream.read_exact(&mut self.body[from..])
    }

    fn chunks(&mut self) -> io::Result<()> {
        loop {
            let line = self.line()?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| not_http("a chunk's size"))?;
            if size == 0 {
                while !self.line()?.is_empty() {}
                return Ok(());
            }
            self.take(size)?;
            self.line()?;
        }
    }
}

fn not_http(lacks: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the answer lacks {lacks}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn answered_with(answers: &'static [&'static str]) -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 64];
            for answer in answers {
                if stream.read(&mut request).unwrap() == 0 {
                    return;
                }
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        address
    }

    #[test]
    fn answers_with_a_length_in_chunks_and_without_a_body_follow_each_other() {
        let address = answered_with(&[
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nETag: \"a\"\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nde\r\n1;x=y\r\nf\r\n0\r\n\r\n",
            "HTTP/1.1 304 Not Modified\r\n\r\n",
            "SSH-2.0-x\r\n",
        ]);
        let mut connection = Connection::open(address).unwrap();
        assert_eq!(connection.ask(b"x").unwrap(), Answer { status: 200, etag: Some("\"a\"".into()) });
        assert_eq!(connection.body(), b"abc");
        assert_eq!(connection.ask(b"x").unwrap(), Answer { status: 200, etag: None });
        assert_eq!(connection.body(), b"def");
        assert_eq!(connection.ask(b"x").unwrap().status, 304);
        assert!(connection.ask(b"x").is_err());
    }
}
