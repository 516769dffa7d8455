//! Tests of the configuration as a whole: from a file on disk to values or findings.

use super::*;
use crate::words::Language;
use proptest::prelude::*;
use std::fs;
use std::time::Duration;
use tempfile::TempDir;

/// A configuration in a folder of its own, and the environment in which it is read.
struct Shop {
    folder: TempDir,
    variables: Vec<(&'static str, &'static str)>,
}

const PASSWORD: &str = "abre-te sésamo";

impl Shop {
    fn new(text: impl AsRef<[u8]>) -> Self {
        let shop = Self {
            folder: tempfile::tempdir().unwrap(),
            variables: vec![("SENHA", PASSWORD), ("VAZIA", "")],
        };
        fs::write(shop.path(), text).unwrap();
        shop
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("dmbackup.toml")
    }

    fn load_as(&self, elevated: bool) -> Result<Loaded, Vec<Finding>> {
        let environment = |name: &str| {
            let found = self.variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        load_with(&World { path: &self.path(), environment: &environment }, elevated)
    }

    fn load(&self) -> Result<Loaded, Vec<Finding>> {
        self.load_as(true)
    }
}

/// A configuration that is in order, on the system that runs the test.
fn good() -> String {
    let backup = root("srv/Backup");
    let terminal = root("mnt/terminal/MCBkp");
    format!(
        "version = 1\n[shop]\nlegal_name = \"Farmácia São José Ltda\"\n\
         [server]\nhost = '192.168.0.10'\nuser = \"dmbackup\"\npassword = \"${{SENHA}}\"\n\
         [backup]\nfolder = '{backup}'\n[terminal]\nfolder = '{terminal}'\n"
    )
}

/// An absolute path of the system that runs the test.
fn root(below: &str) -> String {
    std::path::absolute("/").unwrap().join(below).display().to_string()
}

/// What is wrong with a text: `line key: found -> expected`.
fn wrong(text: &str) -> Vec<String> {
    let findings = Shop::new(text).load().map(|loaded| loaded.config).unwrap_err();
    let line = |finding: &Finding| finding.line.map(|line| format!("{line} ")).unwrap_or_default();
    findings.iter().map(|it| format!("{}{}: {} -> {}", line(it), it.key, it.found, it.expected.en)).collect()
}

/// What is wrong when one line of the good configuration is another.
fn instead(of: &str, other: &str) -> Vec<String> {
    let good = good();
    let line = good.lines().find(|line| line.starts_with(of)).unwrap();
    wrong(&good.replace(line, other))
}

fn loaded(text: &str) -> Loaded {
    Shop::new(text).load().unwrap()
}

#[test]
fn little_needs_to_be_written() {
    let loaded = loaded(&good());
    let config = &loaded.config;
    assert_eq!(config.language, Language::Portuguese);
    assert_eq!(config.shop.trade_name, "Farmácia São José Ltda");
    assert_eq!(config.shop.store, "1");
    assert_eq!(config.server.display(), "192.168.0.10");
    assert_eq!(config.server.encrypt, Encrypt::On);
    assert_eq!(config.server.service, None, "another machine's service is not ours to look after");
    assert_eq!(config.database().unwrap().as_str(), "MCDados");
    assert_eq!(config.archive_name.zip(), "MCDados.zip");
    assert_eq!(config.backup.folder_seen_by_server, config.backup.folder.display().to_string());
    assert_eq!((config.backup.reserve_bytes, config.backup.slots_floor), (1 << 30, 6));
    assert_eq!(config.backup.retry_wait, Duration::from_secs(300));
    assert_eq!(config.backup.too_old, Duration::from_secs(3 * 3600));
    assert_eq!(config.schedule.to_string(), "0 * * * *");
    assert!(loaded.warnings.is_empty());
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_trusted_here_and_not_elsewhere() {
    let trust = |host: &str| loaded(&good().replace("'192.168.0.10'", host)).config.server;
    assert!(trust("'.'").trust_server_certificate);
    assert!(trust("'localhost\\SQLEXPRESS'").trust_server_certificate);
    assert!(!trust("'192.168.0.10'").trust_server_certificate);
    assert!(trust("'192.168.0.10'\ntrust_server_certificate = true").trust_server_certificate);
    assert!(!trust("'.'\ntrust_server_certificate = false").trust_server_certificate);
    assert_eq!(trust("'.'").service, Some(crate::platform::sql_service(None)));
    assert_eq!(trust("'.'\nservice = ''").service, None);
}

#[test]
fn everything_that_is_wrong_is_told_at_once_in_the_order_of_the_lines() {
    let text = r#"version = 2
lingua = "pt"
[shop]
cnpj = "11.222.333/0001-82"
[server]
host = "a b"
port = 99999
trust_server_certificate = "yes"
login = "sql"
password = "segredo em claro"
[backup]
databases = ["A", "B"]
archive_name = "NUL"
folder = 'Backup'
folder_seen_by_server = 'aqui'
schedule = "0 25 * * *"
retry_wait = "5"
reserve = 2
slots_floor = 0
too_old = "1 min"
floor = 6
[terminal]
allow_same_volume = 1
[log]
days = 30
"#;
    let findings = Shop::new(text).load().unwrap_err();
    assert!(!format!("{findings:?}").contains("segredo"), "a secret is never repeated");
    let shown: Vec<_> = findings.iter().map(|it| it.problem.text(Language::Portuguese)).collect();
    let example = crate::platform::backup_folder().display().to_string();
    insta::assert_snapshot!(shown.join("\n").replace(&example, "<pasta>"));
}

#[test]
fn misspelt_and_misplaced_keys_are_told_with_the_right_one() {
    let unknown = |line: &str| instead("version", &format!("version = 1\n{line}")).join("; ");
    assert!(unknown("langage = \"pt\"").ends_with("did you mean language?"));
    assert!(unknown("port = 1433").ends_with("did you mean server.port?"));
    assert!(unknown("xyz = 1").ends_with("a key of the reference (config/REFERENCIA.md)"));
    assert!(unknown("floor = 6").ends_with("did you mean backup.slots_floor?"));
    assert!(wrong("version = 1\nserver = 1")[0].contains("a section [server]"));
    assert!(instead("user", "usr = 'x'").join("; ").contains("did you mean server.user?"));
    assert!(instead("folder = ", "foldr = 'x'").join("; ").contains("did you mean backup.folder?"));
    assert!(instead("[shop]", "[shopp]").join("; ").contains("shopp"));
}

#[test]
fn every_value_of_the_wrong_form_is_told_with_the_right_form() {
    assert_eq!(
        instead("legal_name", "legal_name = 5"),
        ["3 shop.legal_name: 5 -> the company's legal name, in quotes"]
    );
    assert_eq!(
        instead("legal_name", "legal_name = ' '"),
        ["3 shop.legal_name:  -> the company's legal name, in quotes"]
    );
    assert_eq!(instead("user", "user = true"), ["6 server.user: true -> a text in quotes"]);
    assert_eq!(
        instead("host", "host = 'srv'\nport = \"1433\""),
        ["6 server.port: 1433 -> a whole number from 1 to 65535"]
    );
    assert_eq!(
        instead("[backup]", "[backup]\nslots_floor = 25")[0],
        "9 backup.slots_floor: 25 -> a whole number from 1 to 24"
    );
    assert_eq!(
        instead("[backup]", "[backup]\nslots_floor = 99999999999999999999")[0],
        "9 backup.slots_floor: 99999999999999999999 -> a whole number from 1 to 24"
    );
    assert_eq!(
        instead("[backup]", "[backup]\ndatabases = [1]")[0],
        "9 backup.databases: […] -> a list of texts, such as [\"MCDados\"]"
    );
    assert_eq!(
        instead("[backup]", "[backup]\ndatabases = []")[0],
        "9 backup.databases: [] -> exactly one database; more than one comes in a later version"
    );
    assert!(instead("[backup]", "[backup]\ndatabases = ['tempdb']")[0].contains("not tempdb"));
    assert!(
        instead("host", "host = 'srv'\nencrypt = 'maybe'")[0].ends_with("\"on\" or \"login\" or \"off\"")
    );
    assert!(instead("host", "host = 'srv\\X'\ninstance = 'Y'")[0].contains("only once"));
    assert!(instead("host", "host = 'srv,1'\nport = 2")[0].contains("only once"));
    assert!(instead("[backup]", "[backup]\nretry_wait = '7 h'")[0].contains("from 0 s to 6 h"));
    assert!(instead("[backup]", "[backup]\nreserve = '2 XB'")[0].contains("a size with its unit"));
    assert!(instead("[backup]", "[backup]\narchive_name = 'a/b'")[0].contains("without slashes"));
    assert!(instead("[backup]", "[backup]\nschedule = ''")[0].contains("five fields"));
}

#[test]
fn the_terminal_is_chosen_explicitly_and_lies_apart() {
    let with = |lines: &str| {
        let good = good();
        let start = good.find("[terminal]").unwrap();
        Shop::new(format!("{}{lines}", &good[..start])).load()
    };
    assert_eq!(with("[terminal]\nlocal_only = true").unwrap().config.terminal, Terminal::LocalOnly);
    assert!(with("").unwrap_err()[0].expected.en.contains("or terminal.local_only = true"));
    let both = format!("[terminal]\nlocal_only = true\nfolder = '{}'", root("mnt/x"));
    assert!(with(&both).unwrap_err()[0].expected.en.contains("not both"));
    for inside in ["srv/Backup", "srv/backup/MCBkp", "srv"] {
        let lines = format!("[terminal]\nfolder = '{}'", root(inside));
        assert!(with(&lines).unwrap_err()[0].expected.en.contains("outside the backup folder"), "{inside}");
    }
    let trial = format!("[terminal]\nfolder = '{}'\nallow_same_volume = true", root("srv/terminal"));
    let expected = Terminal::Folder { path: root("srv/terminal").into(), allow_same_volume: true };
    assert_eq!(with(&trial).unwrap().config.terminal, expected);
    assert!(with("[terminal]\nfolder = 'MCBkp'").unwrap_err()[0].expected.en.contains("the full path"));
    let up = format!("[terminal]\nfolder = '{}'", root("srv/../etc"));
    assert!(with(&up).unwrap_err()[0].expected.en.contains("without “..”"));
    assert!(
        with("[terminal]\nfolder = \"/a\\tb\"").unwrap_err()[0].expected.en.contains("control characters")
    );
}

#[test]
fn a_warning_that_would_come_every_day_is_foretold() {
    let daily = format!("{}\n", good().replace("[backup]", "[backup]\nschedule = '@daily'\ntoo_old = '3 h'"));
    let loaded = loaded(&daily);
    assert_eq!(loaded.config.backup.too_old, Duration::from_secs(3 * 3600));
    assert_eq!(loaded.warnings[0].key, "backup.too_old");
    let unprotected = Shop::new(good().replace("[backup]", "encrypt = 'off'\n[backup]")).load().unwrap();
    assert_eq!(unprotected.warnings[0].key, "server.encrypt");
}

#[test]
fn passwords_come_by_reference_and_are_never_shown() {
    let loaded = loaded(&good());
    let Login::Sql { user, password } = &loaded.config.server.login else { panic!("a SQL login") };
    assert_eq!((user.as_str(), password.expose()), ("dmbackup", PASSWORD));
    let shown =
        format!("{loaded:?} {:#?} {}", loaded.config, serde_json::to_string(&loaded.settings).unwrap());
    assert!(!shown.contains("sésamo"), "{shown}");
    let setting = loaded.settings.iter().find(|setting| setting.key == "server.password").unwrap();
    assert_eq!(setting.value, "***");
    assert_eq!(setting.origin, Origin::Environment { name: "SENHA".to_owned() });
}

#[test]
fn every_way_to_give_no_password_is_told() {
    let told = |line: &str| instead("password", line).join("; ");
    assert!(
        told("password = \"abc123\"").contains("never written here"),
        "{}",
        told("password = \"abc123\"")
    );
    assert!(!told("password = \"abc123\"").contains("abc123"));
    assert!(!told("password = 'abc123").contains("abc123"), "nor where the line cannot be read");
    assert!(!told("password = [\"abc123\"]").contains("abc123"));
    assert!(!told("passwrd = \"abc123\"").contains("abc123"));
    assert!(told("password = \"${NENHUMA}\"").contains("the environment variable NENHUMA"));
    assert!(told("password = \"${VAZIA}\"").contains("the environment variable VAZIA"));
    assert!(told("password = \"${A B}\"").contains("never written here"));
    assert!(told("").contains("server.password_file:  -> the file with the password"));
    assert!(told("password = '${SENHA}'\npassword_file = 'x'").contains("from one place"));
    assert!(instead("user", "").join("; ").contains("server.user:  -> the login of SQL Server"));
    assert!(instead("user", "login = 'integrated'").join("; ").contains("neither user nor password"));
}

/// The good configuration with the password in a file, made so that only its owner may read it.
fn with_secret_file(content: &str) -> Shop {
    let shop = Shop::new(good().replace("password = \"${SENHA}\"", "password_file = 'senha.txt'"));
    let mut options = fs::OpenOptions::new();
    crate::platform::private(options.write(true).create(true).truncate(true));
    let mut file = options.open(shop.folder.path().join("senha.txt")).unwrap();
    std::io::Write::write_all(&mut file, content.as_bytes()).unwrap();
    shop
}

#[test]
fn a_password_may_stand_in_a_file_that_only_its_owner_reads() {
    let shop = with_secret_file("abre-te sésamo\r\nresto\n");
    let loaded = shop.load().unwrap();
    let Login::Sql { password, .. } = &loaded.config.server.login else { panic!("a SQL login") };
    assert_eq!(password.expose(), PASSWORD);
    let setting = loaded.settings.iter().find(|setting| setting.key == "server.password").unwrap();
    let path = shop.folder.path().join("senha.txt").display().to_string();
    assert_eq!(setting.origin, Origin::SecretFile { path });

    let told = |shop: &Shop| shop.load().unwrap_err()[0].problem.clone();
    assert!(told(&with_secret_file("\n")).sentence.en.ends_with("is empty."));
    open_to_everybody(&shop.folder.path().join("senha.txt"));
    assert!(told(&shop).sentence.en.ends_with("may be read by other users."));
    fs::remove_file(shop.folder.path().join("senha.txt")).unwrap();
    assert!(told(&shop).sentence.en.contains("cannot be read"));
    assert_eq!(told(&shop).code, Code::ConfigSecret);
}

#[test]
fn every_value_in_force_is_shown_with_where_it_came_from() {
    let loaded = loaded(&good());
    let known: Vec<_> = reference().iter().map(|doc| doc.key).collect();
    let shown: Vec<_> = loaded.settings.iter().map(|setting| setting.key.as_str()).collect();
    assert_eq!(shown, known);
    let setting = |key: &str| loaded.settings.iter().find(|setting| setting.key == key).unwrap();
    assert_eq!(setting("server.host").origin, Origin::File { line: 5 });
    assert_eq!(setting("backup.too_old").value, "3 h");
    assert_eq!(setting("backup.too_old").origin, Origin::Default);
    assert_eq!(setting("backup.reserve").value, "1 GB");
    let json = serde_json::to_string(&loaded.settings).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Setting>>(&json).unwrap(), loaded.settings);
}

#[test]
fn a_changed_file_is_noticed_and_so_is_a_changed_password() {
    let shop = with_secret_file("um");
    let first = shop.load().unwrap();
    assert_eq!(fingerprint(&shop.path()).unwrap(), first.fingerprint);
    fs::write(shop.folder.path().join("senha.txt"), "dois").unwrap();
    let second = fingerprint(&shop.path()).unwrap();
    assert_ne!(second, first.fingerprint);
    fs::write(shop.path(), good()).unwrap();
    assert_ne!(fingerprint(&shop.path()).unwrap(), second);
    fs::remove_file(shop.path()).unwrap();
    assert!(fingerprint(&shop.path()).is_err());
}

/// On Unix taking the read-only mark from a file lets everybody write it.
#[cfg(not(windows))]
#[expect(clippy::permissions_set_readonly_false, reason = "that is what the test needs")]
fn open_to_everybody(path: &Path) {
    let mut permissions = fs::metadata(path).unwrap().permissions();
    permissions.set_readonly(false);
    fs::set_permissions(path, permissions).unwrap();
}

#[cfg(windows)]
fn open_to_everybody(path: &Path) {
    // S-1-1-0 is everybody, in a system of any language.
    let mut change = std::process::Command::new("icacls");
    assert!(change.arg(path).args(["/grant", "*S-1-1-0:(M)"]).status().unwrap().success());
}

#[test]
fn what_ordinary_users_may_write_is_refused_by_a_service() {
    let shop = Shop::new(good());
    assert!(shop.load_as(true).is_ok());
    open_to_everybody(&shop.path());
    let refused = shop.load_as(true).unwrap_err();
    assert_eq!(refused[0].problem.code, Code::ConfigWritable);
    let warned = shop.load_as(false).unwrap();
    assert_eq!(warned.warnings[0].problem.code, Code::ConfigWritable);
}

#[test]
fn a_file_that_is_no_configuration_is_told_as_what_it_is() {
    let told = |shop: &Shop| {
        let findings = shop.load().unwrap_err();
        (findings[0].problem.code, findings[0].problem.text(Language::English))
    };
    let gone = Shop::new("");
    fs::remove_file(gone.path()).unwrap();
    assert_eq!(told(&gone).0, Code::ConfigMissing);
    fs::create_dir(gone.path()).unwrap();
    assert_eq!(told(&gone).0, Code::ConfigUnreadable);
    assert!(told(&gone).1.contains("it is a folder"));

    let binary: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    assert!(told(&Shop::new(&binary)).1.contains("not a text in UTF-8"));
    let notepad: Vec<u8> = "\u{feff}version = 1".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(told(&Shop::new(&notepad)).1.contains("save it again from Notepad"));
    let enormous = vec![b'#'; usize::try_from(LARGEST_BYTES).unwrap() + 1];
    assert!(told(&Shop::new(&enormous)).1.contains("too large"));

    let empty = wrong("");
    assert_eq!(empty[0], "version:  -> 1");
    assert!(empty.iter().any(|finding| finding.starts_with("shop.legal_name")), "{empty:?}");
    assert!(wrong("\0\0\0\0").len() <= 11);
}

#[test]
fn files_of_windows_editors_are_read() {
    let windows = format!("\u{feff}{}", good().replace('\n', "\r\n"));
    let loaded = loaded(&windows);
    assert_eq!(
        loaded.settings.iter().find(|it| it.key == "server.host").unwrap().origin,
        Origin::File { line: 5 }
    );
}

#[test]
fn a_line_that_cannot_be_read_is_told_with_its_number_and_hides_no_other() {
    let text = good().replace(
        &format!("folder = '{}'", root("srv/Backup")),
        "folder = \"C:\\MBHSist\\Backup\"\nreserve = '2 XB'",
    );
    let told = wrong(&text);
    assert!(told[0].starts_with("9 : "), "{told:?}");
    assert!(told[0].contains("in single quotes"), "{told:?}");
    assert!(told.iter().any(|finding| finding.starts_with("10 backup.reserve")), "{told:?}");
    assert!(!told.iter().any(|finding| finding.contains("backup.folder:")), "not also as missing: {told:?}");
    assert!(wrong("version = 1\nversion = 1")[0].contains("only once"));
    assert!(
        wrong("[shop\n").iter().all(|finding| !finding.contains("version")),
        "keys may only seem to be missing"
    );
}

#[test]
fn ways_to_tell_people_are_off_until_they_are_whole() {
    assert!(loaded(&good()).config.alert.is_empty());
    let with = |sections: &str| format!("{}{sections}", good());
    let config = loaded(&with(
        "[alert.email]\nto = ['a@b.c']\nhost = 'smtp.x'\nuser = 'loja@x.y'\npassword = '${SENHA}'\nsecurity = 'tls'\n",
    ))
    .config;
    let email = config.alert.email.as_ref().unwrap();
    assert_eq!((email.port, email.from.as_str()), (465, "loja@x.y"));
    assert_eq!(
        config.secrets().iter().map(|secret| secret.expose()).collect::<Vec<_>>(),
        [PASSWORD, PASSWORD]
    );
    let plain = loaded(&with("[alert.email]\nto = ['a@b.c']\nhost = 'smtp.x'\n")).config.alert.email.unwrap();
    assert_eq!((plain.port, plain.from.as_str(), plain.login), (587, "a@b.c", None));
    for (sections, expected) in [
        ("[alert.email]\nhost = 'smtp.x'\n", "alert.email.to"),
        ("[alert.email]\nto = ['a@b.c']\n", "alert.email.host"),
        ("[alert.email]\nto = ['a@b.c', 'x']\nhost = 'smtp.x'\n", "alert.email.to"),
        ("[alert.email]\nto = ['a@b.c']\nhost = 'smtp.x:25'\n", "alert.email.host"),
        ("[alert.email]\nto = ['a@b.c']\nhost = 'smtp.x'\nuser = 'u'\n", "alert.email.password_file"),
        ("[alert.email]\nto = ['a@b.c']\nhost = 'smtp.x'\npassword = '${SENHA}'\n", "alert.email.user"),
        ("[alert.email]\nto = ['a@b.c']\nhost = 'x'\nsecurity = 'none'\n", "alert.email.security"),
        ("[alert.webhook]\nurl = 'https://x/y'\n", "alert.webhook.url"),
        ("[alert.webhook]\nurl = '${SENHA}'\n", "alert.webhook.url"),
        ("[alert.telegram]\nchat = '1'\n", "alert.telegram.token_file"),
        ("[alert.telegram]\ntoken = '${NOTHING}'\nchat = '1'\n", "alert.telegram.token"),
        ("[alert.heartbeat]\nurl_file = 'none.txt'\n", "alert.heartbeat.url_file"),
    ] {
        let wrong = wrong(&with(sections));
        assert!(
            wrong.iter().all(|line| line.contains(expected)) && wrong.len() == 1,
            "{sections}: {wrong:?}"
        );
        assert!(!wrong[0].contains("https://x/y") && !wrong[0].contains(PASSWORD), "{wrong:?}");
    }
}

#[test]
fn a_secret_address_is_shown_by_where_it_comes_from() {
    let shop =
        Shop { variables: vec![("SENHA", PASSWORD), ("URL", " https://x/t0ken ")], ..Shop::new(good()) };
    fs::write(shop.path(), good() + "[alert.webhook]\nurl = '${URL}'\n").unwrap();
    let loaded = shop.load().unwrap();
    assert_eq!(loaded.config.alert.webhook.unwrap().url.expose(), "https://x/t0ken");
    let setting = loaded.settings.iter().find(|setting| setting.key == "alert.webhook.url").unwrap();
    assert_eq!(
        (setting.value.as_str(), &setting.origin),
        ("***", &Origin::Environment { name: "URL".to_owned() })
    );
    assert!(loaded.settings.iter().all(|setting| !setting.value.contains("t0ken")));
}

#[test]
fn a_flood_of_mistakes_is_told_in_bounded_length_and_time() {
    let most = usize::try_from(LARGEST_BYTES).unwrap();
    let floods = ["=\n", "a]\n", "[[[", "a={b={", "x\u{301}", "'''", "version=1\n", "\\"];
    for flood in floods {
        let text = flood.repeat(most / flood.len());
        assert!(wrong(&text).len() <= 200, "{flood}");
    }
    let keys: String = (0..most / 12).map(|number| format!("k{number} = 1\n")).collect();
    assert!((100..=120).contains(&wrong(&keys[..most.min(keys.len())]).len()));
}

#[test]
fn explicit_paths_win_and_are_absolute() {
    assert!(find_path(Some(Path::new("x.toml"))).is_absolute());
    assert_eq!(state_path(Some(Path::new("/s"))), std::path::absolute("/s").unwrap());
    assert!(find_path(None).is_absolute());
    assert!(state_path(None).is_absolute());
}

fn read_any(text: &str) -> Read {
    read(text, &World { path: Path::new("/none/dmbackup.toml"), environment: &|_| None })
}

proptest! {
    #[test]
    fn any_bytes_are_told_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(!Shop::new(&bytes).load().unwrap_err().is_empty());
    }

    #[test]
    fn any_text_is_told_without_a_panic(text in "([a-z]{0,4}|[\\[\\]{}='\".#\\\\\n, 0-9]|\\PC){0,60}") {
        let read = read_any(&text);
        prop_assert!(read.config.is_none());
        prop_assert!(!read.findings.is_empty());
    }

    #[test]
    fn a_mutated_configuration_is_read_or_told_without_a_panic(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..6),
    ) {
        let mut bytes = good().into_bytes();
        for (at, byte, kind) in edits {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte % 128),
                _ => drop(bytes.remove(at)),
            }
        }
        let read = read_any(&String::from_utf8_lossy(&bytes));
        prop_assert_eq!(read.config.is_some(), read.findings.is_empty());
        for finding in &read.findings {
            prop_assert!(!finding.expected.pt.is_empty() && !finding.expected.en.is_empty());
        }
    }

    #[test]
    fn database_names_are_what_sql_server_takes(name in "\\PC{0,130}") {
        if let Ok(accepted) = DatabaseName::new(&name) {
            prop_assert!(accepted.as_str().encode_utf16().count() <= 128);
            let json = serde_json::to_string(&accepted).unwrap();
            prop_assert_eq!(serde_json::from_str::<DatabaseName>(&json).unwrap(), accepted);
        }
    }
}

/// A head office that is in order, below the good configuration.
fn chain(statement: &str) -> String {
    format!(
        "{}[head_office]\nserver = 'matriz.exemplo.com.br,1433'\ndatabase = 'Rede'\nuser = 'loja'\n\
         password = \"${{SENHA}}\"\nstatement = '{statement}'\n",
        good()
    )
}

#[test]
fn a_statement_for_the_head_office_says_which_address_and_whose() {
    let office = loaded(&chain("UPDATE Lojas SET Ip = @ip WHERE Loja = @loja")).config.head_office.unwrap();
    assert_eq!((office.server.host.as_str(), office.server.port), ("matriz.exemplo.com.br", Some(1433)));
    assert_eq!(
        wrong(&chain("SELECT @loja"))[0],
        "17 head_office.statement: SELECT @loja -> a statement that stores @ip"
    );
    let whose = wrong(&chain("UPDATE Lojas SET Ip = @ip"));
    assert!(whose[0].ends_with("a statement that says whose address it is, by @loja or @cnpj"), "{whose:?}");
    let no_cnpj = wrong(&chain("EXEC GravaIp @cnpj, @ip"));
    assert!(no_cnpj[0].ends_with("shop.cnpj as well, since the statement uses @cnpj"), "{no_cnpj:?}");
    let long = format!("UPDATE Lojas SET Ip = @ip WHERE Loja = @loja --{}", "x".repeat(4_000));
    assert!(wrong(&chain(&long))[0].ends_with("a statement of up to 4000 characters"));
    assert_eq!(loaded(&good()).config.head_office, None);
}

#[test]
fn every_secret_is_known_to_whoever_must_hide_them() {
    let loaded = loaded(&chain("UPDATE Lojas SET Ip = @ip WHERE Loja = @loja"));
    assert_eq!(loaded.config.secrets().len(), 2);
    assert!(loaded.settings.iter().all(|setting| !setting.value.contains(PASSWORD)));
    let password = loaded.settings.iter().find(|setting| setting.key == "head_office.password").unwrap();
    assert_eq!(password.origin, Origin::Environment { name: "SENHA".to_owned() });
}
