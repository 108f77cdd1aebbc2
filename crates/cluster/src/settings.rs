//! How a cluster is set up: options of the caller and the lines of `postgresql.conf`.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

/// The superuser of every cluster, whatever the operating system's user is called.
pub const SUPERUSER: &str = "postgres";

/// What a caller may choose about a cluster.
#[derive(Clone, Debug)]
pub struct Options {
    /// Extra settings, applied after the defaults and so stronger than these.
    pub settings: Vec<(String, String)>,
    /// Listen on 127.0.0.1 as well as on the Unix socket.
    pub tcp: bool,
    /// How long a start or stop may take.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            settings: Vec::new(),
            tcp: false,
            timeout: Duration::from_secs(60),
        }
    }
}

impl Options {
    /// Adds a setting, for example `.set("work_mem", "64MB")`.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Listens on 127.0.0.1 too.
    pub fn with_tcp(mut self) -> Self {
        self.tcp = true;
        self
    }
}

/// The block that is appended to `postgresql.conf`.
///
/// `fsync` is off because these clusters need not survive the machine; they do survive the
/// death of the server, which is what recovery tests are about.
pub(crate) fn configuration(options: &Options, socket_dir: &Path, port: u16) -> String {
    let socket_dir = socket_dir.to_string_lossy();
    let port = port.to_string();
    let defaults = [
        (
            "listen_addresses",
            if options.tcp { "127.0.0.1" } else { "" },
        ),
        ("port", port.as_str()),
        ("unix_socket_directories", &socket_dir),
        ("fsync", "off"),
        ("max_connections", "50"),
        ("wal_level", "replica"),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
        ("lc_messages", "C"),
        ("logging_collector", "off"),
        ("log_line_prefix", "%m [%p] %q%d "),
    ];
    let mut text = String::from("\n# written by the test cluster\n");
    let extra = options
        .settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in defaults.into_iter().chain(extra) {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{name} = {}", quote(value));
    }
    text
}

/// Quotes a value for `postgresql.conf`.
fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_a_configuration_file_needs_quoted() {
        assert_eq!(quote("64MB"), "'64MB'");
        assert_eq!(quote(r"it's a \ path"), r"'it''s a \\ path'");
    }

    #[test]
    fn settings_of_the_caller_come_last() {
        let options = Options::default().set("fsync", "on").with_tcp();
        let text = configuration(&options, Path::new("/tmp/x"), 5433);
        assert!(text.contains("listen_addresses = '127.0.0.1'\nport = '5433'\n"));
        assert!(text.rfind("fsync = 'on'") > text.rfind("fsync = 'off'"));
    }
}
