//! Alerts that get out of the shop: the agent as a process, and real servers that take them.

mod servers;

use crate::support::agent::{AgentProcess, Shop};
use crate::support::sqlserver::StandIn;
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use servers::{Certificates, Server, free_port};
use std::fmt::Write;
use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

const USER: &str = "loja@example.com";
const PASSWORD: &str = "m4il-s3cr3t";
const TOKEN: &str = "123456:t3l3gr4m-s3cr3t";
const WEBHOOK: &str = "w3bh00k-s3cr3t";
const BEAT: &str = "b34t-s3cr3t";

/// Everything that must not be found anywhere.
const SECRETS: [&str; 5] = [PASSWORD, "t3l3gr4m-s3cr3t", WEBHOOK, BEAT, TOKEN];

/// A shop, its SQL Server, and the sections of its configuration below `[terminal]`.
struct Scene {
    server: StandIn,
    shop: Shop,
    sections: String,
}

impl Scene {
    fn new() -> Self {
        Self { server: StandIn::start(), shop: Shop::new(), sections: String::new() }
    }

    fn secret(&self, name: &str, text: &str) {
        let path = self.shop.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }

    fn mail(mut self, port: u16, security: &str, password: &str) -> Self {
        self.secret("email.txt", password);
        write!(
            self.sections,
            "[alert.email]\nto = ['dono@example.com', 'suporte@example.com']\nhost = 'localhost'\nport = {port}\n\
             security = '{security}'\nuser = '{USER}'\npassword_file = 'email.txt'\n"
        )
        .unwrap();
        self
    }

    fn webhook(mut self, url: &str) -> Self {
        self.secret("webhook.txt", &format!("{url}/{WEBHOOK}"));
        self.sections.push_str("[alert.webhook]\nurl_file = 'webhook.txt'\n");
        self
    }

    fn telegram(mut self, port: u16) -> Self {
        self.secret("telegram.txt", TOKEN);
        write!(
            self.sections,
            "[alert.telegram]\nchat = '-100'\ntoken_file = 'telegram.txt'\nbase_url = 'http://127.0.0.1:{port}'\n"
        )
        .unwrap();
        self
    }

    fn heartbeat(mut self, port: u16) -> Self {
        self.secret("sinal.txt", &format!("http://127.0.0.1:{port}/{BEAT}"));
        self.sections.push_str("[alert.heartbeat]\nurl_file = 'sinal.txt'\n");
        self
    }

    /// Writes the configuration.
    fn configured(self) -> Self {
        self.shop.configure_with(self.server.handle.address().port(), "retry_wait = '0 s'");
        let path = self.shop.path("dmbackup.toml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text + &self.sections).unwrap();
        self
    }

    /// Has the next two backups fail.
    fn fail_twice(&self) {
        let fault = Fault::at(StatementKind::Backup, Action::DiskFull { bytes: 4_096 });
        self.server.handle.instance().faults.inject(fault.times(2));
    }

    /// Lets a backup be made.
    fn backup(&self) {
        let said = self.shop.ctl(&["backup", "--wait"]);
        assert_eq!(said.exit, 0, "{said:?}");
    }

    /// The rows of the alerts that wait: way and vain tries.
    fn waiting(&self) -> Vec<(String, u32)> {
        let file = self.shop.path("estado/journal.sqlite");
        let read = || -> rusqlite::Result<Vec<(String, u32)>> {
            let journal = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            let mut rows = journal.prepare("SELECT channel, tries FROM alert ORDER BY number")?;
            rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        // The agent may not have made the file yet.
        read().unwrap_or_default()
    }

    /// Waits until what waits is as `wanted`.
    #[expect(clippy::disallowed_methods, reason = "another process writes the file")]
    fn until_waiting(&self, wanted: impl Fn(&[(String, u32)]) -> bool) {
        let begun = Instant::now();
        while !wanted(&self.waiting()) {
            assert!(begun.elapsed() < Duration::from_secs(60), "in vain: {:?}", self.waiting());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// No secret stands in the log, in a report for support, in what is shown of the configuration or the status.
    fn is_discreet(&self) {
        let zip = self.shop.path("relatorio.zip");
        let report = self.shop.ctl(&["report", zip.to_str().unwrap()]);
        assert_eq!(report.exit, 0, "{report:?}");
        let mut zip = zip::ZipArchive::new(fs::File::open(zip).unwrap()).unwrap();
        let mut texts: Vec<String> =
            (0..zip.len()).map(|at| std::io::read_to_string(zip.by_index(at).unwrap()).unwrap()).collect();
        for entry in fs::read_dir(self.shop.path("estado/log")).unwrap() {
            texts.push(fs::read_to_string(entry.unwrap().path()).unwrap());
        }
        for words in
            [&["config", "show"][..], &["config", "show", "--in-force"], &["status", "--json"], &["check"]]
        {
            let said = self.shop.ctl(words);
            texts.push(format!("{}{}", said.out, said.err));
        }
        let journal = fs::read(self.shop.path("estado/journal.sqlite")).unwrap();
        texts.push(String::from_utf8_lossy(&journal).into_owned());
        for secret in SECRETS {
            let found = texts.iter().find(|text| text.contains(secret));
            assert!(found.is_none(), "{secret} in {found:?}");
        }
    }
}

fn body(told: &Value) -> Value {
    serde_json::from_str(told["body"].as_str().unwrap()).unwrap()
}

fn first_backup(scene: &Scene) -> AgentProcess {
    let mut agent = scene.shop.run();
    agent.wait_for("Backup realizado no servidor");
    agent
}

#[test]
fn a_failure_and_its_end_are_told_by_every_way_and_tell_no_secret() {
    let scene = Scene::new();
    let certificates = Certificates::make(&scene.shop.path("."));
    let (mail, webhook) =
        (Server::mail("starttls", USER, PASSWORD, &certificates), Server::secure_web(&certificates));
    let (telegram, heartbeat) = (Server::web(200), Server::web(200));
    let mut scene = scene
        .mail(mail.port(), "starttls", PASSWORD)
        .webhook(&format!("https://localhost:{}", webhook.port()))
        .telegram(telegram.port())
        .heartbeat(heartbeat.port())
        .configured();
    scene.shop.set("SSL_CERT_FILE", &certificates.authority);
    scene.fail_twice();
    let mut agent = scene.shop.run();
    agent.wait_for("Backup não realizado; nova tentativa");
    agent.wait_for("Backup não realizado");

    let letter = mail.next();
    assert_eq!((letter["from"].as_str(), letter["secure"].as_bool()), (Some(USER), Some(true)), "{letter}");
    assert_eq!(letter["to"], serde_json::json!(["dono@example.com", "suporte@example.com"]));
    let message = letter["message"].as_str().unwrap();
    assert!(message.contains("Subject: ") && message.contains("Auto-Submitted: auto-generated"), "{message}");
    let told = webhook.next();
    assert_eq!(told["path"], format!("/{WEBHOOK}"));
    let json = body(&told);
    assert_eq!(
        (json["topic"].as_str(), json["severity"].as_str()),
        (Some("second-failure"), Some("alert")),
        "{json}"
    );
    assert_eq!(json["shop"]["legal_name"], "Farmácia São José Ltda");
    assert!(json["text"].as_str().unwrap().contains("Ainda não há nenhum bom backup."), "{json}");
    let told = telegram.next();
    assert_eq!(told["path"], format!("/bot{TOKEN}/sendMessage"));
    assert_eq!(body(&told)["chat_id"], "-100");
    assert!(body(&told)["text"].as_str().unwrap().contains("Backup não realizado"), "{told}");
    let beats: Vec<_> = (0..3).map(|_| heartbeat.next()).collect();
    let paths: Vec<_> = beats.iter().map(|beat| beat["path"].as_str().unwrap()).collect();
    assert_eq!(paths, [format!("/{BEAT}/start"), format!("/{BEAT}/start"), format!("/{BEAT}/fail")]);
    let end = beats[2]["body"].as_str().unwrap();
    assert!(end.starts_with("[space.full]") && end.contains("status line=\"Making the backup...\""), "{end}");

    scene.backup();
    assert_eq!(body(&webhook.next())["topic"], "recovered");
    assert!(body(&telegram.next())["text"].as_str().unwrap().contains("Voltou ao normal"), "its end is told");
    assert!(mail.next()["message"].as_str().unwrap().contains("DMBackup"));
    assert_eq!(heartbeat.next()["path"], format!("/{BEAT}/start"));
    assert_eq!(heartbeat.next()["path"], format!("/{BEAT}"));
    scene.backup();
    assert_eq!(heartbeat.next()["path"], format!("/{BEAT}/start"));
    assert_eq!(heartbeat.next()["path"], format!("/{BEAT}"));
    scene.until_waiting(<[_]>::is_empty);
    assert!(
        [&mail, &webhook, &telegram].into_iter().all(|way| way.rest().is_empty()),
        "all is well, and all is silent"
    );
    scene.is_discreet();
    assert_eq!(agent.terminate().code(), Some(0));
}

#[test]
fn each_way_can_be_tried_and_says_why_nothing_gets_out() {
    let scene = Scene::new();
    let certificates = Certificates::make(&scene.shop.path("."));
    let mail = Server::mail("tls", USER, PASSWORD, &certificates);
    let (refusing, telegram, heartbeat) = (Server::web(403), Server::web(200), Server::web(200));
    let mut scene = scene
        .mail(mail.port(), "tls", PASSWORD)
        .webhook(&format!("http://127.0.0.1:{}", refusing.port()))
        .telegram(telegram.port())
        .heartbeat(heartbeat.port())
        .configured();
    let agent = first_backup(&scene);
    heartbeat.next();
    heartbeat.next();
    let said = scene.shop.ctl(&["alert", "--test", "telegram"]);
    assert_eq!((said.exit, said.out.as_str()), (0, "Telegram: enviado\n"), "{said:?}");
    assert!(body(&telegram.next())["text"].as_str().unwrap().contains("Não é preciso fazer nada"));
    // Nobody vouches for the mail server's certificate, and the webhook says no.
    let said = scene.shop.ctl(&["alert", "--test"]);
    assert_eq!(said.exit, 9, "{said:?}");
    for part in ["e-mail: NÃO ENVIADO", "webhook: NÃO ENVIADO", "Telegram: enviado", "sinal de vida: enviado"]
    {
        assert!(said.out.contains(part), "{part}: {said:?}");
    }
    assert!(said.err.contains("certificate") && said.err.contains("HTTP 403"), "{said:?}");
    assert!(SECRETS.iter().all(|secret| !said.err.contains(secret)), "{said:?}");
    assert_eq!(heartbeat.next()["path"], format!("/{BEAT}/log"), "a trial is no sign of life");
    assert!(mail.rest().is_empty());
    agent.kill();

    // The certificate is trusted now, but the password is another.
    scene.shop.set("SSL_CERT_FILE", &certificates.authority);
    scene.secret("email.txt", "wr0ng-s3cr3t");
    let agent = first_backup_or_more(&scene);
    let said = scene.shop.ctl(&["alert", "--test", "email", "--json"]);
    assert_eq!(said.exit, 9, "{said:?}");
    let problem = said.json()["alerts"][0]["problem"]["sentence"]["pt"].as_str().unwrap().to_owned();
    assert!(problem.contains("535") && !problem.contains("wr0ng"), "{problem}");
    agent.kill();
    scene.secret("email.txt", PASSWORD);
    let agent = first_backup_or_more(&scene);
    assert_eq!(scene.shop.ctl(&["alert", "--test", "email"]).exit, 0);
    assert_eq!(mail.next()["secure"], true);
    scene.is_discreet();
    drop(agent);
}

/// The agent once it answers; a backup may or may not be due.
fn first_backup_or_more(scene: &Scene) -> AgentProcess {
    let mut agent = scene.shop.run();
    agent.wait_for("Aguardando tarefas");
    agent
}

#[test]
fn a_way_that_is_not_configured_says_so() {
    let scene = Scene::new().configured();
    let agent = first_backup(&scene);
    let said = scene.shop.ctl(&["alert", "--test", "email"]);
    assert_eq!(said.exit, 3, "{said:?}");
    assert!(said.err.contains("[alert.email]"), "{said:?}");
    let said = scene.shop.ctl(&["alert", "--test"]);
    assert!(said.exit == 0 && said.out.contains("Nenhum caminho está configurado"), "{said:?}");
    drop(agent);
}

#[test]
fn what_cannot_be_sent_is_sent_when_the_server_is_back_even_after_a_kill() {
    let (first, second) = (free_port(), free_port());
    let scene = Scene::new().webhook(&format!("http://127.0.0.1:{first}")).telegram(second).configured();
    scene.fail_twice();
    let agent = scene.shop.run();
    let in_vain = |ways: &[(String, u32)]| ways.len() == 2 && ways.iter().all(|(_, tries)| *tries > 0);
    scene.until_waiting(in_vain);
    // One server comes back while the agent works.
    let webhook = Server::web_at(first, 204);
    assert_eq!(body(&webhook.next())["topic"], "second-failure");
    scene.until_waiting(|ways| ways.len() == 1);
    // The other one after the agent was killed.
    agent.kill();
    assert_eq!(scene.waiting()[0].0, "telegram");
    let telegram = Server::web_at(second, 200);
    let agent = scene.shop.run();
    assert!(body(&telegram.next())["text"].as_str().unwrap().contains("Backup não realizado"));
    scene.until_waiting(<[_]>::is_empty);
    assert!(webhook.rest().is_empty(), "what was sent is not sent again");
    drop(agent);
}

#[test]
fn what_does_not_get_out_is_told_inside_the_shop() {
    let scene = Scene::new().webhook(&format!("http://127.0.0.1:{}", free_port())).configured();
    scene.fail_twice();
    let agent = scene.shop.run();
    scene.until_waiting(|ways| ways.iter().any(|(_, tries)| *tries >= 3));
    let said = scene.shop.ctl(&["check"]);
    assert!(said.out.contains("O aviso por webhook não foi enviado"), "{said:?}");
    drop(agent);
}

#[test]
fn a_server_that_hangs_holds_up_neither_backups_nor_the_end() {
    // It takes connections and never answers.
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = hanging.local_addr().unwrap().port();
    let scene = Scene::new().mail(port, "tls", PASSWORD).telegram(port).heartbeat(port).configured();
    scene.fail_twice();
    let mut agent = scene.shop.run();
    agent.wait_for("Backup não realizado; nova tentativa");
    agent.wait_for("Backup não realizado");
    scene.until_waiting(|ways| ways.iter().any(|(way, _)| way == "email"));
    for _ in 0..2 {
        scene.backup();
    }
    assert_eq!(agent.terminate().code(), Some(0));
    let ways: Vec<_> = scene.waiting().into_iter().map(|(way, _)| way).collect();
    assert!(ways.contains(&"email".to_owned()) && ways.contains(&"telegram".to_owned()), "{ways:?}");
}
