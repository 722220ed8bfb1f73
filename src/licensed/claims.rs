//! From flags and a file to the claims of a license.

use super::args::ClaimArgs;
use super::{escaped, random};
use rtmx_core::{Error, Result, Timestamp, tool};
use rtmx_license::{ActivationRequest, Binding, BindingPolicy, Environment, KeyRing, License, Reach, open};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

const FILE_LIMIT_BYTES: usize = 64 * 1024;
/// The end of a day in the last place on Earth (UTC-12), after its midnight in UTC.
const LAST_PLACE_S: i64 = 12 * 3600;
/// The begin of a day in the first place on Earth (UTC+14), before its midnight in UTC.
const FIRST_PLACE_S: i64 = 14 * 3600;
const DAY_S: i64 = 86_400;

/// A claims file; what it leaves out, flags or defaults say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimsFile {
    license_id: Option<String>,
    organization: Option<String>,
    edition: Option<String>,
    product: Option<String>,
    environment: Option<Environment>,
    expires_at: Option<String>,
    not_before: Option<String>,
    updates_until: Option<String>,
    terminates_at: Option<String>,
    grace_days: Option<u64>,
    mode: Option<Reach>,
    max_offline_days: Option<u64>,
    #[serde(default)]
    features: BTreeMap<String, bool>,
    #[serde(default)]
    limits: BTreeMap<String, u64>,
    binding: Option<Binding>,
    #[serde(default)]
    ext: BTreeMap<String, String>,
}

/// The claims of a new license.
///
/// # Errors
///
/// `usage` for what is missing or cannot be read; what is wrong with a request or a claims file.
pub(super) fn new_license(args: &ClaimArgs, id: Option<&str>, now: Timestamp) -> Result<License> {
    let file = read(args.claims.as_deref())?;
    let needed = |flag: &str| {
        Error::new(tool::USAGE, format!("`{flag}` is missing, and the claims file does not say it"))
    };
    let request = request(args)?;
    let id = id.map(str::to_owned).or_else(|| file.license_id.clone());
    let id =
        id.or_else(|| request.as_ref().map(|request| request.license_id.clone()).filter(|id| !id.is_empty()));
    let organization = args.organization.clone().or_else(|| file.organization.clone());
    let edition = args.edition.clone().or_else(|| file.edition.clone());
    let expires =
        args.expires.as_deref().or(file.expires_at.as_deref()).ok_or_else(|| needed("--expires"))?;
    let product = args.product.clone().or_else(|| file.product.clone());
    let mut license = License::new(
        id.unwrap_or_else(random_id),
        organization.ok_or_else(|| needed("--organization"))?,
        product.unwrap_or_else(|| "RTMX".to_owned()),
        edition.ok_or_else(|| needed("--edition"))?,
        whole(now),
        end_of(expires)?,
    );
    change(&mut license, args, file, request.as_ref())?;
    Ok(license)
}

/// The claims of the next number of a license.
///
/// # Errors
///
/// As [`new_license`].
pub(super) fn renewed(before: &License, args: &ClaimArgs, now: Timestamp) -> Result<License> {
    let file = read(args.claims.as_deref())?;
    if file.license_id.as_ref().is_some_and(|id| *id != before.license_id) {
        return Err(Error::new(tool::USAGE, "the claims file is about another license"));
    }
    let request = request(args)?;
    let mut license = before.clone();
    license.seq += 1;
    license.issued_at = whole(now);
    for (given, claim) in [
        (args.organization.as_ref().or(file.organization.as_ref()), &mut license.organization),
        (args.edition.as_ref().or(file.edition.as_ref()), &mut license.edition),
        (args.product.as_ref().or(file.product.as_ref()), &mut license.product),
    ] {
        if let Some(given) = given {
            claim.clone_from(given);
        }
    }
    if let Some(expires) = args.expires.as_deref().or(file.expires_at.as_deref()) {
        license.expires_at = end_of(expires)?;
    }
    change(&mut license, args, file, request.as_ref())?;
    Ok(license)
}

/// What flags and file say beyond the names and the end.
fn change(
    license: &mut License,
    args: &ClaimArgs,
    file: ClaimsFile,
    request: Option<&ActivationRequest>,
) -> Result<()> {
    let environment = args.environment.as_deref().map(|word| match word {
        "non_production" => Environment::NonProduction,
        _ => Environment::Production,
    });
    let mode = args.mode.as_deref().map(|word| if word == "online" { Reach::Online } else { Reach::Offline });
    license.environment = environment.or(file.environment).unwrap_or(license.environment);
    license.mode = mode.or(file.mode).unwrap_or(license.mode);
    license.grace_days = args.grace_days.or(file.grace_days).unwrap_or(license.grace_days);
    license.max_offline_days =
        args.max_offline_days.or(file.max_offline_days).unwrap_or(license.max_offline_days);
    if let Some(day) = args.not_before.as_deref().or(file.not_before.as_deref()) {
        license.not_before = begin_of(day)?;
    }
    if let Some(day) = args.updates_until.as_deref().or(file.updates_until.as_deref()) {
        license.updates_until = Some(end_of(day)?);
    }
    if let Some(day) = file.terminates_at.as_deref() {
        license.terminates_at = Some(end_of(day)?);
    }
    license.features.extend(file.features);
    license.limits.extend(file.limits);
    license.ext.extend(file.ext);
    for text in &args.features {
        let (name, on) = text.split_once('=').unwrap_or((text, "true"));
        let on =
            on.parse().map_err(|_| unreadable("--feature", text, "`NAME`, `NAME=true` or `NAME=false`"))?;
        license.features.insert(name.to_owned(), on);
    }
    for text in &args.limits {
        let split = text.split_once('=').and_then(|(name, most)| Some((name, most.parse().ok()?)));
        let (name, most) = split.ok_or_else(|| unreadable("--limit", text, "`NAME=NUMBER`"))?;
        license.limits.insert(name.to_owned(), most);
    }
    bind(license, args, file.binding, request)
}

fn bind(
    license: &mut License,
    args: &ClaimArgs,
    file: Option<Binding>,
    request: Option<&ActivationRequest>,
) -> Result<()> {
    if let Some(binding) = file {
        license.binding = binding;
    }
    let mut components = args.bind.clone();
    if let Some(request) = request {
        if request.product != license.product {
            let message = format!(
                "the request is of the product `{}`, and the license for `{}`",
                request.product, license.product
            );
            return Err(Error::new(tool::USAGE, message));
        }
        if !request.license_id.is_empty() && request.license_id != license.license_id {
            let message = format!("the request is about the license `{}`", request.license_id);
            return Err(Error::new(tool::USAGE, message).with_next("Use `rtmx-licensed renew` with that id."));
        }
        components.extend(request.components.iter().cloned());
    }
    if components.is_empty() {
        if args.policy.is_some() && license.binding.policy == BindingPolicy::Off {
            return Err(Error::new(tool::USAGE, "`--policy` needs `--bind` or `--request`"));
        }
    } else {
        components.sort();
        components.dedup();
        license.binding = Binding { policy: BindingPolicy::Any, components };
    }
    match args.policy.as_deref() {
        Some("two") => license.binding.policy = BindingPolicy::Two,
        Some("most") => license.binding.policy = BindingPolicy::Most,
        Some("all") => license.binding.policy = BindingPolicy::All,
        Some(_) => license.binding.policy = BindingPolicy::Any,
        None => {}
    }
    Ok(())
}

/// The verified activation request, if one was given.
fn request(args: &ClaimArgs) -> Result<Option<ActivationRequest>> {
    let Some(path) = &args.request else { return Ok(None) };
    let bytes = super::read_file(path, FILE_LIMIT_BYTES)?;
    // A request is proven by the key that it names; no ring plays a part.
    let nobody = KeyRing::builder("RTMX").build()?;
    Ok(Some(open::<ActivationRequest>(&nobody, &bytes)?.claims().clone()))
}

fn read(path: Option<&Path>) -> Result<ClaimsFile> {
    let Some(path) = path else { return Ok(ClaimsFile::default()) };
    let bytes = super::read_file(path, FILE_LIMIT_BYTES)?;
    let invalid = |why: String| {
        Error::new(tool::FILE_UNREADABLE, format!("{} does not hold claims of a license", path.display()))
            .with_source(std::io::Error::other(why))
    };
    let text = String::from_utf8(bytes).map_err(|_| invalid("it is not UTF-8 text".to_owned()))?;
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(&text).map_err(|error| invalid(escaped(&error.to_string())));
    }
    toml_edit::de::from_str(&text).map_err(|error| invalid(escaped(error.message())))
}

/// 80 random bits: nobody who does not have the license can ask about it.
fn random_id() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let bits = random::<16>();
    let digits = bits.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    format!("lic-{}", digits.collect::<String>())
}

/// The end of a day anywhere on Earth, or the instant that was given.
pub(super) fn end_of(text: &str) -> Result<Timestamp> {
    moment(text, DAY_S + LAST_PLACE_S)
}

/// The begin of a day anywhere on Earth, or the instant that was given.
fn begin_of(text: &str) -> Result<Timestamp> {
    moment(text, -FIRST_PLACE_S)
}

fn moment(text: &str, after_midnight_s: i64) -> Result<Timestamp> {
    let wrong = || unreadable("a day", text, "`YYYY-MM-DD`, or an instant such as `2027-04-01T12:00:00Z`");
    let day = text.len() == 10;
    let whole_text = if day { format!("{text}T00:00:00Z") } else { text.to_owned() };
    if !whole_text.ends_with('Z') || whole_text.len() != 20 {
        return Err(wrong());
    }
    let at: Timestamp = whole_text.parse().map_err(|_| wrong())?;
    let shift = if day { after_midnight_s } else { 0 };
    Timestamp::from_second(at.as_second() + shift).map_err(|_| wrong())
}

fn unreadable(what: &str, text: &str, wanted: &str) -> Error {
    Error::new(tool::USAGE, format!("could not read {what} `{}`: {wanted} is needed", escaped(text)))
}

/// The moment without its fraction.
pub(super) fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::assert_code;

    #[test]
    fn a_day_ends_when_it_has_ended_everywhere() {
        let cases = [
            ("2027-03-31", "2027-04-01T12:00:00Z"),
            ("2027-12-31", "2028-01-01T12:00:00Z"),
            ("2028-02-28", "2028-02-29T12:00:00Z"),
            ("2027-03-31T10:00:00Z", "2027-03-31T10:00:00Z"),
        ];
        for (day, end) in cases {
            assert_eq!(end_of(day).expect(day).to_string(), end);
        }
        assert_eq!(begin_of("2027-04-01").expect("a day").to_string(), "2027-03-31T10:00:00Z");
        for text in ["", "31.3.2027", "2027-02-30", "2027-03-31T10:00:00+02:00", "2027-3-31", "tomorrow!!"] {
            assert_code(end_of(text).expect_err(text), tool::USAGE);
        }
    }

    #[test]
    fn flags_win_over_the_file_and_a_renewal_keeps_what_nobody_changes() {
        let file = tempfile::NamedTempFile::with_suffix(".toml").expect("a file can be made");
        let toml = "organization = 'Acme'\nedition = 'team'\nexpires_at = '2027-03-31'\nmode = 'online'\n[limits]\nmax_nodes = 3\nmax_tenants = 5\n[features]\nsso_enabled = true\n";
        std::fs::write(file.path(), toml).expect("it is writable");
        let mut args = ClaimArgs { claims: Some(file.path().to_owned()), ..ClaimArgs::default() };
        args.edition = Some("enterprise".to_owned());
        args.limits = vec!["max_nodes=10".to_owned()];
        let now = "2026-05-01T08:00:00.5Z".parse().expect("a moment");
        let license = new_license(&args, Some("L1"), now).expect("it is complete");
        assert_eq!((license.edition.as_str(), license.mode), ("enterprise", Reach::Online));
        assert_eq!((license.limits["max_nodes"], license.limits["max_tenants"]), (10, 5));
        assert_eq!(license.issued_at.to_string(), "2026-05-01T08:00:00Z");
        let next = ClaimArgs { expires: Some("2028-03-31".to_owned()), ..ClaimArgs::default() };
        let renewed = renewed(&license, &next, now).expect("it is complete");
        assert_eq!((renewed.seq, renewed.expires_at.to_string().as_str()), (2, "2028-04-01T12:00:00Z"));
        assert_eq!((&renewed.limits, &renewed.features), (&license.limits, &license.features));
        std::fs::write(file.path(), "organisation = 'Acme'\n").expect("it is writable");
        assert_code(new_license(&args, None, now).expect_err("a word is wrong"), tool::FILE_UNREADABLE);
    }
}
