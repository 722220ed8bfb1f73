//! Real servers for tests: PostgreSQL of every supported version, PgBouncer, and OpenBao.
//!
//! A server is a container of an official image, or of one that is made of packages where there is no
//! registry; where no engine can run at all, its programs run directly and [`Postgres::kind`] says so.
//! Nothing here starts an engine: that is `cargo xtask matrix`'s. A test that gets [`Error::Unavailable`]
//! reports itself ignored with the reason. Everything blocks, and may be called from within a runtime.
//!
//! ```no_run
//! use rtmx_containers::{Postgres, Restart};
//!
//! let server = Postgres::start(16)?;
//! println!("{}", server.url());
//! server.restart(Restart::Immediate)?;
//! # Ok::<(), rtmx_containers::Error>(())
//! ```

mod background;
mod bouncer;
mod command;
mod container;
mod engine;
mod error;
mod image;
mod openbao;
mod options;
mod owner;
mod place;
mod postgres;
mod processes;
mod release;
mod versions;

pub use bouncer::{PgBouncer, PoolMode};
pub use command::Ran;
pub use error::{Error, Result};
pub use image::parts_image;
pub use openbao::{Answered, OPENBAO_VERSION, OpenBao};
pub use options::{Access, Options};
pub use postgres::{Flavour, Kind, Postgres, Restart};
pub use versions::{ALL_VERSIONS, DEFAULT_VERSION, REFUSED_VERSION, versions};
