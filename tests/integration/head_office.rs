//! «Atualizar IP» (DM23) against a head office of its own: what arrives there, and what is told when it does not.

use crate::support::agent::{AgentProcess, Said, Shop};
use crate::support::sql::Application;
use crate::support::sqlserver::{PASSWORD, StandIn};
use fake_sqlserver::error::SqlError;
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use fake_sqlserver::options::DatabaseOptions;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

/// A store's name that would do harm where it were pasted into a statement.
const STORE: &str = "7'; DROP TABLE dbo.Lojas; --";
const STATEMENT: &str = "UPDATE dbo.Lojas SET Ip = @ip WHERE Loja = @loja AND Cnpj = @cnpj";

/// A chain: its head office, and a store with an agent.
struct Chain {
    office: StandIn,
    shop: Shop,
}

impl Chain {
    /// A head office that knows the store, and a store whose own SQL Server is away.
    async fn new() -> Self {
        let office = StandIn::start_with(|options| options.database(DatabaseOptions::rows("Rede", 1)));
        let mut application = Application::connect(&office).await;
        application.run("USE Rede").await;
        application
            .run("CREATE TABLE dbo.Lojas (Loja nvarchar(60), Cnpj nvarchar(14), Ip nvarchar(45))")
            .await;
        let store = STORE.replace('\'', "''");
        application
            .run(&format!("INSERT INTO dbo.Lojas VALUES (N'{store}', N'11222333000181', N'velho')"))
            .await;
        application.run("INSERT INTO dbo.Lojas VALUES (N'8', N'11222333000181', N'outro')").await;
        let shop = Shop::new();
        shop.configure(1);
        fs::write(shop.path("matriz.pem"), pem(office.handle.certificate())).unwrap();
        let chain = Self { office, shop };
        chain.write_secret("senha-matriz.txt", PASSWORD);
        chain
    }

    fn write_secret(&self, name: &str, text: &str) {
        fs::write(self.shop.path(name), text).unwrap();
        fs::set_permissions(self.shop.path(name), Permissions::from_mode(0o600)).unwrap();
    }

    /// Configures the head office; `change` may put something else in the place of a line.
    fn configure(&self, change: &[(&str, &str)]) {
        let port = self.office.handle.address().port();
        let lines = [
            ("server", format!("localhost,{port}")),
            ("database", "Rede".to_owned()),
            ("user", "sa".to_owned()),
            ("password_file", "senha-matriz.txt".to_owned()),
            ("certificate", "matriz.pem".to_owned()),
            ("statement", STATEMENT.to_owned()),
        ];
        let changed = |key: &str| change.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        let lines = lines.iter().map(|(key, value)| (key, changed(key).unwrap_or(value)));
        let lines = lines.filter(|(_, value)| !value.is_empty());
        let section: String = lines.map(|(key, value)| format!("{key} = \"{value}\"\n")).collect();
        let path = self.shop.path("dmbackup.toml");
        let text = fs::read_to_string(&path).unwrap();
        let own = text.split("[head_office]").next().unwrap();
        let own = own.replace(
            "Ltda'\n[server]",
            &format!("Ltda'\nstore = \"{STORE}\"\ncnpj = '11222333000181'\n[server]"),
        );
        fs::write(path, format!("{own}[head_office]\n{section}")).unwrap();
    }

    fn agent(&self) -> AgentProcess {
        let mut agent = self.shop.run();
        agent.wait_for("Verificando último backup realizado...");
        agent
    }

    fn update(&self) -> Said {
        self.shop.ctl(&["head-office", "update", "--json"])
    }

    /// What stands in the head office's table.
    async fn addresses(&self) -> Vec<String> {
        let mut application = Application::connect(&self.office).await;
        application.rows("SELECT Ip FROM Rede.dbo.Lojas").await
    }

    /// Holds that the head office refuses with `code`, and that nothing was stored.
    async fn must_fail(&self, change: &[(&str, &str)], code: &str) -> Said {
        let before = self.addresses().await;
        self.configure(change);
        // A changed configuration is in force after a look at everything.
        self.shop.ctl(&["check"]);
        let said = self.update();
        assert_eq!(said.json()["problem"]["code"], code, "{said:?}");
        assert_eq!(self.addresses().await, before, "{code}");
        assert!(!format!("{said:?}").contains("Segredo"), "no password is told");
        said
    }
}

/// A certificate as a file of text.
fn pem(der: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in der.chunks(48) {
        for three in line.chunks(3) {
            let bits =
                three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
            for at in 0..4 {
                let letter = LETTERS[(bits >> (18 - 6 * at) & 63) as usize] as char;
                text.push(if at <= three.len() { letter } else { '=' });
            }
        }
        text.push('\n');
    }
    text + "-----END CERTIFICATE-----\n"
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_arrives_as_a_parameter_and_old_and_new_are_shown() {
    let chain = Chain::new().await;
    chain.configure(&[]);
    let _agent = chain.agent();
    let looked = chain.shop.ctl(&["head-office", "update", "--dry-run"]);
    assert_eq!(looked.exit, 0, "{looked:?}");
    assert!(
        looked.out.contains("IP anterior: nenhum foi enviado") && looked.out.contains("nada foi enviado"),
        "{looked:?}"
    );
    assert!(chain.addresses().await.iter().any(|row| row.contains("velho")), "a dry run sends nothing");
    assert!(chain.shop.ctl(&["status", "--json"]).json()["head_office"]["last"].is_null());

    let sent = chain.update().json();
    assert_eq!((&sent["sent"], &sent["previous"]), (&true.into(), &serde_json::Value::Null), "{sent}");
    let address = sent["address"].as_str().unwrap().to_owned();
    assert!(
        address.parse::<std::net::IpAddr>().unwrap().is_loopback(),
        "the way to this very machine: {address}"
    );
    let stored = chain.addresses().await;
    assert!(stored.iter().any(|row| row.contains(&address)), "{stored:?}");
    assert!(stored.iter().any(|row| row.contains("outro")), "another store's row is left alone: {stored:?}");

    let again = chain.shop.ctl(&["head-office", "update"]);
    assert!(again.out.contains(&format!("IP anterior: {address} (enviado em ")), "{again:?}");
    let events = chain.shop.ctl(&["status", "--json"]).json();
    assert_eq!(events["head_office"]["last"]["address"], address.as_str(), "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_outlives_the_agent() {
    let chain = Chain::new().await;
    chain.configure(&[]);
    let agent = chain.agent();
    let first = chain.update().json();
    agent.kill();
    let _agent = chain.agent();
    assert_eq!(chain.update().json()["previous"]["address"], first["address"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_stands_in_the_way_is_told_and_nothing_is_stored() {
    let chain = Chain::new().await;
    let other = StandIn::start();
    fs::write(chain.shop.path("outra.pem"), pem(other.handle.certificate())).unwrap();
    fs::write(chain.shop.path("vazio.pem"), "nada").unwrap();
    chain.write_secret("errada.txt", "errada");
    let _agent = chain.agent();

    let off = chain.shop.ctl(&["head-office", "update"]);
    assert_eq!(off.exit, 13, "{off:?}");
    assert!(off.err.contains("[head_office]"), "it says how to switch it on: {off:?}");

    let port = chain.office.handle.address().port();
    let by_address = format!("127.0.0.1,{port}");
    let said = chain.must_fail(&[("certificate", "")], "sql.tls").await;
    assert!(
        said.out.contains("head_office.certificate") && !said.out.contains("trust_server_certificate"),
        "{said:?}"
    );
    chain.must_fail(&[("certificate", "outra.pem")], "sql.tls").await;
    chain.must_fail(&[("server", &by_address)], "sql.tls").await;
    chain.must_fail(&[("certificate", "vazio.pem")], "head-office.certificate").await;
    chain.must_fail(&[("certificate", "nenhum.pem")], "head-office.certificate").await;
    chain.must_fail(&[("password_file", "errada.txt")], "sql.login").await;
    chain.must_fail(&[("server", "localhost,1")], "sql.unreachable").await;
    chain.must_fail(&[("server", "nao-existe.invalid")], "sql.unreachable").await;
    chain.must_fail(&[("database", "NaoExiste")], "database.unavailable").await;
    let said = chain
        .must_fail(
            &[("statement", "UPDATE dbo.Nada SET Ip = @ip WHERE Loja = @loja")],
            "head-office.statement",
        )
        .await;
    assert!(said.out.contains("208"), "the server's own number and words: {said:?}");
    let stranger = "UPDATE dbo.Lojas SET Ip = @ip WHERE Loja = N'x' + @loja";
    chain.must_fail(&[("statement", stranger)], "head-office.unknown-store").await;
    let deadlock = SqlError::new(1205, "Transaction was deadlocked.").class(13);
    chain.office.handle.inject(Fault::at(StatementKind::Change, Action::Error(deadlock)).once());
    chain.must_fail(&[], "head-office.statement").await;

    let sent = chain.update().json();
    assert_eq!(sent["sent"], true, "once everything is right, it goes: {sent}");
}
