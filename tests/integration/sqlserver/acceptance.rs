//! The happy paths, against the stand-in and, where `DMBACKUP_TEST_SQLSERVER` names one, a real server.

use crate::support::sqlserver::{PROGRAM, request, targets};
use dmbackup::backup::join_as_server;
use dmbackup::sqlserver::statements::Change;
use dmbackup::sqlserver::{
    BackupFile, BackupRequest, DatabaseState, DumpProgress, RestoreRequest, TableCount,
};
use std::sync::Mutex;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_healthy_server_and_database_are_told_with_their_facts() {
    for target in targets() {
        let health = target.server.health(&target.database).await.unwrap();
        assert!(health.facts.version.major >= 10, "{:?}", health.facts);
        assert!(!health.facts.machine.is_empty() && !health.facts.edition.is_empty());
        let database = health.database.expect("the database is there");
        assert_eq!(database.name, target.database.as_str());
        assert_eq!(database.state, DatabaseState::Online);
        assert_eq!(database.suspect_pages, Some(0));
        let (data, used) = (database.data_bytes.unwrap(), database.used_bytes.unwrap());
        assert!(0 < used && used <= data, "{used} of {data}");
        assert!(database.log_bytes.unwrap() > 0);
        assert!(health.rights.sysadmin, "the tests want an administrator");
        assert_eq!(health.rights.missing(), []);
    }
}

#[tokio::test]
async fn a_backup_is_made_verified_and_described_by_the_server() {
    for target in targets() {
        let cancel = CancellationToken::new();
        let wanted =
            BackupRequest { no_compression: true, ..request(target.database.as_str(), &target.device) };
        let seen = Mutex::new(Vec::new());
        let progress = |progress: DumpProgress| seen.lock().unwrap().push(progress);
        let done = target.server.backup(&wanted, &progress, &cancel).await.unwrap();
        assert!(done.session_id > 0);
        let percents: Vec<f32> = seen.into_inner().unwrap().iter().filter_map(|seen| seen.percent).collect();
        assert!(percents.iter().all(|percent| (0.0..=100.0).contains(percent)), "{percents:?}");
        assert!(percents.is_sorted(), "{percents:?}");

        target.server.verify_only(&target.device, &cancel).await.unwrap();
        let headers = target.server.header_only(&target.device, &cancel).await.unwrap();
        assert_eq!(headers.len(), 1, "each backup begins the file anew");
        let header = &headers[0];
        assert_eq!(header.database.as_deref(), Some(target.database.as_str()));
        assert_eq!(header.name.as_deref(), Some(wanted.name.as_str()));
        assert_eq!((header.backup_type, header.position), (1, 1));
        assert!(header.copy_only && header.has_checksums && !header.damaged);
        assert!(header.started_at.unwrap() <= header.finished_at.unwrap());
        assert!(header.bytes.unwrap() > 0);

        let files = target.server.file_list_only(&target.device, &cancel).await.unwrap();
        let kinds: Vec<&str> = files.iter().map(|file| file.kind.as_str()).collect();
        assert!(kinds.contains(&"D") && kinds.contains(&"L"), "{kinds:?}");
        assert!(files.iter().all(|file| !file.logical_name.is_empty() && file.bytes > 0));

        let history = target.server.history(&target.database, 5).await.unwrap();
        let newest = &history[0];
        assert_eq!(newest.kind, "D");
        assert!(newest.copy_only && newest.has_checksums && !newest.damaged);
        assert!(newest.device_path.ends_with(target.device.as_str()), "{}", newest.device_path);
    }
}

#[tokio::test]
async fn a_second_backup_replaces_the_first_in_its_file() {
    for target in targets() {
        let cancel = CancellationToken::new();
        let wanted =
            BackupRequest { no_compression: true, ..request(target.database.as_str(), &target.device) };
        target.server.backup(&wanted, &|_| {}, &cancel).await.unwrap();
        target.server.backup(&wanted, &|_| {}, &cancel).await.unwrap();
        assert_eq!(target.server.header_only(&target.device, &cancel).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn nothing_of_ours_runs_in_a_server_that_was_left_alone() {
    for target in targets() {
        assert_eq!(target.server.program(), PROGRAM);
        assert_eq!(target.server.end_own_statements().await, Ok(0));
    }
}

#[tokio::test]
async fn a_backup_is_restored_beside_proved_counted_renamed_and_removed() {
    const BESIDE: &str = "dmbackup_aceite";
    const RENAMED: &str = "dmbackup_aceite_antes";
    for target in targets() {
        let (server, cancel) = (&target.server, CancellationToken::new());
        for left in [BESIDE, RENAMED] {
            server.drop_database(left).await.unwrap();
        }
        let live = target.database.as_str();
        let wanted = BackupRequest { no_compression: true, ..request(live, &target.device) };
        server.backup(&wanted, &|_| {}, &cancel).await.unwrap();
        let rights = server.restore_rights(live).await.unwrap();
        server.require_exchange(rights, live).unwrap();

        let paths = server.instance_paths().await.unwrap();
        let files = server.file_list_only(&target.device, &cancel).await.unwrap();
        let place = |(number, file): (usize, &BackupFile)| {
            let folder = if file.kind == "L" { &paths.log } else { &paths.data };
            (file.logical_name.clone(), join_as_server(folder, &format!("{BESIDE}_{number}.dbf")))
        };
        let beside = RestoreRequest {
            database: BESIDE.to_owned(),
            device_path: target.device.clone(),
            moves: files.iter().enumerate().map(place).collect(),
            checksum: true,
            replace: false,
        };
        server.restore(&beside, &|_| {}, &cancel).await.unwrap();
        assert_eq!(server.check_database(BESIDE, &|_| {}, &cancel).await.unwrap(), []);

        let counted = server.count_rows(BESIDE, &cancel).await.unwrap();
        let kept = server.kept_row_counts(BESIDE, &cancel).await.unwrap();
        let sorted = |mut counts: Vec<TableCount>| {
            counts.sort();
            counts
        };
        assert_eq!(
            sorted(counted.clone()),
            sorted(kept),
            "what is counted is what the server keeps count of"
        );
        let of_live = server.count_rows(live, &cancel).await.unwrap();
        let tables =
            |counts: &[TableCount]| counts.iter().map(|count| count.table.clone()).collect::<Vec<_>>();
        assert_eq!(tables(&counted), tables(&of_live));
        // msdb notes each backup in its own tables.
        if !live.eq_ignore_ascii_case("msdb") {
            assert_eq!(counted, of_live);
        }

        // The two changes of names by which a database takes another's place, and the way back.
        let made = server.database_identity(BESIDE).await.unwrap().expect("it is there");
        let mut seat = server.take_seat(BESIDE).await.unwrap();
        seat.change(BESIDE, Change::Name(RENAMED)).await.unwrap();
        seat.leave(RENAMED).await.unwrap();
        let renamed = server.database_identity(RENAMED).await.unwrap().expect("it has the other name");
        assert_eq!((renamed.id, renamed.single_user), (made.id, false));
        assert!(server.database_identity(BESIDE).await.unwrap().is_none());
        server.change(RENAMED, Change::Name(BESIDE)).await.unwrap();
        assert!(server.drop_database(BESIDE).await.unwrap());
        assert!(!server.drop_database(BESIDE).await.unwrap(), "it is gone");
    }
}
