//! SQL Server's service as the system's service manager tells of it (DM10): running, stopped, missing, silent.

use crate::support::agent::{AgentProcess, Shop};
use crate::support::sqlserver::StandIn;
use dmbackup::agent::status::Status;
use dmbackup::backup::outcome::Outcome;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

/// Nothing listens at this port of this machine.
const NOBODY: u16 = 1;

/// A `systemctl` that answers as systemd 252 does of one unit, whose state stands in a file beside it; what it was asked is
/// kept in another.
const SYSTEMCTL: &str = r#"#!/bin/sh
here=$(dirname "$0")
echo "$*" >> "$here/asked"
read -r load active < "$here/state"
case "$1" in
show)
    [ "$load" = silent ] && exec sleep 600
    printf 'LoadState=%s\nActiveState=%s\n' "$load" "$active" ;;
start)
    [ -e "$here/may-start" ] || { echo "Failed to start mssql-server.service: Access denied" >&2; exit 4; }
    echo "loaded activating" > "$here/state" ;;
*)
    echo "Unknown command verb $1." >&2; exit 1 ;;
esac
"#;

/// A shop whose service manager says what the test wants.
struct Managed {
    shop: Shop,
}

impl Managed {
    /// The service of SQL Server at `port` is `state`: what systemd loaded of it, and what it does.
    fn at(port: u16, state: &str) -> Self {
        let mut shop = Shop::new();
        shop.configure(port);
        let config = shop.path("dmbackup.toml");
        let text = fs::read_to_string(&config).unwrap();
        fs::write(&config, text.replace("service = ''", "service = 'mssql-server'")).unwrap();
        let programs = shop.path("programas");
        fs::create_dir(&programs).unwrap();
        fs::write(programs.join("systemctl"), SYSTEMCTL).unwrap();
        fs::set_permissions(programs.join("systemctl"), Permissions::from_mode(0o755)).unwrap();
        shop.find_programs_in(programs);
        let managed = Self { shop };
        managed.set(state);
        managed
    }

    fn set(&self, state: &str) {
        let path = self.shop.path("programas/state");
        let beside = path.with_extension("new");
        fs::write(&beside, format!("{state}\n")).unwrap();
        fs::rename(beside, path).unwrap();
    }

    fn asked(&self) -> Vec<String> {
        let asked = fs::read_to_string(self.shop.path("programas/asked")).unwrap();
        asked.lines().map(str::to_owned).collect()
    }

    /// The first run of its agent, which fails.
    fn first_run_fails(&self) -> (AgentProcess, Status) {
        let mut agent = self.shop.run();
        agent.wait_for("Backup não realizado");
        let status = self.shop.until(|status| status.last.is_some());
        assert_eq!(status.last.as_ref().unwrap().outcome, Some(Outcome::Failed), "{status:?}");
        (agent, status)
    }
}

/// The checks that are unhealthy, each with the check that explains it.
fn unhealthy(status: &Status) -> Vec<(&str, Option<&str>)> {
    status.checks.iter().map(|check| (check.id.as_str(), check.explained_by.as_deref())).collect()
}

#[test]
fn a_stopped_service_is_told_with_what_to_do_and_explains_what_follows_from_it() {
    let managed = Managed::at(NOBODY, "loaded inactive");
    let (_agent, status) = managed.first_run_fails();
    let found = unhealthy(&status);
    assert_eq!(found[0], ("service", None), "the cause comes first: {found:?}");
    assert!(found.len() > 1, "the connection and the missing backup are unhealthy too: {found:?}");
    assert!(found[1..].iter().all(|(_, cause)| *cause == Some("service")), "{found:?}");
    let problem = &status.checks[0].problem;
    assert_eq!((problem.code.id(), problem.exit() as u8), ("sql.service-stopped", 4));
    let told = &problem.sentence.pt;
    assert!(told.contains("mssql-server") && told.contains("está parado"), "{told}");
    assert!(problem.hint.pt.contains("Inicie o serviço"), "{}", problem.hint.pt);
    let run = status.last.as_ref().unwrap();
    assert_eq!(run.problems[0].code.id(), "sql.service-stopped", "the run says the cause too: {run:?}");

    let said = managed.shop.ctl(&["check"]);
    assert_eq!(said.exit, 4, "{said:?}");
    assert!(said.out.contains("está parado"), "{said:?}");
    let asked = managed.asked();
    assert_eq!(asked[0], "show --property=LoadState --property=ActiveState -- mssql-server");
    let starts = asked.iter().filter(|line| line.starts_with("start")).collect::<Vec<_>>();
    assert_eq!(starts, ["start --no-block --no-ask-password -- mssql-server"], "once, and then left alone");
}

#[test]
fn a_stopped_service_is_started_where_that_is_allowed_and_the_next_backup_works() {
    let server = StandIn::start();
    let managed = Managed::at(server.handle.address().port(), "loaded failed");
    fs::write(managed.shop.path("programas/may-start"), "").unwrap();
    let mut agent = managed.shop.run();
    agent.wait_for("Backup realizado no servidor e copiado");
    // The stand-in answers all the time: only the service manager says that it does not run.
    let status = managed.shop.until(|status| status.last.is_some());
    assert_eq!(status.last.as_ref().unwrap().outcome, Some(Outcome::Success), "{status:?}");
    assert_eq!(managed.shop.ctl(&["check"]).out, "Tudo certo.\n", "it is on its way up");
    managed.set("loaded active");
    assert_eq!(managed.shop.ctl(&["backup", "--wait"]).exit, 0);
    assert!(managed.asked().iter().any(|line| line.starts_with("start ")));
}

#[test]
fn a_service_that_nobody_knows_or_of_which_nobody_tells_is_the_connections_affair() {
    let server = StandIn::start();
    for state in ["not-found inactive", "silent -"] {
        let managed = Managed::at(server.handle.address().port(), state);
        let (said, exit) = managed.shop.run_with(&["--once"]).ended();
        assert_eq!(exit, Some(0), "{state}: {said}");
        assert!(!said.contains("parado"), "{state}: {said}");
    }
    let managed = Managed::at(NOBODY, "not-found inactive");
    let (_agent, status) = managed.first_run_fails();
    let found = unhealthy(&status);
    assert_eq!(found[0], ("server", None), "{found:?}");
    assert!(found.iter().all(|(id, _)| *id != "service"), "{found:?}");
}
