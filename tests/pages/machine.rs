//! A machine of a test's own: its folders, the reader's clone of the repository, and what stands for the tools it has.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use postern_testkit::TestDaemon;
use tempfile::TempDir;

use super::root;

/// What a new machine has, as far as pages name it.
const NEW: [&str; 4] = ["etc/systemd/system", "srv", "usr/local/bin", "var/lib"];
/// Where pages put things.
const ROOTED: [&str; 5] = ["/backups", "/etc/", "/srv/", "/usr/local/", "/var/lib/"];

pub(super) struct Machine {
    folder: TempDir,
}

impl Machine {
    pub(super) fn new() -> anyhow::Result<Self> {
        let machine = Self {
            folder: tempfile::tempdir()?,
        };
        for folder in NEW {
            fs::create_dir_all(machine.root().join(folder))?;
        }
        for folder in [machine.clone_folder(), machine.temporary(), machine.notes()] {
            fs::create_dir(folder)?;
        }
        for entry in fs::read_dir(root())? {
            let (name, path) = entry.map(|entry| (entry.file_name(), entry.path()))?;
            if !matches!(name.to_str(), Some("target" | "data" | ".git")) {
                symlink(path.canonicalize()?, machine.clone_folder().join(name))?;
            }
        }
        Ok(machine)
    }

    /// Its `/`.
    pub(super) fn root(&self) -> PathBuf {
        self.folder.path().join("machine")
    }

    /// The reader's clone of the repository, where they are. What it shares with this repository is only to be read.
    pub(super) fn clone_folder(&self) -> PathBuf {
        self.folder.path().join("clone")
    }

    /// Its `/tmp`.
    pub(super) fn temporary(&self) -> PathBuf {
        self.folder.path().join("temporary")
    }

    fn notes(&self) -> PathBuf {
        self.folder.path().join("notes")
    }

    /// A new folder for the test to write into what is said.
    pub(super) fn note_folder(&self) -> anyhow::Result<PathBuf> {
        let number = fs::read_dir(self.notes())?.count();
        let folder = self.notes().join(number.to_string());
        fs::create_dir(&folder)?;
        Ok(folder)
    }

    /// The folders that pages name, and where they are here.
    pub(super) fn rooted(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        let root = plain(&self.root())?;
        Ok(ROOTED.map(|folder| (folder, format!("{root}{folder}"))).to_vec())
    }

    /// Where commands are looked for: cargo, systemd and Docker are played, the rest is what is installed here and there.
    pub(super) fn path(&self) -> anyhow::Result<String> {
        let played = root().join("tests/pages/machine").canonicalize()?;
        let installed = self.root().join("usr/local/bin");
        Ok(format!(
            "{}:{}:{}",
            plain(&played)?,
            plain(&installed)?,
            inherited_path()
        ))
    }

    /// Makes this daemon its service, which is running.
    pub(super) fn install(&self, daemon: &TestDaemon) -> anyhow::Result<()> {
        let root = self.root();
        symlink(daemon.data_dir(), root.join("var/lib/postern"))?;
        symlink(built()?.join("postern"), root.join("usr/local/bin/postern"))?;
        let unit = super::root().join("deploy/postern.service");
        fs::copy(unit, root.join("etc/systemd/system/postern.service"))?;
        fs::create_dir(root.join("etc/postern"))?;
        fs::write(root.join("etc/postern/postern.toml"), "")?;
        let process = daemon.pid().context("it runs")?;
        Ok(fs::write(root.join("postern.pid"), process.to_string())?)
    }
}

/// Where the programs are that were built for the tests.
pub(super) fn built() -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_BIN_EXE_postern")).parent();
    Ok(folder.context("a folder")?.to_owned())
}

pub(super) fn plain(path: &Path) -> anyhow::Result<String> {
    Ok(path.to_str().context("a plain name")?.to_owned())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tools of the machine are found by it"
)]
fn inherited_path() -> String {
    std::env::var("PATH").unwrap_or_default()
}
