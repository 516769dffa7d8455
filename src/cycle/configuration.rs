//! The configuration from cycle to cycle (DM11, DM12): a changed file is picked up, a broken one is told and the last good one
//! stays in force.

use crate::config::{self, Config, Finding, Fingerprint, Setting};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A valid configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct InForce {
    /// What it says.
    pub config: Arc<Config>,
    /// The same value by value, for people.
    pub settings: Vec<Setting>,
    /// What is odd though it is in force.
    pub warnings: Vec<Finding>,
}

/// What became of the configuration since the last look.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum News {
    /// It is as it was.
    #[default]
    Unchanged,
    /// It is valid, and in force from now on.
    Valid(InForce),
    /// It is broken: the last good one stays in force.
    Broken(Vec<Finding>),
}

/// Looks at the configuration's file again and again.
#[derive(Debug)]
pub struct ConfigWatch {
    path: PathBuf,
    /// Of the last good one; `None` while it is broken, so that it is looked at anew each time: what is missing may come.
    seen: Option<Fingerprint>,
}

impl ConfigWatch {
    /// Watches the file `path`.
    pub fn new(path: PathBuf) -> Self {
        Self { path, seen: None }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks at the file. Blocks on its disk.
    pub fn look(&mut self) -> News {
        let seen = self.seen.take();
        if seen.is_some() && config::fingerprint(&self.path).ok() == seen {
            self.seen = seen;
            return News::Unchanged;
        }
        match config::load(&self.path) {
            Ok(loaded) => {
                self.seen = Some(loaded.fingerprint);
                News::Valid(InForce {
                    config: Arc::new(loaded.config),
                    settings: loaded.settings,
                    warnings: loaded.warnings,
                })
            }
            Err(findings) => News::Broken(findings),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn valid(folder: &Path) -> String {
        let secret = folder.join("senha.txt");
        crate::durable::write_atomically(&secret, b"abre-te").unwrap();
        let root = folder.display();
        format!(
            "version = 1\n[shop]\nlegal_name = 'Farmácia'\n[server]\nuser = 'dm'\npassword_file = 'senha.txt'\n\
             [backup]\nfolder = '{root}/backup'\n[terminal]\nlocal_only = true\n"
        )
    }

    #[test]
    fn a_change_is_noticed_once_and_a_broken_file_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dmbackup.toml");
        let mut watch = ConfigWatch::new(path.clone());
        assert!(matches!(watch.look(), News::Broken(_)), "it is missing");
        let text = valid(folder.path());
        fs::write(&path, &text).unwrap();
        let first = watch.look();
        assert!(matches!(first, News::Valid(_)), "{first:?}");
        assert_eq!(watch.look(), News::Unchanged);
        fs::write(&path, "nonsense").unwrap();
        assert!(matches!(watch.look(), News::Broken(_)));
        assert!(matches!(watch.look(), News::Broken(_)));
        fs::write(&path, &text).unwrap();
        assert_eq!(watch.look(), first, "the same as before is in force again");
    }

    #[test]
    fn a_password_that_comes_later_is_noticed_though_the_file_did_not_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dmbackup.toml");
        fs::write(&path, valid(folder.path())).unwrap();
        fs::remove_file(folder.path().join("senha.txt")).unwrap();
        let mut watch = ConfigWatch::new(path);
        assert!(matches!(watch.look(), News::Broken(_)));
        valid(folder.path());
        assert!(matches!(watch.look(), News::Valid(_)));
    }
}
