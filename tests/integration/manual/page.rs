//! A chapter of the manual as the test reads it: what is to be done, in its order, and what is said to come of it.

/// One thing that a chapter has its reader do, or the test do for the world.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// A line of a `console` block that begins with `$ `, and the lines that it is said to print.
    Command { line: String, printed: Vec<String> },
    /// A `toml` block, whose first line names its file.
    File { path: String, text: String },
    /// A `sql` block.
    Sql(String),
    /// `<!-- teste: … -->`: a command that the reader does not see, such as taking the terminal away.
    Hidden(String),
    /// `<!-- falha: … -->`: what goes wrong in SQL Server from here on, in the stand-in's words; `nenhuma` ends it.
    Fault(String),
}

/// A step with the line of the chapter at which it begins.
pub type At = (usize, Step);

/// The steps of a chapter.
///
/// # Errors
/// A block whose kind is not known here, or that does not end.
pub fn steps(text: &str) -> Result<Vec<At>, String> {
    let mut steps = Vec::new();
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    while let Some((at, line)) = lines.next() {
        if let Some(kind) = line.strip_prefix("```") {
            let mut block = Vec::new();
            loop {
                match lines.next() {
                    Some((_, "```")) => break,
                    Some((_, line)) => block.push(line),
                    None => return Err(format!("line {at}: a block without an end")),
                }
            }
            steps.extend(of_block(at, kind, &block)?);
        } else if let Some(hidden) = comment(line, "teste") {
            steps.push((at, Step::Hidden(hidden)));
        } else if let Some(fault) = comment(line, "falha") {
            steps.push((at, Step::Fault(fault)));
        }
    }
    Ok(steps)
}

fn comment(line: &str, name: &str) -> Option<String> {
    let inside = line.strip_prefix("<!--")?.strip_suffix("-->")?.trim();
    Some(inside.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned())
}

fn of_block(at: usize, kind: &str, block: &[&str]) -> Result<Vec<At>, String> {
    match kind {
        "console" => commands(at, block),
        "toml" => {
            let path = block.first().and_then(|line| line.strip_prefix("# /"));
            let path = path.ok_or_else(|| format!("line {at}: the first line names no file (# /…)"))?;
            Ok(vec![(at, Step::File { path: format!("/{path}"), text: block.join("\n") + "\n" })])
        }
        "sql" => Ok(vec![(at, Step::Sql(block.join("\n")))]),
        // Not run: builds that take minutes, another system's shell, examples.
        "sh" | "text" | "powershell" | "sql exemplo" | "toml exemplo" => Ok(Vec::new()),
        other => Err(format!("line {at}: a block of the unknown kind `{other}`")),
    }
}

fn commands(at: usize, block: &[&str]) -> Result<Vec<At>, String> {
    let mut steps: Vec<At> = Vec::new();
    for (index, line) in block.iter().enumerate() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => {
                let step = Step::Command { line: command.to_owned(), printed: Vec::new() };
                steps.push((at + 1 + index, step));
            }
            (None, Some((_, Step::Command { printed, .. }))) => printed.push((*line).to_owned()),
            (None, _) => return Err(format!("line {at}: the block does not begin with a command (`$ …`)")),
        }
    }
    Ok(steps)
}

/// Whether what was printed is what the manual shows. Blank lines and the width of blanks do not count, a number stands for
/// any number, `…` for any text within a line, and a line that is only `…` for any number of lines.
pub fn agrees(shown: &[String], printed: &str) -> bool {
    let shown: Vec<_> = shown.iter().map(|line| plain(line)).filter(|line| !line.is_empty()).collect();
    let printed: Vec<_> = printed.lines().map(plain).filter(|line| !line.is_empty()).collect();
    lines_agree(&shown, &printed)
}

fn lines_agree(shown: &[String], printed: &[String]) -> bool {
    match shown {
        [] => printed.is_empty(),
        [any, rest @ ..] if any == "…" => {
            (0..=printed.len()).any(|from| lines_agree(rest, &printed[from..]))
        }
        [line, rest @ ..] => printed
            .split_first()
            .is_some_and(|(first, others)| line_agrees(line, first) && lines_agree(rest, others)),
    }
}

fn line_agrees(shown: &str, printed: &str) -> bool {
    let Some((begin, rest)) = shown.split_once('…') else { return shown == printed };
    let Some(printed) = printed.strip_prefix(begin) else { return false };
    (0..=printed.len()).filter(|at| printed.is_char_boundary(*at)).any(|at| line_agrees(rest, &printed[at..]))
}

/// A line with `#` for each number, and one blank for several.
fn plain(line: &str) -> String {
    let mut plain = String::new();
    for word in line.split_whitespace() {
        if !plain.is_empty() {
            plain.push(' ');
        }
        let mut letters = word.chars().peekable();
        while let Some(letter) = letters.next() {
            if !letter.is_ascii_digit() {
                plain.push(letter);
                continue;
            }
            plain.push('#');
            // A date, a time, a decimal: one number, unless the mark ends a sentence.
            let mut rest = letters.clone();
            while let Some(next) = rest.next() {
                let joins = ".,:/-".contains(next) && rest.peek().is_some_and(char::is_ascii_digit);
                if !next.is_ascii_digit() && !joins {
                    break;
                }
                letters.next();
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agree(shown: &str, printed: &str) -> bool {
        agrees(&shown.lines().map(str::to_owned).collect::<Vec<_>>(), printed)
    }

    #[test]
    fn numbers_stand_for_numbers_and_nothing_else_does() {
        assert!(agree("09:59:26  Preparando...\n", "10:00:00 Preparando...\n\n"));
        assert!(agree("tamanho: 624 KB → 38,6 KB (6,2 %)", "tamanho: 1.234 KB → 7 KB (99,0 %)"));
        assert!(agree("em 127.0.0.1,41319.", "em 10.0.0.7,1."));
        assert!(!agree("Sucesso", "Falhou"));
        assert!(!agree("1 backup(s)", "nenhum backup(s)"));
        assert!(!agree("a", "a\nb"));
        assert!(!agree("a\nb", "a"));
    }

    #[test]
    fn an_ellipsis_stands_for_text_in_a_line_and_for_lines() {
        assert!(agree("AVISO · Terminal …", "AVISO · Terminal de backup: não responde."));
        assert!(agree("a … c … e", "a b c d e") && !agree("a … c", "a b d"));
        assert!(agree("…\nfim\n…", "um\ndois\nfim") && agree("…", "") && !agree("…\nfim", "um\ndois"));
    }

    #[test]
    fn a_chapter_is_read_step_by_step() {
        let text = "# T\n```console\n$ a\nx\n$ b\n```\n<!-- teste: mv a b -->\n```toml\n# /etc/x\ny = 1\n```\n\
                    <!-- falha: nenhuma -->\n```sql\nSELECT 1\n```\n```sh\nmake\n```\n";
        let command = |line: &str, printed: &[&str]| Step::Command {
            line: line.to_owned(),
            printed: printed.iter().map(|line| (*line).to_owned()).collect(),
        };
        assert_eq!(
            steps(text).unwrap(),
            [
                (3, command("a", &["x"])),
                (5, command("b", &[])),
                (7, Step::Hidden("mv a b".to_owned())),
                (8, Step::File { path: "/etc/x".to_owned(), text: "# /etc/x\ny = 1\n".to_owned() }),
                (12, Step::Fault("nenhuma".to_owned())),
                (13, Step::Sql("SELECT 1".to_owned())),
            ]
        );
        for wrong in ["```console\nx\n```\n", "```console\n$ a\n", "```toml\nx = 1\n```\n", "```ruby\n```\n"]
        {
            assert!(steps(wrong).is_err(), "{wrong}");
        }
    }
}
