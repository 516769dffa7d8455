//! The command line over a real agent: list, restore, drop, replace, who may.

use crate::support::agent::{AgentProcess, Shop};
use crate::support::sqlserver::{PASSWORD, StandIn};
use dmbackup::agent::status::Activity;
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn at_work(server: &StandIn) -> (Shop, AgentProcess) {
    let shop = Shop::new();
    shop.configure(server.handle.address().port());
    let mut agent = shop.run();
    agent.wait_for("Backup realizado no servidor");
    shop.until(|status| status.activity == Activity::Waiting && status.last.is_some());
    (shop, agent)
}

#[test]
fn a_person_lists_restores_looks_and_removes() {
    let server = StandIn::start();
    let (shop, agent) = at_work(&server);
    let listed = shop.ctl(&["restore", "--list", "--json"]).json()["sources"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 6, "newest, hour, weekday, here and there: {listed}");
    assert!(listed[0]["verified"]["pt"].is_string() && listed[0]["server"].is_string(), "{listed}");
    let people = shop.ctl(&["restore", "--list"]);
    assert!(people.out.contains("conferido em") && people.out.contains("No terminal:"), "{people:?}");
    let folder = shop.path("terminal").display().to_string();
    let there = shop.ctl(&["restore", "--list", "--from", &folder, "--json"]).json();
    assert_eq!(there["sources"][0]["database"], "MCDados");

    let plan = shop.ctl(&["restore", "--from", "newest", "--dry-run"]);
    assert_eq!(plan.exit, 0, "{plan:?}");
    assert!(plan.out.contains("RESTORE DATABASE [MCDados_restaurado_") && plan.out.contains("DBCC CHECKDB"));

    let said = shop.ctl(&["restore", "--from", "newest", "--terminal", "--wait"]);
    assert_eq!(said.exit, 0, "{said:?}");
    assert!(said.out.contains("DBCC CHECKDB: nenhum erro") && said.out.contains("5 tabelas"), "{said:?}");
    let report = shop.ctl(&["status", "--json"]).json()["last_restore"].clone();
    let target = report["target"].as_str().unwrap().to_owned();
    assert!(!report["by"].as_str().unwrap().is_empty(), "who asked: {report}");
    assert!(shop.ctl(&["status"]).out.contains("Última restauração:"));
    let busy = shop.ctl(&["restore", "--drop", "MCDados", "--wait"]);
    assert_eq!(busy.exit, 13, "{busy:?}");
    assert_eq!(shop.ctl(&["restore", "--drop", &target, "--wait"]).exit, 0);
    let past = shop.ctl(&["restore", "--past", "--json"]).json();
    assert_eq!(past["restores"].as_array().unwrap().len(), 3);
    assert_eq!(agent.terminate().code(), Some(0));
}

#[test]
fn a_replacement_wants_the_name_and_is_undone_by_a_command() {
    let server = StandIn::start();
    let (shop, _agent) = at_work(&server);
    let unconfirmed = shop.ctl(&["restore", "--from", "newest", "--replace", "--json"]);
    assert_eq!(unconfirmed.exit, 2, "{unconfirmed:?}");
    let said = shop.ctl(&["restore", "--from", "newest", "--replace", "--confirm", "MCDados", "--wait"]);
    assert_eq!(said.exit, 0, "{said:?}");
    assert!(said.out.contains("backup de segurança:") && said.out.contains("MCDados_antes_"), "{said:?}");
    assert_eq!(shop.ctl(&["backup", "--wait"]).exit, 0, "the restored database is backed up");
    assert_eq!(shop.ctl(&["restore", "--undo", "--confirm", "MCDados", "--wait"]).exit, 0);
    assert_eq!(shop.ctl(&["restore", "--release", "--confirm", "MCDados", "--wait"]).exit, 13);
}

#[test]
fn the_checklist_is_ticked_item_by_item_and_survives_the_end_of_the_agent() {
    let server = StandIn::start();
    let (shop, agent) = at_work(&server);
    let replace = ["restore", "--from", "newest", "--replace", "--confirm", "MCDados", "--wait"];
    let said = shop.ctl(&replace);
    assert!(said.exit == 0 && said.out.contains("[ ] vendas: uma venda baixa o estoque"), "{said:?}");
    let release = ["restore", "--release", "--confirm", "MCDados", "--wait"];
    let refused = shop.ctl(&release);
    assert_eq!(refused.exit, 13, "{refused:?}");
    assert!(refused.out.contains("! ") && refused.out.contains("(lancamentos)"), "{refused:?}");
    let told = shop.ctl(&["status", "--json"]).json();
    assert_eq!(told["last_restore"]["problems"][0]["code"], "restore.checklist", "{told}");

    let said = shop.ctl(&["restore", "--tick", "vendas,fiscal", "--tick", "lançamentos"]);
    assert_eq!(said.exit, 0, "{said:?}");
    assert!(
        said.out.contains("[x] vendas") && said.out.contains("falta conferir: compras, usuarios"),
        "{said:?}"
    );
    assert_eq!(shop.ctl(&["restore", "--tick", "estoque"]).exit, 2);
    assert_eq!(agent.terminate().code(), Some(0));

    let mut agent = shop.run();
    agent.wait_for("Verificando último backup realizado...");
    let status = shop.ctl(&["status"]);
    assert!(status.out.contains("falta conferir: compras, usuarios"), "{status:?}");
    assert!(status.out.contains("Banco anterior:") && status.out.contains("MCDados_antes_"), "{status:?}");
    let told = shop.ctl(&["status", "--json"]).json();
    assert_eq!(
        told["replacement"]["ticked"],
        serde_json::json!(["vendas", "fiscal", "lancamentos"]),
        "{told}"
    );
    assert_eq!(told["replacement"]["missing"], serde_json::json!(["compras", "usuarios"]));
    assert_eq!(told["last_restore"]["task"]["task"], "release", "a tick is no restore: {told}");
    assert_eq!(shop.ctl(&release).exit, 13);

    let said = shop.ctl(&["restore", "--tick", "all"]);
    assert!(said.exit == 0 && said.out.contains("restore --release"), "{said:?}");
    assert_eq!(shop.ctl(&release).exit, 0);
    assert!(shop.ctl(&["status", "--json"]).json()["replacement"].is_null());
    let past = shop.ctl(&["restore", "--past"]);
    assert!(
        past.out.contains("conferência depois da restauração: vendas, fiscal, lancamentos (por "),
        "{past:?}"
    );
    assert_eq!(agent.terminate().code(), Some(0));
}

#[test]
fn only_an_administrator_or_an_administrators_login_replaces() {
    let server = StandIn::start();
    let (shop, _agent) = at_work(&server);
    let replace = ["restore", "--from", "newest", "--replace", "--confirm", "MCDados", "--wait"];
    if rustix::process::geteuid().is_root() {
        for words in [&replace[..], &["restore", "--from", "newest"], &["restore", "--list", "--from", "/"]] {
            let said = shop.ctl_as_nobody(words);
            assert_eq!(said.exit, 13, "{words:?}: {said:?}");
        }
        assert_eq!(shop.ctl_as_nobody(&["restore", "--list"]).exit, 0, "everybody may look");
    }
    let file = shop.path("senha-sa.txt");
    fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let login = ["--admin-user", "sa", "--admin-password-file", file.to_str().unwrap()];
    let said = shop.ctl(&[&replace[..], &login].concat());
    assert_eq!(said.exit, 0, "{said:?}");
    let wrong = ["--admin-user", "ninguem", "--admin-password-file", file.to_str().unwrap()];
    let refused = shop.ctl(&[&["restore", "--from", "newest", "--wait"][..], &wrong].concat());
    assert_eq!(refused.exit, 5, "{refused:?}");
    for folder in ["estado", "servidor"] {
        let told = shop.files(folder).into_iter().any(|path| {
            let text = fs::read(shop.path(folder).join(path)).unwrap();
            text.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes())
        });
        assert!(!told, "the typed password stands nowhere in {folder}");
    }
}
