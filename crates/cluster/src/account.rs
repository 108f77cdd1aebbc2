//! The operating-system account that owns a cluster's files and runs its server.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Names tried, in this order, when root needs somebody else to run the server.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// Who runs a server: the caller, or another user when the caller is root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// The calling user, who is not root.
    Caller,
    /// Another user, to whom root steps down.
    Other {
        /// Login name.
        name: String,
        /// Numeric user id.
        uid: u32,
        /// Numeric id of the user's primary group.
        gid: u32,
    },
}

impl Account {
    /// The account for this process: the caller itself, or for root the first of `postgres` and
    /// `nobody` that exists.
    pub fn detect() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Caller);
        }
        let passwd = fs::read_to_string("/etc/passwd").context("could not read /etc/passwd")?;
        match CANDIDATES.iter().find_map(|name| find(&passwd, name)) {
            Some(account) => Ok(account),
            None => bail!(
                "a Postgres server can't run as root, and there is no user \"postgres\" to run it"
            ),
        }
    }

    /// Login name of the other user; `None` for the caller.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Caller => None,
            Self::Other { name, .. } => Some(name),
        }
    }

    /// Makes `command` run as this account.
    pub fn apply(&self, command: &mut Command) {
        if let Self::Other { uid, gid, .. } = self {
            // Setting a uid as root also drops root's supplementary groups.
            command.uid(*uid).gid(*gid);
        }
    }

    /// Hands `path` over to this account.
    pub fn give(&self, path: &Path) -> Result<()> {
        if let Self::Other { uid, gid, name } = self {
            chown(path, Some(*uid), Some(*gid))
                .with_context(|| format!("could not give {} to {name}", path.display()))?;
        }
        Ok(())
    }
}

/// Looks `name` up in the text of a passwd file; root under another name is not accepted.
fn find(passwd: &str, name: &str) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let (uid, gid) = (fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?);
        (fields[0] == name && uid != 0).then(|| Account::Other {
            name: name.into(),
            uid,
            gid,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
        # a comment\n\
        toor:x:0:0::/root:/bin/sh\n\
        postgres2:x:9:9::/:/bin/sh\n\
        postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash\n";

    #[test]
    fn finds_a_user_by_whole_name() {
        let expected = Account::Other {
            name: "postgres".into(),
            uid: 101,
            gid: 104,
        };
        assert_eq!(find(PASSWD, "postgres"), Some(expected));
        assert_eq!(find(PASSWD, "post"), None);
    }

    #[test]
    fn never_steps_down_to_root() {
        assert_eq!(find(PASSWD, "toor"), None);
    }
}
