//! Dumps that fail, and what is told of them.

use crate::support::sqlserver::{DATABASE, PASSWORD, StandIn, request, silent};
use dmbackup::problem::{Code, Problem};
use dmbackup::sqlserver::BackupRequest;
use fake_sqlserver::database::{Damage, DatabaseState};
use fake_sqlserver::error::SqlError;
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use fake_sqlserver::security::Login;
use tokio_util::sync::CancellationToken;

async fn backup(standin: &StandIn, user: &str, request: &BackupRequest) -> Result<(), Problem> {
    let done = standin.server(user).backup(request, &silent, &CancellationToken::new()).await;
    assert_eq!(standin.lasting_requests(), 0, "nothing is left running");
    done.map(drop)
}

/// What a backup into a good folder comes to when `action` befalls it.
async fn befallen(standin: &StandIn, action: Action) -> Problem {
    standin.handle.inject(Fault::at(StatementKind::Backup, action).once());
    backup(standin, "sa", &request(DATABASE, standin.device("x.bak"))).await.unwrap_err()
}

#[tokio::test]
async fn a_folder_that_the_server_does_not_have_is_told() {
    let standin = StandIn::start();
    let problem = backup(&standin, "sa", &request(DATABASE, "/nao/existe/x.bak")).await.unwrap_err();
    assert_eq!(problem.code, Code::FolderMissing, "{problem}");
    assert!(problem.sentence.pt.contains("/nao/existe/x.bak"));
}

#[tokio::test]
async fn a_folder_without_rights_names_account_folder_and_command() {
    let standin = StandIn::start();
    standin.handle.set_service_account(Some(r"NT Service\MSSQL$SQLEXPRESS".into()));
    let refused = "Cannot open backup device 'C:\\b\\x.bak'. Operating system error 5(Access is denied.).";
    standin
        .handle
        .inject(Fault::at(StatementKind::Backup, Action::Error(SqlError::new(3201, refused))).once());
    let windows = BackupRequest { device_path: r"C:\b\x.bak".into(), ..request(DATABASE, "") };
    let problem = backup(&standin, "sa", &windows).await.unwrap_err();
    assert_eq!(problem.code, Code::FolderServerRights, "{problem}");
    assert!(
        problem.hint.pt.contains(r#"icacls "C:\b" /grant "NT Service\MSSQL$SQLEXPRESS:(OI)(CI)M""#),
        "{problem}"
    );
}

#[tokio::test]
async fn a_disk_that_becomes_full_is_told() {
    let standin = StandIn::start();
    let problem = befallen(&standin, Action::DiskFull { bytes: 300_000 }).await;
    assert_eq!(problem.code, Code::SpaceFull, "{problem}");
}

#[tokio::test]
async fn a_damaged_database_is_told_as_such_and_can_still_be_rescued() {
    let standin = StandIn::start();
    standin.handle.set_damage(DATABASE, Damage::SomePage).unwrap();
    let device = standin.device("x.bak");
    let problem = backup(&standin, "sa", &request(DATABASE, &device)).await.unwrap_err();
    assert_eq!(problem.code, Code::DatabaseDamaged, "{problem}");
    assert!(problem.sentence.pt.contains("(página 1:"), "{problem}");

    let server = standin.server("sa");
    let name = request(DATABASE, "x").database;
    assert!(server.suspect_pages(&name).await.unwrap() > 0, "the server keeps it in mind");
    assert_eq!(server.health(&name).await.unwrap().problems[0].code, Code::DatabaseDamaged);

    let rescue = BackupRequest { continue_after_error: true, ..request(DATABASE, &device) };
    backup(&standin, "sa", &rescue).await.unwrap();
    assert!(server.history(&name, 1).await.unwrap()[0].damaged);
}

#[tokio::test]
async fn a_database_that_is_closed_or_not_there_is_told() {
    let standin = StandIn::start();
    let device = standin.device("x.bak");
    let missing = backup(&standin, "sa", &request("Outro", &device)).await.unwrap_err();
    assert_eq!(missing.code, Code::DatabaseMissing, "{missing}");
    for (state, code) in
        [(DatabaseState::Offline, Code::DatabaseOffline), (DatabaseState::Restoring, Code::DatabaseRestoring)]
    {
        standin.handle.set_state(DATABASE, state).unwrap();
        let problem = backup(&standin, "sa", &request(DATABASE, &device)).await.unwrap_err();
        assert_eq!(problem.code, code, "{problem}");
    }
}

#[tokio::test]
async fn a_login_without_the_right_to_back_up_is_told() {
    let standin = StandIn::start_with(|options| options.login(Login::new("caixa", PASSWORD)));
    let problem = backup(&standin, "caixa", &request(DATABASE, standin.device("x.bak"))).await.unwrap_err();
    assert_eq!(problem.code, Code::SqlRights, "{problem}");
}

#[tokio::test]
async fn names_full_of_marks_reach_the_server_as_they_are() {
    let odd = "Farmácia ]'\" [São João] – 💊";
    let standin = StandIn::start_with(|options| {
        options.database(fake_sqlserver::options::DatabaseOptions::rows(odd, 10))
    });
    let wanted = request(odd, standin.device("D'Ávila ] não.bak"));
    backup(&standin, "sa", &wanted).await.unwrap();
    let headers =
        standin.server("sa").header_only(&wanted.device_path, &CancellationToken::new()).await.unwrap();
    assert_eq!(headers[0].database.as_deref(), Some(odd));
}

#[tokio::test]
async fn what_is_damaged_in_the_file_is_refused_by_the_server() {
    let standin = StandIn::start();
    let (server, cancel) = (standin.server("sa"), CancellationToken::new());
    for (action, title) in [
        (Action::Truncate { bytes: 200_000 }, "truncated"),
        (Action::Flip { byte: 150_000, bit: 3 }, "a flipped bit"),
    ] {
        let wanted = request(DATABASE, standin.device(title));
        standin.handle.inject(Fault::at(StatementKind::Backup, action).once());
        backup(&standin, "sa", &wanted).await.unwrap();
        let problem = server.verify_only(&wanted.device_path, &cancel).await.unwrap_err();
        assert!(problem.code.id().starts_with("backup."), "{title}: {problem}");
    }
    let garbage = standin.device("garbage.bak");
    std::fs::write(&garbage, vec![7; 100_000]).unwrap();
    let problem = server.verify_only(&garbage.display().to_string(), &cancel).await.unwrap_err();
    assert_eq!(problem.code, Code::BackupNotABackup, "{problem}");
    let absent = standin.device("absent.bak").display().to_string();
    assert_eq!(server.verify_only(&absent, &cancel).await.unwrap_err().code, Code::FolderMissing);
}
