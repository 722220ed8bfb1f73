//! The images that containers are started from: official ones, or ours of packages.
//!
//! Ours are a Debian with `psql` and PgBouncer, made once and kept as an archive, and on top of it the
//! programs of one PostgreSQL and the entrypoint. `psql` is Debian's because scripts for the official image
//! call it, and because `postgres --single` knows neither its commands nor statements of several lines.
//! An image's tag is the digest of its recipe, so a changed recipe is another image. Only the archive of
//! the Debian is kept: to put the rest on it in a new engine takes a second or two, and to load a saved
//! image of all would take longer. Deliberately absent: a build with `docker build`, whose old builder is
//! being removed and whose new one is a plugin that may be missing.

use crate::command::{must, works};
use crate::engine::docker;
use crate::release::Release;
use crate::{Error, Flavour, Kind, Result, place};
use sha2::{Digest, Sha256};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

const ENTRYPOINT: &str = include_str!("../images/entrypoint.sh");
const SUITE: &str = "bookworm";
/// `psql`, PgBouncer, and what the programs of the packages link besides the C library.
const PACKAGES: &str = "postgresql-client-15,pgbouncer,libstdc++6";
/// The programs of the packages are Perl, the client's own are not; the users are those of both official
/// images, and the folders may be used by any other.
const FINISH: &str = r#"
set -e
rm -rf "$1"/usr/share/perl* "$1"/usr/share/doc "$1"/usr/share/man "$1"/usr/share/locale "$1"/usr/share/info
rm -rf "$1"/usr/lib/*/perl "$1"/var/lib/apt "$1"/var/cache "$1"/var/lib/postgresql "$1"/usr/lib/*/gconv
for program in "$1"/usr/lib/postgresql/*/bin/*; do
    ln -sf "${program#"$1"}" "$1/usr/bin/${program##*/}"
done
sed -i '/^postgres:/d' "$1/etc/passwd" "$1/etc/group" "$1/etc/shadow"
for id in 70 999; do
    echo "postgres:x:$id:$id::/var/lib/postgresql:/bin/sh" >> "$1/etc/passwd"
    echo "postgres:x:$id:" >> "$1/etc/group"
done
install -d -m 1777 "$1/var/lib/postgresql"
install -d "$1/docker-entrypoint-initdb.d"
"#;
/// What runs beside the product's own image in its Compose files and in those of the second application.
const PARTS: Debian = Debian {
    name: "rtmx-test-parts",
    packages: "nginx-light,redis-server,redis-tools,wget",
    finish: r#"
set -e
rm -rf "$1"/usr/share/doc "$1"/usr/share/man "$1"/usr/share/locale "$1"/var/lib/apt "$1"/var/cache
sed -i '/^redis:/d' "$1/etc/passwd" "$1/etc/group" "$1/etc/shadow"
echo "nginx:x:101:101::/nonexistent:/bin/false" >> "$1/etc/passwd"
echo "nginx:x:101:" >> "$1/etc/group"
echo "redis:x:999:1000::/data:/bin/false" >> "$1/etc/passwd"
echo "redis:x:1000:" >> "$1/etc/group"
install -d -o 999 -g 1000 "$1/data"
"#,
    change: &[r#"CMD ["nginx", "-g", "daemon off;"]"#],
};
/// Below PostgreSQL and PgBouncer.
const BASE: Debian = Debian { name: "rtmx-test-base", packages: PACKAGES, finish: FINISH, change: &[] };

/// A Debian of packages, with a last touch: a script whose `$1` is its root.
struct Debian {
    name: &'static str,
    packages: &'static str,
    finish: &'static str,
    /// What is run where nothing else is named, as a Dockerfile says it.
    change: &'static [&'static str],
}

/// Part of the digest: to be raised with every other change to what is put onto the Debian.
const LAYOUT: u32 = 4;
/// A registry that is slower cannot be had.
const PULL_LIMIT_S: &str = "300";

/// An image in the engine.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) tag: String,
    pub(crate) kind: Kind,
}

impl Image {
    fn new(name: &str, tag: String, kind: Kind) -> Image {
        Image { name: name.to_owned(), tag, kind }
    }

    pub(crate) fn reference(&self) -> String {
        format!("{}:{}", self.name, self.tag)
    }

    fn is_there(&self) -> bool {
        works(&mut docker(&["image", "inspect", &self.reference()]))
    }

    /// Asks the registry for it.
    fn is_pulled(&self) -> bool {
        let mut pull = Command::new("timeout");
        works(pull.args([PULL_LIMIT_S, "docker", "pull", "--quiet", &self.reference()]))
    }
}

/// The image of a PostgreSQL: an official one where that is here or can be had, else ours.
///
/// # Errors
///
/// If it cannot be made here.
pub(crate) fn postgres(major: u16, flavour: Flavour) -> Result<Image> {
    static NO_REGISTRY: LazyLock<std::sync::Mutex<bool>> = LazyLock::new(std::sync::Mutex::default);
    let suffix = match flavour {
        Flavour::Alpine => "alpine",
        Flavour::Debian => SUITE,
    };
    let official = Image::new("postgres", format!("{major}-{suffix}"), Kind::OfficialImage);
    if official.is_there() {
        return Ok(official);
    }
    let release = Release::of(major)?;
    let (base, recipe) = (BASE.image(), format!("{LAYOUT} {} {ENTRYPOINT}", release.package));
    let tag = format!("{major}-{suffix}-{}", digest(&format!("{} {recipe}", base.tag)));
    let own = Image::new("rtmx-test-postgres", tag, Kind::OwnImage);
    if own.is_there() {
        return Ok(own);
    }
    // One at a time, and a registry that did not answer once is not asked again.
    let mut no_registry = NO_REGISTRY.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !*no_registry && official.is_pulled() {
        return Ok(official);
    }
    *no_registry = true;
    let _lock = place::lock("images")?;
    if !own.is_there() {
        BASE.make()?;
        make_postgres(&base, release, flavour.uid(), &own)?;
    }
    Ok(own)
}

/// The Debian below our images, which also runs PgBouncer.
///
/// # Errors
///
/// If it cannot be made here.
pub(crate) fn base() -> Result<Image> {
    let _lock = place::lock("images")?;
    BASE.make()
}

/// nginx and Redis in one image, as `name:tag`, with the users `nginx` and `redis` of the official images;
/// without a command it is nginx.
///
/// # Errors
///
/// If it cannot be made here.
pub fn parts_image() -> Result<String> {
    let _lock = place::lock("images")?;
    PARTS.make().map(|image| image.reference())
}

impl Debian {
    fn image(&self) -> Image {
        let recipe = format!("{SUITE} {} {}", self.packages, self.finish);
        Image::new(self.name, digest(&recipe), Kind::OwnImage)
    }

    fn make(&self) -> Result<Image> {
        let image = self.image();
        if image.is_there() {
            return Ok(image);
        }
        let short = self.name.rsplit('-').next().unwrap_or_default();
        let archive = place::cache()?.join(format!("{short}-{}.tar", image.tag));
        if !archive.is_file() {
            self.make_archive(&archive)?;
        }
        let mut import = docker(&["import"]);
        import.args(self.change.iter().map(|change| format!("--change={change}")));
        must(import.arg(&archive).arg(image.reference())).map(|_| image)
    }

    fn make_archive(&self, archive: &Path) -> Result<()> {
        let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
        if !release.lines().any(|line| line == "ID=debian") {
            return Err(Error::Unavailable("our images are made of Debian's packages, on Debian".into()));
        }
        if !works(Command::new("mmdebstrap").arg("--version")) {
            let reason = "`mmdebstrap` is missing; run `sudo apt-get install mmdebstrap` and start again";
            return Err(Error::Unavailable(reason.into()));
        }
        let unfinished = archive.with_extension(format!("{}.tar", std::process::id()));
        let mut make = Command::new("mmdebstrap");
        make.args(["--quiet", "--variant=essential", &format!("--include={}", self.packages)]);
        let made = must(make.arg(format!("--customize-hook={}", self.finish)).arg(SUITE).arg(&unfinished));
        let kept =
            made.and_then(|_| std::fs::rename(&unfinished, archive).map_err(Error::io("keep", archive)));
        if kept.is_err() {
            let _ = std::fs::remove_file(&unfinished);
        }
        kept
    }
}

/// Puts a release and the entrypoint onto the base.
fn make_postgres(base: &Image, release: &Release, uid: u32, image: &Image) -> Result<()> {
    let files = place::cache()?.join(format!("image-{}-{}", release.package, std::process::id()));
    let name = format!("rtmx-test-image-{}", place::random());
    let made = fill(&files, release).and_then(|()| {
        // As in the official images: what is mounted there empty becomes the server's.
        let give = format!("chown -R {uid}:{uid} /var/lib/postgresql /run/postgresql");
        must(&mut docker(&["create", "--name", &name, &base.reference(), "sh", "-c", &give]))?;
        must(&mut docker(&["cp", &format!("{}/.", files.display()), &format!("{name}:/")]))?;
        must(&mut docker(&["start", "--attach", &name]))?;
        let (data, volume) = data_of(release.major);
        let changes = [
            "ENV PATH=/opt/postgresql/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
                .into(),
            "ENV LANG=C.UTF-8".into(),
            format!("ENV PG_MAJOR={}", release.major),
            format!("ENV PGDATA={data}"),
            format!("ENV RTMX_UID={uid}"),
            format!("VOLUME {volume}"),
            "ENTRYPOINT [\"docker-entrypoint.sh\"]".into(),
            "CMD [\"postgres\"]".into(),
            "EXPOSE 5432".into(),
            "STOPSIGNAL SIGINT".into(),
        ];
        let mut commit = docker(&["commit"]);
        commit.args(changes.iter().map(|change| format!("--change={change}")));
        must(commit.args([name.as_str(), &image.reference()])).map(drop)
    });
    // Neither was there if the first step failed.
    let _ = must(&mut docker(&["rm", "--force", &name]));
    let _ = std::fs::remove_dir_all(&files);
    made
}

fn fill(files: &Path, release: &Release) -> Result<()> {
    release.unpack(&files.join("opt/postgresql"))?;
    let program = files.join("usr/local/bin/docker-entrypoint.sh");
    let home = files.join("var/lib/postgresql");
    let data = home.join("data");
    let sockets = files.join("run/postgresql");
    // Whoever the server runs as makes its files here.
    let open =
        [(Some(&home), 0o1777), ((release.major < 18).then_some(&data), 0o1777), (Some(&sockets), 0o3777)];
    let open = || open.into_iter().filter_map(|(folder, mode)| Some((folder?, mode)));
    for folder in program.parent().into_iter().chain(open().map(|(folder, _)| folder.as_path())) {
        std::fs::create_dir_all(folder).map_err(Error::io("make", folder))?;
    }
    std::fs::write(&program, ENTRYPOINT).map_err(Error::io("write", &program))?;
    if release.major >= 18 {
        // As in the official images: who mounts a volume at the older place mounts it at the newer one.
        std::os::unix::fs::symlink(".", &data).map_err(Error::io("make", &data))?;
    }
    must(Command::new("chmod").args(["-R", "u=rwX,go=rX"]).arg(files))?;
    let set = |path: &Path, mode| {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).map_err(Error::io("open", path))
    };
    set(&program, 0o755)?;
    open().try_for_each(|(folder, mode)| set(folder, mode))
}

/// Where the official images have the data, and what they declare as a volume.
fn data_of(major: u16) -> (String, &'static str) {
    if major < 18 {
        ("/var/lib/postgresql/data".into(), "/var/lib/postgresql/data")
    } else {
        (format!("/var/lib/postgresql/{major}/docker"), "/var/lib/postgresql")
    }
}

/// The entrypoint as a file for a start without a container.
pub(crate) fn entrypoint() -> &'static str {
    ENTRYPOINT
}

fn digest(recipe: &str) -> String {
    Sha256::digest(recipe)[..6].iter().map(|byte| format!("{byte:02x}")).collect()
}
