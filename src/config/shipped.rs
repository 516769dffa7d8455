//! Holds what is shipped against the table of keys: `config/dmbackup.toml` has every key and says its default, and
//! `config/REFERENCIA.md` is what the table says.

use super::*;
use crate::words::Language;
use std::fmt::Write;

const SHIPPED: &str = include_str!("../../config/dmbackup.toml");

/// Lines that are filled in by whoever installs, with values for the system that runs the test.
fn filled_in() -> String {
    let folder = |name: &str| std::path::absolute("/").unwrap().join(name).display().to_string();
    let filled = [
        ("legal_name = \"\"", "legal_name = \"Farmácia São José Ltda\"".to_owned()),
        ("#user = ", "user = \"dmbackup\" # ".to_owned()),
        ("#password = ", "password = ".to_owned()),
        ("folder = 'C:\\MBHSist\\Backup'", format!("folder = '{}'", folder("backup"))),
        ("folder = ''", format!("folder = '{}'", folder("terminal"))),
    ];
    filled.iter().fold(SHIPPED.to_owned(), |text, (empty, full)| {
        assert!(text.contains(empty), "{empty}");
        text.replacen(empty, full, 1)
    })
}

fn read_shipped(text: &str) -> Read {
    let environment = |name: &str| match name {
        "DMBACKUP_WEBHOOK" | "DMBACKUP_SINAL" => Some("https://example.com/x".to_owned()),
        _ => name.starts_with("DMBACKUP_").then(|| "x".to_owned()),
    };
    read(text, &World { path: Path::new("/etc/dmbackup/dmbackup.toml"), environment: &environment })
}

/// The keys of the shipped file with the number of their line, switched on or off (`#key = …`, without a blank).
fn keys_of(text: &str) -> Vec<(String, usize)> {
    let mut section = String::new();
    let mut keys = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if let Some(name) = line.strip_prefix('[') {
            section = format!("{}.", name.trim_end_matches(']'));
        }
        let plain = line.strip_prefix('#').unwrap_or(line);
        if let Some((name, _)) = plain.split_once(" = ").filter(|(name, _)| !name.contains(' ')) {
            keys.push((format!("{section}{name}"), at));
        }
    }
    keys
}

#[test]
fn the_shipped_file_has_every_key_once_and_in_its_section() {
    let mut shipped: Vec<_> = keys_of(SHIPPED).into_iter().map(|(key, _)| key).collect();
    let mut known: Vec<_> = reference().iter().map(|doc| doc.key.to_owned()).collect();
    shipped.sort();
    known.sort();
    assert_eq!(shipped, known);
}

#[test]
fn the_shipped_file_asks_for_what_only_the_shop_knows_and_for_nothing_else() {
    let asked: Vec<_> = read_shipped(SHIPPED).findings.into_iter().map(|finding| finding.key).collect();
    // On Windows neither the folder nor a login has to be filled in.
    let expected: Vec<_> = ["shop.legal_name", "server.user", "backup.folder", "terminal.folder"].into();
    assert!(asked.iter().all(|key| expected.contains(&key.as_str())), "{asked:?}");
    assert!(asked.contains(&"shop.legal_name".to_owned()) && asked.contains(&"terminal.folder".to_owned()));
    let filled = read_shipped(&filled_in());
    assert_eq!((filled.findings, filled.warnings), (vec![], vec![]));
    assert!(filled.config.is_some());
}

#[test]
fn every_line_that_is_switched_off_shows_its_default_or_a_value_that_is_taken() {
    // These show an example, for their default is nothing or follows from other values.
    let examples =
        ["shop.trade_name", "shop.cnpj", "server.instance", "server.port", "server.service", "update.url"];
    let filled = filled_in();
    let before = read_shipped(&filled).settings;
    for (key, at) in keys_of(&filled) {
        // The other way to give a password, a path of Windows, and what is of use only together.
        if ["server.password_file", "backup.folder_seen_by_server"].contains(&key.as_str())
            || key.starts_with("head_office.")
        {
            continue;
        }
        // Of a way to tell people the keys belong together.
        if key.starts_with("alert.") {
            continue;
        }
        let switched: Vec<_> = filled
            .lines()
            .enumerate()
            .map(|(line, text)| if line == at { text.trim_start_matches('#') } else { text })
            .collect();
        let read = read_shipped(&switched.join("\n"));
        assert_eq!((read.findings, read.warnings), (vec![], vec![]), "{key}");
        let value = |settings: &[Setting]| settings.iter().find(|it| it.key == key).unwrap().value.clone();
        if !examples.contains(&key.as_str()) {
            assert_eq!(value(&read.settings), value(&before), "{key}");
        }
    }
}

#[test]
fn each_way_to_tell_people_can_be_switched_on_as_a_whole() {
    let filled = filled_in().replace("#to = []", "#to = [\"dono@loja.com.br\"]");
    for way in ["alert.email", "alert.webhook", "alert.telegram", "alert.heartbeat"] {
        let keys = keys_of(&filled);
        let of_way = |line: usize| {
            // The other way to give a secret.
            keys.iter().any(|(key, at)| *at == line && key.starts_with(way) && !key.ends_with("_file"))
        };
        let switched: Vec<_> = filled
            .lines()
            .enumerate()
            .map(|(line, text)| if of_way(line) { text.trim_start_matches('#') } else { text })
            .collect();
        let read = read_shipped(&switched.join("\n"));
        assert_eq!((read.findings, read.warnings), (vec![], vec![]), "{way}");
        let alert = read.config.unwrap().alert;
        let on = [
            alert.email.is_some(),
            alert.webhook.is_some(),
            alert.telegram.is_some(),
            alert.heartbeat.is_some(),
        ];
        assert_eq!(on.iter().filter(|on| **on).count(), 1, "{way}");
    }
}

#[test]
fn the_head_office_that_is_shown_is_taken_as_a_whole() {
    let filled = filled_in();
    let of_it: Vec<_> = keys_of(&filled)
        .into_iter()
        .filter(|(key, _)| key.starts_with("head_office.") && key != "head_office.password_file")
        .collect();
    let switched = |without: Option<usize>| {
        let is_on = |line| of_it.iter().any(|(_, at)| *at == line) && without != Some(line);
        let lines = filled.lines().enumerate();
        let lines = lines.map(|(line, text)| if is_on(line) { text.trim_start_matches('#') } else { text });
        read_shipped(&lines.collect::<Vec<_>>().join("\n"))
    };
    let read = switched(None);
    assert_eq!((read.findings, read.warnings), (vec![], vec![]));
    let office = read.config.unwrap().head_office.unwrap();
    assert_eq!(office.server.encrypt, Encrypt::On);
    assert!(!office.server.trust_server_certificate, "nothing switches the check of its certificate off");
    for (key, at) in &of_it {
        let missing: Vec<_> = switched(Some(*at)).findings.into_iter().map(|finding| finding.key).collect();
        match key.as_str() {
            "head_office.certificate" => assert!(missing.is_empty()),
            "head_office.password" => assert_eq!(missing, ["head_office.password_file"]),
            _ => assert_eq!(missing, [key.as_str()]),
        }
    }
}

/// The reference as a page: what `config/REFERENCIA.md` must be.
fn page() -> String {
    let mut page = String::from(
        "# Referência da configuração\n\n\
         Todas as chaves de `dmbackup.toml`, na ordem do modelo. Feita a partir do próprio programa (um teste a mantém em dia).\n\
         Caminhos ficam entre aspas simples; tempos e tamanhos levam a unidade (`\"15 min\"`, `\"2 GB\"`); uma chave desconhecida\n\
         é um erro. `dmbackupctl config check` mostra todos os erros de uma vez, com a linha de cada um, e\n\
         `dmbackupctl config show` o que está valendo, e de onde veio cada valor.\n",
    );
    let mut section = None;
    for doc in reference() {
        let (table, name) = doc.key.rsplit_once('.').unwrap_or(("", doc.key));
        if section != Some(table) {
            section = Some(table);
            let title = if table.is_empty() { "No início".to_owned() } else { format!("`[{table}]`") };
            write!(page, "\n## {title}\n").unwrap();
        }
        let pt = |words: &crate::words::Words| words.get(Language::Portuguese).to_owned();
        write!(page, "\n### `{name}`\n\n{}\n\n- Valor: {}\n", pt(&doc.words), pt(&doc.kind)).unwrap();
        match doc.required {
            true => page.push_str("- Obrigatória\n"),
            false => writeln!(page, "- Sem ela: {}", pt(&doc.default)).unwrap(),
        }
    }
    page
}

/// `DMBACKUP_BLESS=1 cargo test --lib config::` writes the page anew.
#[test]
fn the_reference_is_what_the_program_knows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/REFERENCIA.md");
    if std::env::var_os("DMBACKUP_BLESS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), page());
}
