//! The report for support, with and without an agent: what is in it, and what never is.

use crate::support::agent::{Said, Shop};
use crate::support::sqlserver::{PASSWORD, StandIn};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// The parts of a report.
fn parts(path: &Path) -> BTreeMap<String, String> {
    let mut zip = zip::ZipArchive::new(File::open(path).unwrap()).unwrap();
    let mut parts = BTreeMap::new();
    for at in 0..zip.len() {
        let mut part = zip.by_index(at).unwrap();
        let mut text = String::new();
        part.read_to_string(&mut text).unwrap();
        parts.insert(part.name().unwrap().into_owned(), text);
    }
    parts
}

fn report(shop: &Shop, file: &str) -> (Said, BTreeMap<String, String>) {
    let path = shop.path(file);
    let said = shop.ctl(&["report", &path.display().to_string()]);
    assert_eq!(said.exit, 0, "{said:?}");
    let parts = parts(&path);
    for (name, text) in &parts {
        assert!(!text.contains(PASSWORD), "the password in {name}");
        assert!(said.out.contains(name.as_str()) || name == "LEIA-ME.txt", "{name} is told: {said:?}");
    }
    (said, parts)
}

fn json(parts: &BTreeMap<String, String>, name: &str) -> serde_json::Value {
    serde_json::from_str(&parts[name]).unwrap()
}

#[test]
fn a_report_tells_support_everything_but_secrets() {
    let server = StandIn::start();
    let shop = Shop::new();
    shop.configure(server.handle.address().port());
    let mut agent = shop.run();
    agent.wait_for("Backup realizado no servidor");
    // Nobody should write a secret into the log; if somebody did, it does not leave the machine.
    fs::write(shop.path("estado/log/0000-00-00.log"), format!("senha {PASSWORD}\n")).unwrap();
    let (said, parts) = report(&shop, "com-agente.zip");
    assert!(said.out.contains("nem dados de clientes"), "{said:?}");
    let system = json(&parts, "system.json");
    assert!(system["sql_server"]["edition"].as_str().is_some_and(|edition| !edition.is_empty()), "{system}");
    assert!(system["volumes"][0]["space"]["free_bytes"].is_number(), "{system}");
    assert_eq!(json(&parts, "status.json")["last"]["outcome"], "success");
    assert_eq!(json(&parts, "journal.json").as_array().unwrap().len(), 1);
    assert!(!json(&parts, "events.json").as_array().unwrap().is_empty());
    let settings = json(&parts, "config.json")["settings"].clone();
    let password = settings.as_array().unwrap().iter().find(|it| it["key"] == "server.password").unwrap();
    assert_eq!(password["value"], "***");
    assert!(parts["log/0000-00-00.log"].contains("senha ***"), "{parts:?}");
    assert!(parts.keys().filter(|name| name.starts_with("log/")).count() > 1, "{:?}", parts.keys());

    let again = shop.ctl(&["report", &shop.path("com-agente.zip").display().to_string(), "--json"]);
    assert_eq!((again.exit, again.json()["problem"]["code"].as_str()), (7, Some("report.unwritable")));
    assert_eq!(agent.terminate().code(), Some(0));

    // The same without the agent: nothing is made or mended in its state.
    let before = shop.files("estado");
    let (said, parts) = report(&shop, "sem-agente.zip");
    assert!(said.out.contains("não está em execução"), "{said:?}");
    assert!(!parts.contains_key("status.json"));
    assert_eq!(json(&parts, "journal.json").as_array().unwrap().len(), 1);
    assert!(!json(&parts, "events.json").as_array().unwrap().is_empty());
    assert_eq!(json(&parts, "checks.json"), serde_json::json!([]));
    let after: Vec<_> =
        shop.files("estado").into_iter().filter(|file| !file.starts_with("journal.sqlite-")).collect();
    assert_eq!(after, before);
}

#[test]
fn a_report_can_be_made_of_a_shop_that_has_nothing_yet() {
    let shop = Shop::new();
    let (_, parts) = report(&shop, "nada.zip");
    assert_eq!(json(&parts, "config.json")["findings"][0]["problem"]["code"], "config.missing");
    assert!(parts["LEIA-ME.txt"].contains("falta"), "{parts:?}");
    assert!(!shop.state().exists(), "nothing is made");
    let folder = shop.ctl(&["report", &shop.path("terminal").display().to_string(), "--json"]).json();
    let name = Path::new(folder["path"].as_str().unwrap()).file_name().unwrap().to_owned();
    assert!(name.to_str().unwrap().starts_with("dmbackup-relatorio-"), "{folder}");
    assert_eq!(shop.files("terminal"), [name.into_string().unwrap()]);
}

#[test]
fn a_report_of_a_broken_configuration_tells_no_secret_either() {
    const WRITTEN: &str = "Escrita-contra-a-regra-1";
    let shop = Shop::new();
    shop.configure(1);
    let path = shop.path("dmbackup.toml");
    let text = fs::read_to_string(&path).unwrap();
    let broken = text
        .replace("password_file", &format!("password = '{WRITTEN}'\npassword_file"))
        .replace("reserve = '0 MB'", "reserve = 'um monte'\n= 7");
    fs::write(&path, broken).unwrap();
    fs::create_dir_all(shop.path("estado/log")).unwrap();
    fs::write(shop.path("estado/log/0000-00-00.log"), format!("senhas {PASSWORD} {WRITTEN}\n")).unwrap();
    let (_, parts) = report(&shop, "quebrada.zip");
    assert!(json(&parts, "config.json")["findings"].as_array().unwrap().len() > 1, "{parts:?}");
    assert_eq!(parts["log/0000-00-00.log"], "senhas *** ***\n");
    for (name, text) in &parts {
        assert!(!text.contains(WRITTEN), "the written password in {name}");
    }
}

#[test]
fn what_is_in_force_is_the_agents_to_tell() {
    let shop = Shop::new();
    assert_eq!(shop.ctl(&["config", "show", "--in-force"]).exit, 12, "there is no agent");
    shop.configure(1);
    let mut agent = shop.run();
    agent.wait_for("Backup não realizado");
    let path = shop.path("dmbackup.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("reserve = '0 MB'", "reserve = 'um monte'")).unwrap();
    assert_eq!(shop.ctl(&["config", "show"]).exit, 3, "the file is broken");
    let in_force = shop.ctl(&["config", "show", "--in-force"]);
    assert_eq!(in_force.exit, 0, "{in_force:?}");
    assert!(in_force.out.contains("[backup]") && in_force.out.contains("  0  (linha 12)"), "{in_force:?}");
    assert!(!in_force.out.contains(PASSWORD), "{in_force:?}");
}
