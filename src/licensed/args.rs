//! The command line of `rtmx-licensed`.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  rtmx-licensed keygen --usage license --kid license-2027 --out license-2027.key
  rtmx-licensed issue --key license-2027.key --register sqlite:licenses.db \\
      --organization 'Acme GmbH' --edition enterprise --expires 2027-03-31 --limit max_nodes=10
  rtmx-licensed renew LICENSE_ID --key license-2027.key --register sqlite:licenses.db --expires 2028-03-31
  rtmx-licensed inspect acme.license --keys public-keys.txt
  rtmx-licensed serve --register sqlite:server.db --lease-key lease-2027.key \\
      --passphrase-file /run/secrets/lease --keys public-keys.txt
";

/// The vendor's tool of RTMX: makes keys, issues licenses, and serves leases of them.
#[derive(Debug, Parser)]
#[command(
    name = "rtmx-licensed",
    version,
    before_help = EXAMPLES,
    after_help = "Private keys are files of `keygen`, each under its own passphrase. See docs/vendor/licensing.md.",
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(super) struct Cli {
    /// Print JSON: a line with the format's version, then the result
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a key pair: the private half into an encrypted file, the public half to be embedded
    #[command(before_help = "\
Examples:
  rtmx-licensed keygen --usage license --kid license-2027 --out license-2027.key
  rtmx-licensed keygen --usage root --kid root-2027a --out root.key --passphrase-file /run/secrets/root
")]
    Keygen(KeygenArgs),
    /// Issue a license and record it
    #[command(before_help = "\
Examples:
  rtmx-licensed issue --key license.key --register sqlite:licenses.db --organization 'Acme GmbH' \\
      --edition enterprise --expires 2027-03-31 --limit max_nodes=10 --feature sso_enabled --out acme.license
  rtmx-licensed issue --key license.key --register sqlite:licenses.db --claims acme.toml --request acme.request
")]
    Issue(IssueArgs),
    /// Issue the next number of a license, with the same id
    #[command(before_help = "\
Examples:
  rtmx-licensed renew LICENSE_ID --key license.key --register sqlite:licenses.db --expires 2028-03-31
")]
    Renew(RenewArgs),
    /// Revoke licenses or tokens: sign the next revocation list
    #[command(before_help = "\
Examples:
  rtmx-licensed revoke LICENSE_ID --key revocation.key --register sqlite:licenses.db --out revocations.txt
  rtmx-licensed revoke --token-hash SHA256 --key revocation.key --register sqlite:licenses.db
  rtmx-licensed revoke --refresh --key revocation.key --register sqlite:licenses.db
")]
    Revoke(RevokeArgs),
    /// Make, sign and check the keyset by which installations move to other keys
    #[command(before_help = "\
Examples:
  rtmx-licensed keyset --keys keys-2027.txt --version 2 --threshold 2 --expires 2029-12-31 \\
      --sign root-a.key --sign root-b.key --current keys-2026.txt --out keyset-2.txt
  rtmx-licensed keyset --document keyset-2.txt --sign root-c.key --out keyset-2-signed.txt
")]
    Keyset(KeysetArgs),
    /// Show what a document says, and whether it was signed with a known key; exit 8 if it was not
    #[command(before_help = "\
Examples:
  rtmx-licensed inspect acme.license
  rtmx-licensed inspect acme.request --keys public-keys.txt
")]
    Inspect(InspectArgs),
    /// List the licenses of a register
    #[command(before_help = "Examples:\n  rtmx-licensed list --register sqlite:licenses.db\n")]
    List {
        /// Where licenses are recorded.
        #[command(flatten)]
        register: RegisterArgs,
    },
    /// Serve leases of licenses until SIGTERM or SIGINT
    #[command(before_help = "\
Examples:
  rtmx-licensed serve --register sqlite:server.db --lease-key lease.key \\
      --passphrase-file /run/secrets/lease --keys public-keys.txt \\
      --staff-token-file /run/secrets/staff --listen 127.0.0.1:8443 --trust-proxy 127.0.0.1
")]
    Serve(ServeArgs),
}

/// Where the passphrase of a key comes from; the terminal, where nothing is said.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct PassphraseArgs {
    /// Read the passphrase from this file
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_env")]
    pub(super) passphrase_file: Option<PathBuf>,
    /// Read the passphrase from this environment variable
    #[arg(long, value_name = "VARIABLE")]
    pub(super) passphrase_env: Option<String>,
}

/// Where licenses are recorded.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub(super) struct RegisterArgs {
    /// The register: `sqlite:FILE` or `postgres://USER@HOST/DATABASE`
    #[arg(long, value_name = "URL", env = "RTMX_LICENSED_REGISTER", hide_env_values = true)]
    pub(super) register: Option<String>,
    /// The variable that holds the register's URL
    #[arg(long, value_name = "VARIABLE")]
    pub(super) register_env: Option<String>,
    /// The file that holds the register's URL
    #[arg(long, value_name = "FILE")]
    pub(super) register_file: Option<PathBuf>,
}

/// A key to make.
#[derive(Debug, Args)]
pub(super) struct KeygenArgs {
    /// What it may sign
    #[arg(long, value_enum)]
    pub(super) usage: UsageWord,
    /// Its name: 1 to 64 of a-z 0-9 . _ -
    #[arg(long, value_name = "NAME")]
    pub(super) kid: String,
    /// The file to make; never one that is there
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,
    /// Where the passphrase comes from.
    #[command(flatten)]
    pub(super) passphrase: PassphraseArgs,
    /// Do not encrypt the key; refused without the next flag
    #[arg(long)]
    pub(super) unencrypted: bool,
    /// Whoever reads the file can sign in your name, and you want it so
    #[arg(long)]
    pub(super) whoever_reads_this_file_may_sign_in_our_name: bool,
}

/// What a key may sign, as a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum UsageWord {
    /// Licenses
    License,
    /// Leases: the only key that a server has
    Lease,
    /// Revocation lists
    Revocation,
    /// Keysets
    Root,
}

/// The form of a license on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FormWord {
    /// The token alone
    Bare,
    /// Lines of 64 characters between a line for begin and end
    Armoured,
    /// The JSON document that people can read
    Document,
}

/// Where a signed document goes.
#[derive(Debug, Clone, Args)]
pub(super) struct OutArgs {
    /// The file to write; standard output, without it
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// How the license is written
    #[arg(long, value_enum, default_value_t = FormWord::Armoured)]
    pub(super) form: FormWord,
}

/// Claims that flags set; each wins over the claims file.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ClaimArgs {
    /// A TOML or JSON file with claims, under the names that a license has them
    #[arg(long, value_name = "FILE")]
    pub(super) claims: Option<PathBuf>,
    /// The customer
    #[arg(long, value_name = "NAME")]
    pub(super) organization: Option<String>,
    /// The edition, such as `enterprise`
    #[arg(long, value_name = "NAME")]
    pub(super) edition: Option<String>,
    /// The product [default: RTMX]
    #[arg(long, value_name = "NAME")]
    pub(super) product: Option<String>,
    /// `production` or `non_production` [default: production]
    #[arg(long, value_name = "WHERE", value_parser = ["production", "non_production"])]
    pub(super) environment: Option<String>,
    /// The last day, to its end anywhere on Earth; or an instant, such as 2027-04-01T12:00:00Z
    #[arg(long, value_name = "DAY")]
    pub(super) expires: Option<String>,
    /// The first instant, or day from its begin anywhere on Earth [default: now]
    #[arg(long, value_name = "DAY")]
    pub(super) not_before: Option<String>,
    /// The last day whose versions are covered [default: all versions]
    #[arg(long, value_name = "DAY")]
    pub(super) updates_until: Option<String>,
    /// Days after the end in which everything goes on, at most 60 [default: 14]
    #[arg(long, value_name = "DAYS")]
    pub(super) grace_days: Option<u64>,
    /// Whether the license server must confirm it [default: offline]
    #[arg(long, value_name = "MODE", value_parser = ["offline", "online"])]
    pub(super) mode: Option<String>,
    /// With `--mode online`, days without a confirmation, 1 to 365 [default: 14]
    #[arg(long, value_name = "DAYS")]
    pub(super) max_offline_days: Option<u64>,
    /// A limit, such as `max_nodes=10`
    #[arg(long = "limit", value_name = "NAME=NUMBER")]
    pub(super) limits: Vec<String>,
    /// A feature that is included, such as `sso_enabled`; `NAME=false` takes it out
    #[arg(long = "feature", value_name = "NAME")]
    pub(super) features: Vec<String>,
    /// A fingerprint that the license is bound to
    #[arg(long = "bind", value_name = "FINGERPRINT", num_args = 1..)]
    pub(super) bind: Vec<String>,
    /// How many kinds of fingerprints must match [default: any]
    #[arg(long, value_name = "POLICY", value_parser = ["any", "two", "most", "all"])]
    pub(super) policy: Option<String>,
    /// The activation request of a machine without a network; it is verified, and its fingerprints bound
    #[arg(long, value_name = "FILE")]
    pub(super) request: Option<PathBuf>,
}

/// A license to issue.
#[derive(Debug, Args)]
pub(super) struct IssueArgs {
    /// The key file of usage `license`
    #[arg(long, value_name = "FILE")]
    pub(super) key: PathBuf,
    /// Where the passphrase comes from.
    #[command(flatten)]
    pub(super) passphrase: PassphraseArgs,
    /// Where it is recorded.
    #[command(flatten)]
    pub(super) register: RegisterArgs,
    /// The license's id [default: a random one, which nobody can guess]
    #[arg(long, value_name = "ID")]
    pub(super) id: Option<String>,
    /// What it says.
    #[command(flatten)]
    pub(super) claims: ClaimArgs,
    /// Where it goes.
    #[command(flatten)]
    pub(super) out: OutArgs,
}

/// A license to renew.
#[derive(Debug, Args)]
pub(super) struct RenewArgs {
    /// The license's id
    #[arg(value_name = "LICENSE_ID")]
    pub(super) id: String,
    /// The key file of usage `license`
    #[arg(long, value_name = "FILE")]
    pub(super) key: PathBuf,
    /// Where the passphrase comes from.
    #[command(flatten)]
    pub(super) passphrase: PassphraseArgs,
    /// Where it is recorded.
    #[command(flatten)]
    pub(super) register: RegisterArgs,
    /// What changes; everything else stays as it was.
    #[command(flatten)]
    pub(super) claims: ClaimArgs,
    /// Where it goes.
    #[command(flatten)]
    pub(super) out: OutArgs,
}

/// What to revoke.
#[derive(Debug, Args)]
pub(super) struct RevokeArgs {
    /// Licenses, by their ids: with all their numbers
    #[arg(value_name = "LICENSE_ID")]
    pub(super) ids: Vec<String>,
    /// Single tokens, by their SHA-256
    #[arg(long = "token-hash", value_name = "SHA256")]
    pub(super) tokens: Vec<String>,
    /// Numbers of a license below this one, such as `LICENSE_ID=3`
    #[arg(long = "below", value_name = "LICENSE_ID=NUMBER")]
    pub(super) below: Vec<String>,
    /// Sign the same list anew, with the next number and date
    #[arg(long)]
    pub(super) refresh: bool,
    /// Why; for the audit
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(super) reason: String,
    /// Days until the next list is due
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub(super) next_update_days: u16,
    /// The product
    #[arg(long, value_name = "NAME", default_value = "RTMX")]
    pub(super) product: String,
    /// The key file of usage `revocation`
    #[arg(long, value_name = "FILE")]
    pub(super) key: PathBuf,
    /// Where the passphrase comes from.
    #[command(flatten)]
    pub(super) passphrase: PassphraseArgs,
    /// Where it is recorded.
    #[command(flatten)]
    pub(super) register: RegisterArgs,
    /// The file to write; standard output, without it
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

/// A keyset to make or to sign.
#[derive(Debug, Args)]
pub(super) struct KeysetArgs {
    /// The keys from now on: lines of `keygen`
    #[arg(long, value_name = "FILE", required_unless_present = "document", conflicts_with = "document")]
    pub(super) keys: Option<PathBuf>,
    /// One more than the keyset in use
    #[arg(long, value_name = "NUMBER", requires = "keys")]
    pub(super) version: Option<u64>,
    /// How many root keys must sign this keyset and the next
    #[arg(long, value_name = "NUMBER", requires = "keys")]
    pub(super) threshold: Option<u64>,
    /// The last day
    #[arg(long, value_name = "DAY", requires = "keys")]
    pub(super) expires: Option<String>,
    /// The product
    #[arg(long, value_name = "NAME", default_value = "RTMX")]
    pub(super) product: String,
    /// A keyset that others have signed already: sign the same
    #[arg(long, value_name = "FILE")]
    pub(super) document: Option<PathBuf>,
    /// A key file of usage `root`; once for each signature
    #[arg(long = "sign", value_name = "FILE", required = true)]
    pub(super) sign: Vec<PathBuf>,
    /// Read a passphrase from this file; once for each `--sign` in the same order, or once for all
    #[arg(long = "passphrase-file", value_name = "FILE", conflicts_with = "passphrase_env")]
    pub(super) passphrase_files: Vec<PathBuf>,
    /// Read a passphrase from this variable; once for each `--sign` in the same order, or once for all
    #[arg(long = "passphrase-env", value_name = "VARIABLE")]
    pub(super) passphrase_env: Vec<String>,
    /// The keys in use before: refuse a result that they would not accept
    #[arg(long, value_name = "FILE")]
    pub(super) current: Option<PathBuf>,
    /// The version of the keys in use before, if `--current` is not the first: its keysets, oldest first
    #[arg(long = "since", value_name = "KEYSET_FILE", requires = "current")]
    pub(super) since: Vec<PathBuf>,
    /// How many signatures the keys in use before ask for [default: all their root keys]
    #[arg(long, value_name = "NUMBER", requires = "current")]
    pub(super) current_threshold: Option<u64>,
    /// The file to write; standard output, without it
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

/// A document to look at.
#[derive(Debug, Args)]
pub(super) struct InspectArgs {
    /// The file; `-` for standard input
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// The public keys to verify with [default: those that this build embeds]
    #[arg(long, value_name = "FILE")]
    pub(super) keys: Option<PathBuf>,
    /// The product of those keys
    #[arg(long, value_name = "NAME", default_value = "RTMX")]
    pub(super) product: String,
}

/// How to serve.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Where licenses and activations are recorded.
    #[command(flatten)]
    pub(super) register: RegisterArgs,
    /// The key file of usage `lease`: the only private key that a server has
    #[arg(long, value_name = "FILE")]
    pub(super) lease_key: PathBuf,
    /// Where the passphrase comes from.
    #[command(flatten)]
    pub(super) passphrase: PassphraseArgs,
    /// The public keys that documents are verified with [default: those that this build embeds]
    #[arg(long, value_name = "FILE")]
    pub(super) keys: Option<PathBuf>,
    /// How many root keys must sign a keyset [default: all of them]
    #[arg(long, value_name = "NUMBER", requires = "keys")]
    pub(super) threshold: Option<u64>,
    /// The product whose licenses are served
    #[arg(long, value_name = "NAME", default_value = "RTMX")]
    pub(super) product: String,
    /// Where to listen; a proxy in front speaks TLS
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    pub(super) listen: SocketAddr,
    /// Where Prometheus reads
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9100")]
    pub(super) metrics_listen: SocketAddr,
    /// A proxy whose `X-Forwarded-For` is believed
    #[arg(long = "trust-proxy", value_name = "IP")]
    pub(super) trusted_proxies: Vec<IpAddr>,
    /// The file with the token of the vendor's staff, at least 32 characters [default: no staff]
    #[arg(long, value_name = "FILE")]
    pub(super) staff_token_file: Option<PathBuf>,
    /// Requests a minute from one address
    #[arg(long, value_name = "NUMBER", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) peer_rate: u32,
    /// Requests a minute for one installation, and from all unknown ones for one license
    #[arg(long, value_name = "NUMBER", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) license_rate: u32,
    /// Connections at once
    #[arg(long, value_name = "NUMBER", default_value_t = 1024, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) connections: u16,
    /// The log's form
    #[arg(long, value_name = "FORM", default_value = "json", value_parser = ["json", "text"])]
    pub(super) log_format: String,
}
