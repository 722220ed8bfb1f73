//! systemd units, as text.

use crate::layout::Layout;
use crate::service::ServiceKind;
use std::path::Path;

/// How long systemd waits before it kills: more than `server.drain` (10 s unless set) and the
/// closing of the database together.
pub(crate) const STOP_LIMIT_S: u32 = 45;

/// The system user that a system unit runs the server as.
pub(crate) const SYSTEM_USER: &str = "rtmx";

/// The unit of an installation. `low_port` says that it listens below 1024.
pub(crate) fn unit_text(kind: ServiceKind, name: &str, layout: &Layout, low_port: bool) -> String {
    let system = kind == ServiceKind::System;
    // In a command line `$` begins a variable; doubled, it is itself.
    let argument = |path: &Path| quoted(path).replace('$', "$$");
    let program = argument(&layout.current().join(Layout::SERVER));
    let config = argument(&layout.config_file());
    let environment = plain(&layout.environment_file());
    let (data, run) = (quoted(&layout.data()), quoted(&layout.run()));
    let mut text = format!(
        "\
# Written by `rtmxctl deploy`, which replaces edits; add your own with `systemctl edit`.
[Unit]
Description=RTMX requirements traceability ({name})
Documentation=https://github.com/iotactical/rtmx-self-hosted
"
    );
    if system {
        text.push_str("Wants=network-online.target\nAfter=network-online.target\n");
    }
    text.push_str(&format!(
        "StartLimitIntervalSec=300
StartLimitBurst=10

[Service]
Type=exec
ExecStart={program} --config {config} serve
ExecReload=/bin/kill -HUP $MAINPID
EnvironmentFile=-{environment}
Restart=on-failure
RestartSec=1
TimeoutStopSec={STOP_LIMIT_S}
UMask=0077
LimitNOFILE=65536
NoNewPrivileges=yes
"
    ));
    if system {
        text.push_str(&format!("User={SYSTEM_USER}\nGroup={SYSTEM_USER}\n"));
        text.push_str(&format!("ReadWritePaths={data} {run}\n"));
        let homes = ["/home", "/root", "/run/user"].iter().any(|home| layout.root().starts_with(home));
        text.push_str(if homes { "ProtectHome=read-only\n" } else { "ProtectHome=yes\n" });
        text.push_str(
            "\
ProtectSystem=strict
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
",
        );
        let capabilities = if low_port { "CAP_NET_BIND_SERVICE" } else { "" };
        text.push_str(&format!("CapabilityBoundingSet={capabilities}\nAmbientCapabilities={capabilities}\n"));
    }
    let target = if system { "multi-user.target" } else { "default.target" };
    text.push_str(&format!("\n[Install]\nWantedBy={target}\n"));
    text
}

/// A path as one word of a command line or list (systemd.syntax(7), systemd.unit(5) on specifiers).
fn quoted(path: &Path) -> String {
    let text = path.display().to_string().replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    if text.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '\\' | '\'' | ';')) {
        format!("\"{text}\"")
    } else {
        text
    }
}

/// A path as the whole value of a setting.
fn plain(path: &Path) -> String {
    path.display().to_string().replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_as_reviewed() {
        let usual = Layout::new(Path::new("/var/lib/rtmx"), "rtmx");
        let own = Layout::new(Path::new("/home/ada/my data/100%"), "team-2");
        // golden, kind, name, layout, low port
        let cases = [
            ("system.service", ServiceKind::System, "rtmx", &usual, false),
            ("system-low-port.service", ServiceKind::System, "team-2", &own, true),
            ("user.service", ServiceKind::User, "team-2", &own, false),
        ];
        let folder = std::path::PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"))
            .join("tests/golden");
        for (golden, kind, name, layout, low_port) in cases {
            let text = unit_text(kind, name, layout, low_port);
            // `RTMX_UPDATE_GOLDENS=1 cargo test -p rtmx-deploy-local units` writes them; a person reads the diff.
            if std::env::var_os("RTMX_UPDATE_GOLDENS").is_some() {
                std::fs::write(folder.join(golden), &text).expect("the goldens are writable");
            }
            let wanted = std::fs::read_to_string(folder.join(golden)).expect("the golden is there");
            assert_eq!(text, wanted, "{golden}");
        }
    }

    #[test]
    fn systemd_waits_longer_than_the_server_drains() {
        let default_drain_s = 10;
        assert!(STOP_LIMIT_S > default_drain_s);
    }
}
