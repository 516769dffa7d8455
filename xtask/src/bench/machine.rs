//! The machine on which we measure, and the versions of those that we are compared with: without them a figure says little.

use crate::steps::{self, say};
use std::fs;
use std::process::Command;

/// Prints what the machine is, one line each.
pub fn describe() {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    say("");
    say(&format!("- processor: {cores} × {}", first("/proc/cpuinfo", "model name\t: ")));
    say(&format!("- memory: {}", first("/proc/meminfo", "MemTotal:")));
    say(&format!("- disk below `target`: {}", told("df", &["--output=source,fstype,size", "target"], 1)));
    say(&format!("- system: {}, Linux {}", system(), told("uname", &["-r"], 0)));
    say(&format!("- Rust: {}", told("rustc", &["--version"], 0)));
    let versions = [
        ("zip", told("dpkg-query", &["-f", "${Version}", "-W", "zip"], 0)),
        ("7-Zip", told("dpkg-query", &["-f", "${Version}", "-W", "7zip"], 0)),
        ("pigz", told("dpkg-query", &["-f", "${Version}", "-W", "pigz"], 0)),
    ];
    let versions = versions.map(|(name, version)| format!("{name} {version}"));
    say(&format!("- compared with: {}", versions.join(", ")));
    say(&format!("- load before: {}", first("/proc/loadavg", "")));
}

/// The rest of the first line of a file that begins so.
fn first(path: &str, begin: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(begin)).unwrap_or("unknown");
    line.trim().to_owned()
}

fn system() -> String {
    first("/etc/os-release", "PRETTY_NAME=").trim_matches('"').to_owned()
}

/// One line of what a program prints.
fn told(program: &str, arguments: &[&str], line: usize) -> String {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(steps::root());
    let text = steps::output(&mut command).unwrap_or_default();
    let words: Vec<_> = text.lines().nth(line).unwrap_or("unknown").split_whitespace().collect();
    words.join(" ")
}
