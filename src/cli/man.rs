//! The manual page: clap's description of the command line as one page of `man`, in the reader's language.

use super::{exit_codes, help};
use crate::problem::{Problem, Result};
use crate::words::Language;
use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

/// When what the page says last changed; `man` wants a date.
const CHANGED: &str = "2026-11-25";

/// The page as `man` reads it.
///
/// # Errors
/// It cannot be put together: a fault of the program.
pub fn page(language: Language) -> Result<String> {
    let source = concat!("DMBackup ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(help::command(language)).date(CHANGED).source(source).manual("DMBackup");
    let mut page = Vec::new();
    let written = man
        .render_title(&mut page)
        .and_then(|()| man.render_name_section(&mut page))
        .and_then(|()| man.render_synopsis_section(&mut page))
        .and_then(|()| commands(language).to_writer(&mut page))
        .and_then(|()| man.render_options_section(&mut page))
        .and_then(|()| man.render_extra_section(&mut page))
        .and_then(|()| exits(language).to_writer(&mut page));
    written.map_err(Problem::internal)?;
    let page = String::from_utf8(page).map_err(Problem::internal)?;
    Ok(headings(&page, language))
}

/// Every command with its own options; those of all commands stand in a section of their own.
fn commands(language: Language) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["COMMANDS"]);
    for verb in help::command(language).get_subcommands() {
        command(verb, "", &mut roff);
    }
    roff
}

fn command(command: &Command, before: &str, roff: &mut Roff) {
    let path = format!("{before}{}", command.get_name());
    if command.has_subcommands() {
        let path = path + " ";
        command.get_subcommands().for_each(|verb| self::command(verb, &path, roff));
        return;
    }
    roff.control("SS", [path.as_str()]);
    roff.text([roman(command.get_about().map(ToString::to_string).unwrap_or_default())]);
    for arg in command.get_arguments() {
        let value = arg.get_value_names().and_then(|names| names.first()).map(|name| format!("<{name}>"));
        let value = value.filter(|_| arg.get_action().takes_values());
        let name = arg.get_long().map(|long| format!("--{long}"));
        let shown: Vec<_> = name.into_iter().chain(value).collect();
        roff.control("TP", []);
        roff.text([bold(shown.join(" "))]);
        roff.text([roman(arg.get_help().map(ToString::to_string).unwrap_or_default())]);
    }
}

fn exits(language: Language) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for exit_codes::Row { code, meaning } in exit_codes::rows() {
        roff.control("TP", []);
        roff.text([bold(code.to_string())]);
        roff.text([roman(meaning.get(language))]);
    }
    roff
}

/// The page with its headings in the reader's language. Each section comes with the same definitions; once is enough.
fn headings(page: &str, language: Language) -> String {
    let definition = |line: &str| line.starts_with(".ie ") || line.starts_with(".el ");
    let lines = page.lines().enumerate().filter(|(at, line)| *at < 2 || !definition(line));
    let lines = lines.map(|(_, line)| match line.strip_prefix(".SH ") {
        Some(heading) => format!(".SH {}\n", heading_in(heading.trim_matches('"'), language)),
        None => format!("{line}\n"),
    });
    lines.collect()
}

fn heading_in(heading: &str, language: Language) -> String {
    let (pt, en) = match heading {
        "NAME" => ("NOME", "NAME"),
        "SYNOPSIS" => ("SINOPSE", "SYNOPSIS"),
        "COMMANDS" => ("COMANDOS", "COMMANDS"),
        "EXTRA" => ("NOTAS", "NOTES"),
        "EXIT STATUS" => ("\"CÓDIGOS DE SAÍDA\"", "\"EXIT STATUS\""),
        other => (other, other),
    };
    let heading = match language {
        Language::Portuguese => pt,
        Language::English => en,
    };
    heading.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sections(language: Language) -> Vec<String> {
        let page = page(language).unwrap();
        page.lines().filter_map(|line| line.strip_prefix(".SH ")).map(str::to_owned).collect()
    }

    #[test]
    fn the_page_has_the_sections_of_a_page_in_the_readers_language() {
        let en = ["NAME", "SYNOPSIS", "COMMANDS", "OPTIONS", "NOTES", "\"EXIT STATUS\""];
        assert_eq!(sections(Language::English), en);
        let pt = ["NOME", "SINOPSE", "COMANDOS", "OPÇÕES", "NOTAS", "\"CÓDIGOS DE SAÍDA\""];
        assert_eq!(sections(Language::Portuguese), pt);
    }

    #[test]
    fn every_command_and_exit_code_is_in_the_page() {
        for language in [Language::Portuguese, Language::English] {
            let page = page(language).unwrap();
            let root = help::command(language);
            for verb in root.get_subcommands().filter(|verb| !verb.has_subcommands()) {
                let name = verb.get_name();
                assert!(page.lines().any(|line| line == format!(".SS {name}")), "{name} in:\n{page}");
            }
            assert!(page.contains("\n.SS \"config show\"\n"), "{page}");
            assert!(page.contains("\\-\\-accept\\-shrunk"), "{page}");
            assert_eq!(page.matches("\n.TP\n\\fB").count(), page.matches("\n.TP\n").count());
        }
    }
}
