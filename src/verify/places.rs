//! Which files stand at a destination, each with all of its names: the newest and a weekday are second names of an hour's file, and
//! are read with it.

use crate::destination::{Destination, Name, Stat};
use crate::problem::Result;
use crate::slot::{ArchiveName, Set, extra};

/// One file under all of its names.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Standing {
    /// Its names, the hour's first where it has one, each with its place in the rotation; an extra copy has none.
    pub names: Vec<(Option<Set>, Name)>,
    /// What is known of it without reading it.
    pub stat: Stat,
}

impl Standing {
    /// The name by which it is read.
    pub fn name(&self) -> &Name {
        &self.names[0].1
    }

    pub fn has(&self, set: Set) -> bool {
        self.names.iter().any(|(own, _)| *own == Some(set))
    }

    /// What people call its places: `09h`, `newest`, `Segunda`, `extra`.
    pub fn labels(&self) -> Vec<String> {
        let label = |set: &Option<Set>| set.map_or_else(|| extra::FOLDER.to_owned(), |set| set.to_string());
        self.names.iter().map(|(set, _)| label(set)).collect()
    }
}

/// The files of the rotation and the extra copies at `destination`.
///
/// # Errors
/// It does not answer.
pub(super) fn standing(destination: &dyn Destination, archive: &ArchiveName) -> Result<Vec<Standing>> {
    let sets = destination.sets(archive)?.into_iter();
    let sets = sets.map(|(set, stat)| (Some(set), Name::zip(set, archive), stat));
    let extras = destination.extras()?.into_iter().map(|(name, stat)| (None, name, stat));
    Ok(group(sets.chain(extras)))
}

fn group(found: impl Iterator<Item = (Option<Set>, Name, Stat)>) -> Vec<Standing> {
    let mut files: Vec<Standing> = Vec::new();
    for (set, name, stat) in found {
        let is_same = |file: &&mut Standing| stat.same_as.is_some() && file.stat.same_as == stat.same_as;
        match files.iter_mut().find(is_same) {
            Some(file) => file.names.push((set, name)),
            None => files.push(Standing { names: vec![(set, name)], stat }),
        }
    }
    for file in &mut files {
        file.names.sort_by_key(|(set, _)| !matches!(set, Some(Set::Hour(_))));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::{FileId, VolumeId};
    use crate::slot::{Day, Hour};
    use chrono::DateTime;

    fn found(set: Option<Set>, name: &str, index: Option<u128>) -> (Option<Set>, Name, Stat) {
        let same_as = index.map(|index| FileId { volume: VolumeId(7), index });
        let stat = Stat { bytes: 1, modified: DateTime::UNIX_EPOCH, same_as };
        (set, Name::new(name).unwrap(), stat)
    }

    #[test]
    fn names_of_one_file_are_read_once_and_the_hour_names_it() {
        let hour = |hour: usize| Some(Set::Hour(Hour::ALL[hour]));
        let files = group(
            [
                found(Some(Set::Newest), "MCDados.zip", Some(1)),
                found(hour(9), "09h/MCDados.zip", Some(1)),
                found(hour(8), "08h/MCDados.zip", Some(2)),
                found(Some(Set::Day(Day::Segunda)), "Segunda/MCDados.zip", Some(1)),
                found(Some(Set::Day(Day::Domingo)), "Domingo/MCDados.zip", None),
                found(Some(Set::Day(Day::Sabado)), "Sabado/MCDados.zip", None),
                found(None, "extra/2022-06-29_09h30_antes.zip", Some(3)),
            ]
            .into_iter(),
        );
        let labels: Vec<_> = files.iter().map(Standing::labels).collect();
        assert_eq!(
            labels,
            [vec!["09h", "newest", "Segunda"], vec!["08h"], vec!["Domingo"], vec!["Sabado"], vec!["extra"]],
            "where the file system does not tell, each name is a file"
        );
        assert_eq!(files[0].name().to_string(), "09h/MCDados.zip");
    }
}
