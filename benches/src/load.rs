//! Many clients who ask one question again and again, each on a connection of its own.
//!
//! A walk is for servers that remember pages: its clients begin evenly apart in the list and follow
//! `next`, so that a page comes again only after all the pages between two clients.

use crate::client::{Answer, Connection};
use crate::cpu;
use crate::figures::Figures;
use std::io;
use std::net::SocketAddr;
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// Stands in a path before a number, and becomes zeros there: another text for the same number each time,
/// so that a server that remembers answers to questions has not heard this one.
pub const FRESH: &str = "{fresh}";
/// After so many requests the texts begin anew: more than the server remembers.
const FRESH_TEXTS: usize = 101;

/// What is asked, by how many, how often.
#[derive(Debug, Clone)]
pub struct Load {
    /// The server.
    pub address: SocketAddr,
    /// Path and query; may hold [`FRESH`].
    pub path: String,
    /// The question.
    pub question: Question,
    /// Connections that ask at once.
    pub clients: usize,
    /// How often it is asked in all.
    pub requests: usize,
    /// Nothing new is asked after this time.
    pub limit: Duration,
    /// Whether each client first asks once without being counted.
    pub warm: Warm,
    /// The process whose processor time is counted.
    pub watch: Option<u32>,
}

/// Whether the first answer of a client counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warm {
    /// It does not: it warms connection and server.
    Up,
    /// It counts, for what is answered otherwise the second time.
    Not,
}

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Reads.
    Get,
    /// Reads the page behind that of the answer before, and begins anew after the last one.
    Walk,
    /// Reads a page for people, as a browser asks for it: HTML, compressed.
    Browse,
    /// Writes another note into the requirement of the path, on the entity tag that the answer before gave.
    Edit,
    /// The same without a tag, for servers that know none.
    BareEdit,
}

/// What a client keeps of the answer before.
#[derive(Debug, Clone, Default)]
struct Before {
    tag: Option<String>,
    /// Where the next page of a walk begins; `None` at the beginning of the list.
    next: Option<String>,
}

impl Load {
    /// Asks, and counts what was answered.
    ///
    /// # Errors
    ///
    /// If a connection fails or an answer is not a success.
    pub fn run(&self) -> io::Result<Figures> {
        let begins = self.begins()?;
        let start = Barrier::new(self.clients + 1);
        std::thread::scope(|scope| {
            let mut clients = Vec::new();
            for (number, begin) in begins.into_iter().enumerate() {
                let share = self.requests / self.clients + usize::from(number < self.requests % self.clients);
                let start = &start;
                clients.push(scope.spawn(move || self.client(share, begin, start)));
            }
            start.wait();
            let before = self.watch.map(cpu::of_process).transpose();
            let began = Instant::now();
            start.wait();
            let outcomes: Vec<_> = clients.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
            let wall = began.elapsed();
            let after = self.watch.map(cpu::of_process).transpose()?;
            let spent = before?.zip(after).map(|(before, after)| after.saturating_sub(before));
            let (mut times, mut size) = (Vec::new(), 0);
            for outcome in outcomes {
                let outcome = outcome.map_err(|_| io::Error::other("a client ended with a panic"))?;
                let (own, last) = outcome?;
                times.extend(own);
                size = size.max(last);
            }
            Ok(Figures::of(times, wall, spent, size))
        })
    }

    /// One client: perhaps a question that is not counted, then its share.
    fn client(&self, share: usize, begin: Before, start: &Barrier) -> io::Result<(Vec<Duration>, usize)> {
        let prepared = self.prepare(begin);
        // Both waits whatever happened before, or the others would wait for ever.
        start.wait();
        start.wait();
        let (mut connection, mut before) = prepared?;
        let deadline = Instant::now() + self.limit;
        let mut times = Vec::with_capacity(share);
        for number in 0..share {
            let request = self.request(number, &before);
            let asked = Instant::now();
            let answer = connection.ask(request.as_bytes())?;
            let answered = Instant::now();
            expect_success(answer.status, &connection, &self.path)?;
            times.push(answered - asked);
            before = self.after(answer, &connection, before);
            if answered > deadline {
                break;
            }
        }
        Ok((times, connection.body().len()))
    }

    fn prepare(&self, begin: Before) -> io::Result<(Connection, Before)> {
        let mut connection = Connection::open(self.address)?;
        if self.warm == Warm::Not {
            return Ok((connection, begin));
        }
        let answer = connection.ask(self.read_request(0, &begin).as_bytes())?;
        expect_success(answer.status, &connection, &self.path)?;
        let before = self.after(answer, &connection, begin);
        Ok((connection, before))
    }

    /// Where each client begins: for a walk evenly apart, which takes a walk that is not counted.
    fn begins(&self) -> io::Result<Vec<Before>> {
        let mut pages = vec![Before::default()];
        if self.question == Question::Walk && self.clients > 1 {
            let mut connection = Connection::open(self.address)?;
            let deadline = Instant::now() + self.limit;
            while let Some(page) = pages.last().filter(|_| Instant::now() < deadline) {
                let answer = connection.ask(self.read_request(0, page).as_bytes())?;
                expect_success(answer.status, &connection, &self.path)?;
                let page = self.after(answer, &connection, Before::default());
                if page.next.is_none() {
                    break;
                }
                pages.push(page);
            }
        }
        Ok((0..self.clients).map(|number| pages[number * pages.len() / self.clients].clone()).collect())
    }

    /// What an answer leaves for the next request.
    fn after(&self, answer: Answer, connection: &Connection, before: Before) -> Before {
        let next = if self.question == Question::Walk { next_of(connection.body()) } else { None };
        Before { tag: answer.etag.or(before.tag), next: next.map(str::to_owned) }
    }

    fn read_request(&self, number: usize, before: &Before) -> String {
        let path = self.path.replace(FRESH, &"0".repeat(number % FRESH_TEXTS));
        let cursor = before.next.as_ref().map(|next| {
            let joint = if self.path.contains('?') { '&' } else { '?' };
            format!("{joint}cursor={next}")
        });
        let accept = match self.question {
            Question::Browse => "text/html\r\naccept-encoding: gzip, br",
            _ => "application/json",
        };
        format!(
            "GET {path}{} HTTP/1.1\r\nhost: {}\r\naccept: {accept}\r\n\r\n",
            cursor.unwrap_or_default(),
            self.address
        )
    }

    fn request(&self, number: usize, before: &Before) -> String {
        if !matches!(self.question, Question::Edit | Question::BareEdit) {
            // The first text was that of the question that is not counted.
            return self.read_request(number + 1, before);
        }
        let body = format!("{{\"notes\":\"measured, {} of {}\"}}", number + 1, self.requests);
        let tag = before.tag.as_ref().filter(|_| self.question == Question::Edit);
        let tag = tag.map(|tag| format!("if-match: {tag}\r\n")).unwrap_or_default();
        format!(
            "PATCH {} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n{tag}content-length: {}\r\n\r\n{body}",
            self.path,
            self.address,
            body.len()
        )
    }
}

/// The cursor of the next page, which stands behind the page's rows. It is safe in a URL and in JSON.
fn next_of(body: &[u8]) -> Option<&str> {
    let rows_end = body.iter().rposition(|&byte| byte == b']')?;
    let behind = std::str::from_utf8(&body[rows_end..]).ok()?;
    behind.split_once("\"next\":\"")?.1.split('"').next()
}

fn expect_success(status: u16, connection: &Connection, path: &str) -> io::Result<()> {
    if status / 100 == 2 {
        return Ok(());
    }
    let body = String::from_utf8_lossy(connection.body());
    let start: String = body.chars().take(300).collect();
    Err(io::Error::other(format!("{path} answered {status}: {start}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::mpsc::{Receiver, Sender, channel};

    const TARGETS: [&str; 3] = ["/list?limit=1", "/list?limit=1&cursor=p_1", "/list?limit=1&cursor=p_2"];

    /// A server of a list of three pages, and what is asked of it.
    fn three_pages() -> (SocketAddr, Receiver<String>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, log) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let asked = asked.clone();
                std::thread::spawn(move || answer(&stream.unwrap(), &asked));
            }
        });
        (address, log)
    }

    fn answer(mut stream: &TcpStream, asked: &Sender<String>) {
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        while let Some(line) = lines.next() {
            let target = line.split(' ').nth(1).unwrap().to_owned();
            let rest: Vec<_> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
            assert!(rest.contains(&"accept: application/json".to_owned()));
            let page = TARGETS.iter().position(|known| *known == target).unwrap();
            let next = if page < 2 { format!(",\"next\":\"p_{}\"", page + 1) } else { String::new() };
            let body = format!("{{\"rows\":[{page}]{next},\"revision\":1}}");
            // The test may be over before it is read.
            let _ = asked.send(target);
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        }
    }

    fn walk(address: SocketAddr, clients: usize, requests: usize) -> Load {
        let (path, limit) = (TARGETS[0].to_owned(), Duration::from_secs(60));
        let (question, warm) = (Question::Walk, Warm::Not);
        Load { address, path, question, clients, requests, limit, warm, watch: None }
    }

    #[test]
    fn a_walk_asks_for_each_page_in_turn_and_begins_anew_after_the_last() {
        let (address, log) = three_pages();
        assert_eq!(walk(address, 1, 5).run().unwrap().count, 5);
        let asked: Vec<String> = log.try_iter().collect();
        assert_eq!(asked, [0, 1, 2, 0, 1].map(|page| TARGETS[page]));
    }

    #[test]
    fn clients_that_walk_begin_at_different_pages() {
        let (address, log) = three_pages();
        assert_eq!(walk(address, 3, 3).run().unwrap().count, 3);
        let mut asked: Vec<String> = log.try_iter().skip(3).collect();
        asked.sort();
        assert_eq!(asked, TARGETS);
    }

    #[test]
    fn the_next_page_is_found_behind_the_rows() {
        // body, cursor of the next page
        let cases = [
            (r#"{"rows":[{}],"next":"aZ-_9","revision":7}"#, Some("aZ-_9")),
            (r#"{"rows":[{}],"next":"a"}"#, Some("a")),
            (r#"{"rows":[{"next":"no"}],"revision":7}"#, None),
            (r#"{"rows":[{}],"next":null}"#, None),
            ("", None),
        ];
        for (body, next) in cases {
            assert_eq!(next_of(body.as_bytes()), next, "{body}");
        }
    }
}
