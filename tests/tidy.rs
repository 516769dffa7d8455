//! The rules of the source tree that the compiler does not know: who may use whom, sizes, headers, where time and the
//! systems' differences may stand, and that what is written for people is complete.

#![expect(clippy::unwrap_used, reason = "a tree that cannot be read fails the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Longest file of code, and longest file of tests, in lines.
const LONGEST_CODE: usize = 500;
const LONGEST_TESTS: usize = 600;

/// Longest entry of a program, in lines.
const LONGEST_MAIN: usize = 60;

/// A room and the rooms that it may use, along the way of the data: nothing flows back up. `backup::outcome` and
/// `restore::outcome` are vocabulary that every room speaks.
const LAYERS: &[(&str, &str)] = &[
    ("words", ""),
    ("clock", ""),
    ("platform", ""),
    ("problem", "words"),
    ("slot", "words"),
    ("schedule", "words clock"),
    ("durable", "platform problem words"),
    ("kept", "durable"),
    ("config", "words problem slot schedule platform"),
    ("logging", "clock platform"),
    ("bak", "words problem"),
    ("archive", "words problem bak durable"),
    ("sqlserver", "words problem config platform clock bak"),
    ("head_office", "words problem clock config durable kept sqlserver"),
    ("update", "words problem clock config durable kept platform"),
    ("destination", "words problem slot durable platform archive clock"),
    ("journal", "words problem clock platform"),
    (
        "backup",
        "words problem clock slot config sqlserver bak archive destination durable journal platform schedule",
    ),
    ("verify", "words problem clock slot bak archive destination journal backup"),
    (
        "restore",
        "words problem clock slot config sqlserver bak archive destination durable journal platform backup",
    ),
    (
        "cycle",
        "words problem clock slot config schedule sqlserver destination durable journal platform archive backup",
    ),
    (
        "agent",
        "words problem clock slot config schedule sqlserver bak archive destination durable journal platform backup verify restore cycle control notify alert logging head_office update",
    ),
    // What deserves a notice is read off the agent's status, and what is told is part of it.
    ("notify", "words problem cycle journal agent"),
    // What comes of a trial goes back to whoever asked for it.
    ("alert", "words problem clock config backup journal platform cycle notify control logging"),
    // The protocol carries the agent's status, and the agent's commands are the protocol's requests: one vocabulary.
    (
        "control",
        "words problem clock slot config platform journal verify restore head_office update cycle agent alert",
    ),
    (
        "cli",
        "words problem clock slot config schedule sqlserver bak archive destination durable journal platform backup verify restore cycle control agent logging alert head_office update",
    ),
    ("icon", "platform agent cycle"),
    // The tray program is a client that may hold the agent; what it says of a run it says as the command line does.
    (
        "desktop",
        "words problem clock config durable platform backup cycle control agent logging cli icon notify update",
    ),
    (
        "window",
        "words problem slot config durable platform backup restore cycle control agent cli icon alert head_office",
    ),
];

/// A source file, with its tests told from its product.
struct Source {
    /// Relative to the root of the tree, with `/`.
    path: String,
    text: String,
    /// Whether the whole file is compiled for tests only.
    only_tests: bool,
}

impl Source {
    /// What is compiled into the product: the text up to its module of tests.
    fn product(&self) -> &str {
        let tests = self.text.find("#[cfg(test)]\nmod tests {").unwrap_or(self.text.len());
        if self.only_tests { "" } else { &self.text[..tests] }
    }

    /// The room of the library that it belongs to; `None` outside the library.
    fn room(&self) -> Option<&str> {
        let below = self.path.strip_prefix("src/")?;
        let room = below.split('/').next()?;
        let room = room.strip_suffix(".rs").unwrap_or(room);
        (!["lib", "bin", "main"].contains(&room)).then_some(room)
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the tree that belongs to the project, relative to its root: no build products, nothing hidden but `.ci`,
/// `.cargo` and `.github`.
fn tree() -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name == "target" || (name.starts_with('.') && ![".ci", ".cargo", ".github"].contains(&name)) {
                continue;
            }
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    let mut found = Vec::new();
    walk(root(), &mut found);
    found.sort();
    found
}

/// Every Rust file of the tree.
fn sources() -> Vec<Source> {
    let paths: Vec<_> = tree().into_iter().filter(|path| path.ends_with(".rs")).collect();
    assert!(paths.len() > 30, "the tree is read");
    let read = |path: &String| fs::read_to_string(root().join(path)).unwrap();
    let texts: Vec<_> = paths.iter().map(read).collect();
    let tests: BTreeSet<String> =
        paths.iter().zip(&texts).flat_map(|(path, text)| modules_of_tests(path, text)).collect();
    let only_tests = |path: &str| {
        path.starts_with("tests/")
            || path.starts_with("benches/")
            || tests
                .iter()
                .any(|module| path == format!("{module}.rs") || path.starts_with(&format!("{module}/")))
    };
    let source = |(path, text): (String, String)| Source { only_tests: only_tests(&path), path, text };
    paths.into_iter().zip(texts).map(source).collect()
}

/// The paths, without ending, of the modules that `text` declares for tests only.
fn modules_of_tests(path: &str, text: &str) -> Vec<String> {
    let own = path.trim_end_matches(".rs");
    let folder = match own.rsplit_once('/') {
        Some((folder, "mod" | "lib" | "main")) => folder.to_owned(),
        _ => own.to_owned(),
    };
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let starts = lines.iter().enumerate().filter(|(_, line)| **line == "#[cfg(test)]").map(|(at, _)| at);
    let modules = starts.filter_map(|at| {
        let mut rest = lines[at + 1..].iter().take(2);
        let named = lines.get(at + 1).and_then(|line| line.strip_prefix("#[path = \""));
        let declared = rest.find(|line| line.ends_with(';') && line.contains("mod "))?;
        let name = declared.trim_end_matches(';').rsplit(' ').next()?;
        let beside = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        Some(match named {
            Some(file) => format!("{beside}/{}", file.trim_end_matches("\"]").trim_end_matches(".rs")),
            None => format!("{folder}/{name}"),
        })
    });
    modules.collect()
}

/// The lines of `text` that are no comments, with their numbers.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Fails with every offence at once.
fn none(offences: Vec<String>) {
    assert!(offences.is_empty(), "\n{}\n", offences.join("\n"));
}

/// The rooms that a line of code names: `crate::room::…`, `crate::{room::…, other}`.
fn rooms_named(line: &str) -> Vec<&str> {
    let word = |text: &'_ str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let mut rooms = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let rest = &line[at + "crate::".len()..];
        let inside = rest.strip_prefix('{');
        let names = inside.map_or_else(|| vec![rest], |list| list.split(',').map(str::trim_start).collect());
        for name in names {
            let end = word(name);
            // A macro (`words!`) is a tool and no room; its texts are the room `words`, which everybody may use but those
            // below it.
            let spoken =
                ["backup::outcome", "restore::outcome"].iter().any(|spoken| name.starts_with(spoken));
            let vocabulary = spoken || name[end..].starts_with('!');
            if end > 0 && !vocabulary {
                rooms.push(&name[..end]);
            }
        }
    }
    rooms
}

#[test]
fn rooms_use_only_what_lies_before_them_on_the_way_of_the_data() {
    let mut offences = Vec::new();
    for source in sources() {
        let Some(room) = source.room() else { continue };
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == room) else {
            offences.push(format!("{}: the room `{room}` has no layer in tests/tidy.rs", source.path));
            continue;
        };
        let known = |name: &str| LAYERS.iter().any(|(room, _)| *room == name);
        for (line, text) in code_lines(source.product()) {
            let used = rooms_named(text).into_iter().filter(|name| known(name) && *name != room);
            let beyond = used.filter(|name| !allowed.split(' ').any(|room| room == *name));
            offences
                .extend(beyond.map(|name| format!("{}:{line}: `{room}` must not use `{name}`", source.path)));
        }
    }
    none(offences);
}

#[test]
fn the_map_of_rooms_is_complete() {
    let map = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let declared: BTreeSet<_> =
        map.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(declared, LAYERS.iter().map(|(room, _)| *room).collect());
}

#[test]
fn files_stay_small_enough_to_be_read() {
    let offence = |source: &Source| {
        let lines = source.text.lines().count();
        let main = source.path == "src/main.rs" || source.path.starts_with("src/bin/");
        let most = match (main, source.only_tests) {
            (true, _) => LONGEST_MAIN,
            (false, true) => LONGEST_TESTS,
            (false, false) => LONGEST_CODE,
        };
        (lines > most).then(|| format!("{}: {lines} lines, at most {most}", source.path))
    };
    none(sources().iter().filter_map(offence).collect());
}

#[test]
fn every_file_begins_with_what_it_is_for() {
    let offence = |source: &Source| {
        let first = source.text.lines().next().unwrap_or_default();
        let told = first.strip_prefix("//! ").is_some_and(|told| told.len() > 10);
        (!told).then(|| format!("{}: begins without `//! …`", source.path))
    };
    none(sources().iter().filter_map(offence).collect());
}

/// Lines of the product, outside the files that `allowed` names, that contain one of `patterns`.
fn lines_with(patterns: &[&str], allowed: &[&str]) -> Vec<String> {
    let mut offences = Vec::new();
    for source in sources().iter().filter(|source| !allowed.iter().any(|path| source.path.starts_with(path)))
    {
        for (line, text) in code_lines(source.product()) {
            let found = patterns.iter().find(|pattern| text.contains(**pattern));
            offences.extend(found.map(|pattern| format!("{}:{line}: {pattern}", source.path)));
        }
    }
    offences
}

#[test]
fn the_time_of_day_comes_from_the_clock_only() {
    let clocks = [
        "Utc::now",
        "Local::now",
        "SystemTime::now",
        "UNIX_EPOCH.elapsed",
        "std::time::Instant",
        "std::time::{Duration, Instant}",
    ];
    none(lines_with(&clocks, &["src/clock.rs", "xtask/"]));
}

#[test]
fn the_systems_differences_stand_in_one_room() {
    let differences = [
        "cfg(unix",
        "cfg(windows",
        "cfg(target_os",
        "cfg(not(unix",
        "cfg(not(windows",
        "cfg(not(target_os",
        "cfg(any(unix",
        "cfg(any(windows",
        "cfg(all(unix",
        "cfg(all(windows",
        "cfg!(",
        "std::os::unix",
        "std::os::windows",
        "std::os::linux",
        "rustix::",
        "windows_sys::",
        "libc::",
    ];
    // The stand-in for SQL Server has the local pipe of Windows, in a file of its own; xtask installs system packages.
    none(lines_with(&differences, &["src/platform/", "xtask/"]));
}

#[test]
fn the_stand_in_has_its_differences_in_one_file_too() {
    let differs = |source: &&Source| {
        source.path.starts_with("tests/fake-sqlserver/")
            && code_lines(&source.text)
                .any(|(_, line)| line.contains("cfg(windows") || line.contains("cfg(unix"))
    };
    let files: Vec<_> = sources().iter().filter(differs).map(|source| source.path.clone()).collect();
    assert!(files.len() <= 1, "{files:?}");
}

#[test]
fn lints_are_kept_and_not_switched_off() {
    let switches = ["#[allow(", "#![allow(", "#[ignore", "todo!(", "unimplemented!("];
    let mut offences = Vec::new();
    // Criterion's macros make functions without documentation.
    let exempt = |source: &&Source| source.path == "tests/tidy.rs" || source.path.starts_with("benches/");
    for source in sources().iter().filter(|source| !exempt(source)) {
        for (line, text) in code_lines(&source.text) {
            let found = switches.iter().find(|pattern| text.contains(**pattern));
            offences.extend(found.map(|pattern| format!("{}:{line}: {pattern}", source.path)));
        }
    }
    none(offences);
}

#[test]
fn unsafe_code_stands_where_a_foreign_interface_demands_it() {
    none(lines_with(&["unsafe {", "unsafe fn", "unsafe impl"], &["src/platform/", "src/archive/inflate.rs"]));
}

#[test]
fn nothing_in_the_tree_tells_on_which_machine_it_was_made() {
    let here = root().to_str().unwrap().to_owned();
    let home = std::env::home_dir().map(|home| format!("{}/", home.display())).filter(|home| home.len() > 4);
    let hosts = ["sparse+", "static.crates.io", "index.crates.io", "file:///"];
    let settings = ["\nregistry = ", "replace-with"];
    let mut offences = Vec::new();
    for path in tree().iter().filter(|path| *path != "tests/tidy.rs") {
        let text = String::from_utf8_lossy(&fs::read(root().join(path)).unwrap()).into_owned();
        let machine = [Some(&here), home.as_ref()].into_iter().flatten().map(String::as_str);
        let settings = settings.into_iter().filter(|_| path.ends_with(".toml"));
        let found = machine.chain(hosts).chain(settings).find(|pattern| text.contains(pattern));
        offences.extend(found.map(|pattern| format!("{path}: {pattern}")));
    }
    let foreign =
        |line: &&str| line.starts_with("source = ") && !line.contains("github.com/rust-lang/crates.io-index");
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    offences.extend(lock.lines().filter(foreign).map(|line| format!("Cargo.lock: {line}")));
    none(offences);
}

#[test]
fn only_the_folders_of_the_design_stand_at_the_top() {
    let known =
        ["src", "tests", "config", "installer", "xtask", "benches", "docs", ".ci", ".cargo", ".github"];
    let top: BTreeSet<_> =
        tree().iter().filter_map(|path| Some(path.split_once('/')?.0.to_owned())).collect();
    none(top.into_iter().filter(|folder| !known.contains(&folder.as_str())).collect());
}

#[test]
fn every_key_of_the_configuration_is_shipped_and_explained() {
    let read = |path: &str| fs::read_to_string(root().join("config").join(path)).unwrap();
    let (shipped, explained) = (read("dmbackup.toml"), read("REFERENCIA.md"));
    for doc in dmbackup::config::reference() {
        let name = doc.key.rsplit('.').next().unwrap();
        let line = |line: &str| line.trim_start_matches('#').starts_with(&format!("{name} = "));
        assert!(shipped.lines().any(line), "{} is not in dmbackup.toml", doc.key);
        assert!(explained.contains(&format!("### `{name}`")), "{} is not in REFERENCIA.md", doc.key);
    }
}

#[test]
fn the_rules_see_what_they_are_for() {
    let rooms = rooms_named(
        "use crate::{agent, words::Words, cli::x}; crate::bak::Y; crate::words!(\"a\"); crate::backup::outcome::Z",
    );
    assert_eq!(rooms, ["agent", "words", "cli", "bak"]);
    let declared = "mod a;\n#[cfg(test)]\nmod tests;\n#[cfg(test)]\n#[path = \"b_tests.rs\"]\nmod other;\n";
    assert_eq!(modules_of_tests("src/x/mod.rs", declared), ["src/x/tests", "src/x/b_tests"]);
    assert_eq!(modules_of_tests("src/x.rs", declared), ["src/x/tests", "src/b_tests"]);
    let text = "//! x\nlet a = 1;\n#[cfg(test)]\nmod tests {\n    Utc::now();\n}\n".to_owned();
    let source = Source { path: "src/bin/x.rs".to_owned(), text, only_tests: false };
    assert_eq!(source.product(), "//! x\nlet a = 1;\n");
    assert_eq!(code_lines(source.product()).collect::<Vec<_>>(), [(2, "let a = 1;")]);
    assert_eq!(source.room(), None);
}

#[test]
fn every_exit_code_is_explained_by_the_program() {
    let program = env!("CARGO_BIN_EXE_dmbackupctl");
    let help = std::process::Command::new(program).args(["help", "exit-codes"]).output().unwrap();
    let table = String::from_utf8(help.stdout).unwrap();
    let explained: BTreeSet<u8> = table
        .lines()
        .filter_map(|line| line.trim().split_once("  "))
        .filter(|(_, meaning)| meaning.trim().len() > 5)
        .filter_map(|(number, _)| number.parse().ok())
        .collect();
    let mut used: BTreeSet<u8> = dmbackup::problem::Code::ALL.iter().map(|code| code.exit() as u8).collect();
    used.insert(dmbackup::problem::Exit::Success as u8);
    assert_eq!(explained, used, "{table}");
}
