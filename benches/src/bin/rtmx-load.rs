//! `rtmx-load`: asks a server, or its database file, one question many times, and prints the figures
//! as one line of JSON. `cargo xtask bench` calls it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the figures are its output")]

use clap::{Parser, Subcommand, ValueEnum};
use rtmx_bench::direct::{self, Direct, Then};
use rtmx_bench::load::{self, Load};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, Parser)]
#[command(about = "Asks a server, or its database file, one question many times")]
struct Arguments {
    /// How many ask at once
    #[arg(long, global = true, default_value_t = 1)]
    clients: usize,
    /// How often they ask in all
    #[arg(long, global = true, default_value_t = 100)]
    requests: usize,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Asks over HTTP, on connections that are kept
    Http {
        address: SocketAddr,
        /// Path and query
        path: String,
        #[arg(long, value_enum, default_value_t = Method::Get)]
        method: Method,
        /// Asks nothing new after so many seconds
        #[arg(long, default_value_t = 60.0)]
        limit_seconds: f64,
        /// Counts the first answer of a client too
        #[arg(long)]
        cold: bool,
        /// The process whose processor time is counted
        #[arg(long)]
        watch: Option<u32>,
    },
    /// Asks the database file
    Direct {
        file: PathBuf,
        #[arg(value_enum)]
        question: Question,
        /// Makes JSON of the rows
        #[arg(long)]
        json: bool,
        /// Prints the first column of the answer instead; of a walk, that of the second page
        #[arg(long)]
        show: bool,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Method {
    Get,
    /// Reads a list page by page, following `next`
    Walk,
    /// Reads a page as a browser asks for it: HTML, compressed
    Browse,
    /// Writes a note, on the entity tag of the answer before
    Edit,
    /// Writes a note without a tag
    BareEdit,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Question {
    Page,
    /// Page by page
    Walk,
    Filter,
    Status,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> std::io::Result<String> {
    let clients = arguments.clients.max(1);
    let requests = arguments.requests.max(1);
    let figures = match &arguments.what {
        What::Http { address, path, method, limit_seconds, cold, watch } => Load {
            address: *address,
            path: path.clone(),
            question: match method {
                Method::Get => load::Question::Get,
                Method::Walk => load::Question::Walk,
                Method::Browse => load::Question::Browse,
                Method::Edit => load::Question::Edit,
                Method::BareEdit => load::Question::BareEdit,
            },
            clients,
            requests,
            limit: Duration::from_secs_f64(limit_seconds.clamp(0.0, 3600.0)),
            warm: if *cold { load::Warm::Not } else { load::Warm::Up },
            watch: *watch,
        }
        .run()?,
        What::Direct { file, question, json, show } => {
            let direct = Direct {
                file: file.clone(),
                question: match question {
                    Question::Page => direct::Question::Page,
                    Question::Walk => direct::Question::Walk,
                    Question::Filter => direct::Question::Filter,
                    Question::Status => direct::Question::Status,
                },
                then: if *json { Then::Json } else { Then::Drop },
                clients,
                requests,
            };
            if *show {
                return Ok(serde_json::to_string(&direct.first_column()?)?);
            }
            direct.run()?
        }
    };
    Ok(serde_json::to_string(&figures)?)
}
