//! Names and places of what a restore makes. Pure.

use crate::backup::join_as_server;
use crate::sqlserver::{BackupFile, InstancePaths, OwnFile};
use chrono::{DateTime, FixedOffset};

/// The longest name of a database, in UTF-16 units.
const NAME_UNITS: usize = 128;
/// The longest stem of a restored file, in characters: with folder, number and ending it stays below the server's 259.
const STEM_CHARACTERS: usize = 100;
/// What stands between a database's name and the time of its restore.
const RESTORED: &str = "_restaurado_";

/// What stands between a database's name and the time of a restore test.
const TESTED: &str = "_teste_";

/// What stands between a database's name and the day on which another took its place.
const KEPT: &str = "_antes_";

/// The name of a database that is restored beside `database` at `at`: `MCDados_restaurado_20220628_140501`.
pub fn beside_name(database: &str, at: DateTime<FixedOffset>) -> String {
    named(database, &format!("{RESTORED}{}", at.format("%Y%m%d_%H%M%S")))
}

/// The name of a database that is restored from a backup of `database` at `at` to be removed again: `MCDados_teste_20220628_140501`.
pub fn test_name(database: &str, at: DateTime<FixedOffset>) -> String {
    named(database, &format!("{TESTED}{}", at.format("%Y%m%d_%H%M%S")))
}

/// The names for the old database when a restored one takes its place at `at`, the first that is free: `MCDados_antes_20220628`.
pub fn kept_names(database: &str, at: DateTime<FixedOffset>) -> Vec<String> {
    let day = named(database, &format!("{KEPT}{}", at.format("%Y%m%d")));
    let moment = named(database, &format!("{KEPT}{}", at.format("%Y%m%d_%H%M%S")));
    vec![day, moment]
}

/// `database` and `ending`, cut between characters so that the server takes it.
fn named(database: &str, ending: &str) -> String {
    let room = NAME_UNITS.saturating_sub(ending.encode_utf16().count());
    let mut units = 0;
    let kept: String = database
        .chars()
        .take_while(|character| {
            units += character.len_utf16();
            units <= room
        })
        .collect();
    format!("{}{ending}", kept.trim_end())
}

/// Whether `name` is one that [`beside_name`] gives.
pub fn is_beside_name(name: &str) -> bool {
    let Some((_, time)) = name.rsplit_once(RESTORED) else { return false };
    let Some((day, clock)) = time.split_once('_') else { return false };
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(day, 8) && digits(clock, 6)
}

/// Where each file of a restored database goes: the instance's own folders, a name made of the database's, never a path that some
/// database has already.
pub fn moves(files: &[BackupFile], name: &str, paths: &InstancePaths) -> Vec<(String, String)> {
    let stem = stem(name);
    let mut taken: Vec<String> = paths.taken.iter().map(|path| path.to_lowercase()).collect();
    let mut moves = Vec::new();
    let mut is_first = true;
    for file in files {
        let (folder, base, ending) = match file.kind.as_str() {
            "L" => (&paths.log, format!("{stem}_log"), ".ldf"),
            "D" if std::mem::take(&mut is_first) => (&paths.data, stem.clone(), ".mdf"),
            "D" => (&paths.data, format!("{stem}_{}", safe(&file.logical_name)), ".ndf"),
            // FILESTREAM and full-text: the name of a folder.
            _ => (&paths.data, format!("{stem}_{}", safe(&file.logical_name)), ""),
        };
        let free = (1..).map(|number| match number {
            1 => join_as_server(folder, &format!("{base}{ending}")),
            _ => join_as_server(folder, &format!("{base}_{number}{ending}")),
        });
        let target = free.into_iter().find(|path| !taken.contains(&path.to_lowercase())).unwrap_or_default();
        taken.push(target.to_lowercase());
        moves.push((file.logical_name.clone(), target));
    }
    moves
}

/// Where each file of a database goes that is restored over another one: to where that one's own files `own` lie, by name and then by
/// order; what is left over, as in [`moves`].
pub fn moves_over(
    files: &[BackupFile],
    name: &str,
    own: &[OwnFile],
    paths: &InstancePaths,
) -> Vec<(String, String)> {
    let mut free: Vec<&OwnFile> = own.iter().collect();
    let mut targets: Vec<Option<String>> = vec![None; files.len()];
    let by_name =
        |file: &BackupFile, own: &OwnFile| own.name.to_lowercase() == file.logical_name.to_lowercase();
    let by_order = |_: &BackupFile, _: &OwnFile| true;
    for fits in [&by_name as &dyn Fn(&BackupFile, &OwnFile) -> bool, &by_order] {
        for (file, target) in files.iter().zip(&mut targets).filter(|(_, target)| target.is_none()) {
            let of_kind = |own: &OwnFile| match file.kind.as_str() {
                "L" => own.log,
                "D" => !own.log,
                _ => false,
            };
            if let Some(at) = free.iter().position(|own| of_kind(own) && fits(file, own)) {
                *target = Some(free.remove(at).path.clone());
            }
        }
    }
    let others = moves(files, name, paths);
    others
        .into_iter()
        .zip(targets)
        .map(|((logical, other), target)| (logical, target.unwrap_or(other)))
        .collect()
}

/// Bytes by which the files of each folder grow when a database is restored over another one whose files are `own`.
pub fn growth_by_folder(
    files: &[BackupFile],
    moves: &[(String, String)],
    own: &[OwnFile],
) -> Vec<(String, u64)> {
    let folder = |path: &str| path.rfind(['\\', '/']).map_or_else(String::new, |at| path[..=at].to_owned());
    let mut folders: Vec<(String, u64)> = Vec::new();
    for (file, (_, target)) in files.iter().zip(moves) {
        let folder = folder(target);
        match folders.iter_mut().find(|(known, _)| *known == folder) {
            Some((_, bytes)) => *bytes = bytes.saturating_add(file.bytes),
            None => folders.push((folder, file.bytes)),
        }
    }
    for file in own {
        let folder = folder(&file.path);
        if let Some((_, bytes)) = folders.iter_mut().find(|(known, _)| *known == folder) {
            *bytes = bytes.saturating_sub(file.bytes);
        }
    }
    folders
}

/// Bytes that the restored files take at the size that they had.
pub fn files_bytes(files: &[BackupFile]) -> u64 {
    files.iter().fold(0, |sum, file| sum.saturating_add(file.bytes))
}

/// The same in each of the instance's folders, for data and for logs.
pub fn bytes_by_folder<'p>(files: &[BackupFile], paths: &'p InstancePaths) -> [(&'p str, u64); 2] {
    let sum = |log: bool| {
        let own = files.iter().filter(|file| (file.kind == "L") == log);
        own.fold(0_u64, |sum, file| sum.saturating_add(file.bytes))
    };
    [(&paths.data, sum(false)), (&paths.log, sum(true))]
}

fn stem(name: &str) -> String {
    let characters: Vec<char> = safe(name).chars().collect();
    // The end tells databases apart: it holds the time.
    characters[characters.len().saturating_sub(STEM_CHARACTERS)..].iter().collect()
}

/// `name` as every system takes it in a file's name.
fn safe(name: &str) -> String {
    let plain = |c: char| if c.is_control() || r#"<>:"/\|?*'. "#.contains(c) { '_' } else { c };
    name.chars().map(plain).take(NAME_UNITS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at() -> DateTime<FixedOffset> {
        DateTime::parse_from_rfc3339("2022-06-28T14:05:01-03:00").unwrap()
    }

    fn file(logical: &str, kind: &str) -> BackupFile {
        BackupFile {
            logical_name: logical.into(),
            physical_name: String::new(),
            kind: kind.into(),
            bytes: 5 << 20,
        }
    }

    fn paths(data: &str, log: &str, taken: &[&str]) -> InstancePaths {
        let taken = taken.iter().map(|path| (*path).to_owned()).collect();
        InstancePaths { data: data.into(), log: log.into(), taken }
    }

    #[test]
    fn a_restored_database_is_named_after_the_live_one_and_the_moment() {
        assert_eq!(beside_name("MCDados", at()), "MCDados_restaurado_20220628_140501");
        assert!(is_beside_name("MCDados_restaurado_20220628_140501"));
        assert_eq!(test_name("MCDados", at()), "MCDados_teste_20220628_140501");
        assert!(!is_beside_name(&test_name("MCDados", at())), "nobody is to look into it");
        for other in ["MCDados", "MCDados_restaurado", "MCDados_restaurado_2022_14", "_restaurado_x_y"] {
            assert!(!is_beside_name(other), "{other}");
        }
    }

    #[test]
    fn files_go_to_the_instances_own_folders_under_names_of_their_own() {
        let files = [file("MCDados", "D"), file("Índices 2", "D"), file("MCDados_log", "L"), file("fs", "S")];
        let paths = paths(r"D:\Dados\", r"L:\Log", &[r"d:\dados\X_RESTAURADO_1.mdf"]);
        let moved = moves(&files, "x_restaurado_1", &paths);
        let targets: Vec<&str> = moved.iter().map(|(_, target)| target.as_str()).collect();
        assert_eq!(
            targets,
            [
                r"D:\Dados\x_restaurado_1_2.mdf",
                r"D:\Dados\x_restaurado_1_Índices_2.ndf",
                r"L:\Log\x_restaurado_1_log.ldf",
                r"D:\Dados\x_restaurado_1_fs",
            ]
        );
        assert_eq!(moved[1].0, "Índices 2", "the logical name is what the backup says");
        assert_eq!(files_bytes(&files), 20 << 20);
        assert_eq!(bytes_by_folder(&files, &paths), [(r"D:\Dados\", 15 << 20), (r"L:\Log", 5 << 20)]);
    }

    #[test]
    fn files_go_over_the_databases_own_and_only_what_they_grow_by_is_wanted() {
        let own = |name: &str, path: &str, log, mib: u64| OwnFile {
            name: name.into(),
            path: path.into(),
            log,
            bytes: mib << 20,
        };
        let there = [
            own("Velho", r"D:\Dados\x.mdf", false, 2),
            own("MCDados_log", r"L:\Log\x.ldf", true, 9),
            own("mcdados", r"E:\Mais\y.ndf", false, 1),
        ];
        let files = [file("MCDados", "D"), file("Índices", "D"), file("Mais", "D"), file("log", "L")];
        let paths = paths(r"D:\Dados\", r"L:\Log", &[r"D:\Dados\x.mdf"]);
        let moved = moves_over(&files, "x", &there, &paths);
        let targets: Vec<&str> = moved.iter().map(|(_, target)| target.as_str()).collect();
        assert_eq!(targets, [r"E:\Mais\y.ndf", r"D:\Dados\x.mdf", r"D:\Dados\x_Mais.ndf", r"L:\Log\x.ldf"]);
        assert_eq!(
            growth_by_folder(&files, &moved, &there),
            [
                (r"E:\Mais\".to_owned(), 4 << 20),
                (r"D:\Dados\".to_owned(), 8 << 20),
                (r"L:\Log\".to_owned(), 0)
            ]
        );
        assert_eq!(moves_over(&files, "x", &[], &paths), moves(&files, "x", &paths));
    }

    #[test]
    fn a_database_named_like_a_path_leads_nowhere() {
        let moved = moves(&[file("a", "D")], r"..\..\x/..", &paths("/var/opt/mssql/data/", "/l", &[]));
        assert_eq!(moved[0].1, "/var/opt/mssql/data/______x___.mdf");
    }

    proptest! {
        #[test]
        fn every_name_is_one_that_the_server_takes(database in "\\PC{1,128}") {
            let name = beside_name(&database, at());
            prop_assert!(name.encode_utf16().count() <= NAME_UNITS);
            prop_assert!(is_beside_name(&name));
        }

        #[test]
        fn no_two_files_get_one_place(names in proptest::collection::vec("[A-Za-z. /\\\\]{0,12}", 1..8), kinds in "[DLS]{8}") {
            let files: Vec<_> =
                names.iter().zip(kinds.chars()).map(|(name, kind)| file(name, &kind.to_string())).collect();
            let moved = moves(&files, "x", &paths("/d", "/d", &["/d/x.mdf"]));
            let mut targets: Vec<_> = moved.iter().map(|(_, target)| target.to_lowercase()).collect();
            targets.push("/d/x.mdf".to_owned());
            let count = targets.len();
            targets.sort();
            targets.dedup();
            prop_assert_eq!(targets.len(), count);
            prop_assert!(moved.iter().all(|(_, target)| target.matches('/').count() == 2));
        }
    }
}
