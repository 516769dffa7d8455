//! Names below a destination: relative, short, and taken by every system that we know.

use crate::durable::PARTIAL;
use crate::slot::{ArchiveName, Reason, Set, extra};
use chrono::{DateTime, FixedOffset};
use std::fmt;
use std::path::{Path, PathBuf};

/// The validated name of a file below a destination: one to three parts, `MCDados.zip`, `09h/MCDados.zip`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Vec<String>);

/// Why a text is no [`Name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAName {
    /// No part, an empty one, or more than [`Name::MOST_PARTS`].
    #[error("it has no part, an empty one, or too many")]
    Parts,
    /// A part that is not safe as a file name everywhere, begins with a dot, or ends like a file under construction.
    #[error("a part of it is not safe as a file name")]
    Part,
}

impl Name {
    /// Most parts of a name.
    pub const MOST_PARTS: usize = 3;

    /// Longest part in bytes: `.<part>.partial` must fit into the 143 bytes of the narrowest file systems.
    pub const LONGEST_PART_BYTES: usize = 120;

    /// The name with these parts, which stand between `/`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Self, NotAName> {
        let parts: Vec<String> = text.split('/').map(str::to_owned).collect();
        if parts.len() > Self::MOST_PARTS || parts.iter().any(String::is_empty) {
            return Err(NotAName::Parts);
        }
        if parts.iter().all(|part| is_safe(part)) { Ok(Self(parts)) } else { Err(NotAName::Part) }
    }

    /// The zip of a place of the rotation.
    pub fn zip(set: Set, archive: &ArchiveName) -> Self {
        Self(set.folder().into_iter().chain([archive.zip()]).collect())
    }

    /// The extra copy that began at `begun` (CC3).
    pub fn extra(begun: DateTime<FixedOffset>, sequence: u64, reason: &Reason) -> Self {
        Self(vec![extra::FOLDER.to_owned(), extra::file_name(begun, sequence, reason)])
    }

    /// The extra copy with this file name; `None` where it names no zip.
    pub fn extra_file(file: &str) -> Option<Self> {
        let name = Self::new(&format!("{}/{file}", extra::FOLDER)).ok()?;
        (name.0.len() == 2 && file.to_ascii_lowercase().ends_with(".zip")).then_some(name)
    }

    /// The newest dump.
    pub fn bak(archive: &ArchiveName) -> Self {
        Self(vec![archive.bak()])
    }

    /// The name under which this file is made: `09h/.MCDados.zip.partial`. Itself no [`Name`].
    pub fn partial(&self) -> PathBuf {
        crate::durable::partial_of(&self.relative())
    }

    /// The path below the destination.
    pub fn relative(&self) -> PathBuf {
        self.0.iter().collect()
    }

    /// Where it stands below `root`.
    pub fn below(&self, root: &Path) -> PathBuf {
        root.join(self.relative())
    }
}

fn is_safe(part: &str) -> bool {
    let refused = |c: char| c.is_control() || "<>:\"/\\|?*".contains(c);
    part.len() <= Name::LONGEST_PART_BYTES
        && !part.starts_with(['.', ' '])
        && !part.ends_with(['.', ' '])
        && !part.ends_with(PARTIAL)
        && !part.contains(refused)
        && !ArchiveName::is_device(part)
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slot::Hour;
    use proptest::prelude::*;
    use std::path::Component;

    #[test]
    fn the_names_of_the_rotation_are_names() {
        let archive = ArchiveName::default();
        for set in Set::all() {
            let name = Name::zip(set, &archive);
            assert_eq!(Name::new(&name.to_string()), Ok(name.clone()));
            assert_eq!(name.to_string(), set.path(&archive));
        }
        let slot = Name::zip(Set::Hour(Hour::ALL[9]), &archive);
        assert_eq!(slot.partial(), Path::new("09h/.MCDados.zip.partial"));
        assert_eq!(Name::bak(&archive).partial(), Path::new(".MCDados.bak.partial"));
    }

    #[test]
    fn nothing_leads_out_of_the_destination() {
        for text in ["", "/", "/etc/passwd", "a//b", "a/b/c/d", "a/"] {
            assert_eq!(Name::new(text), Err(NotAName::Parts), "{text}");
        }
        for text in ["..", "a/../b", ".dmbackup-id", "a\\b", "C:x", "nul.zip", "x.partial", "a\0", "x. "] {
            assert_eq!(Name::new(text), Err(NotAName::Part), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_stays_below_its_root(text in "(\\PC|[./\\\\: ]){0,40}") {
            if let Ok(name) = Name::new(&text) {
                prop_assert!(name.relative().components().all(|part| matches!(part, Component::Normal(_))));
                prop_assert_eq!(name.relative().components().count(), text.split('/').count());
                prop_assert!(name.partial().file_name().unwrap().len() <= 143);
            }
        }
    }
}
