//! A unit for systemd.

/// A unit that runs `command`, such as `/usr/bin/bitspike serve sst2-ternary`, as a user of its own who may write nowhere, and
/// reloads models, keys and certificate with `systemctl reload`. `drain` are the seconds that requests at work have at the end.
pub fn systemd_unit(command: &str, drain: u64) -> String {
    let stop = drain + 10;
    format!(
        "[Unit]
Description=bitspike: spiking language models over HTTP
After=network-online.target
Wants=network-online.target

[Service]
Type=exec
ExecStart={command}
ExecReload=kill -HUP $MAINPID
KillSignal=SIGTERM
TimeoutStopSec={stop}
Restart=on-failure
DynamicUser=yes
CapabilityBoundingSet=
LockPersonality=yes
MemoryDenyWriteExecute=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=read-only
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=strict
RestrictAddressFamilies=AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
UMask=0077

[Install]
WantedBy=multi-user.target
"
    )
}
