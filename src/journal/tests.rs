//! Tests of the journal: what was written is read back, and a broken journal stops nothing.

use super::*;
use crate::backup::outcome::{CopyReport, Phase, PhaseTime, Purpose, Trigger};
use crate::clock::SystemClock;
use chrono::TimeDelta;
use rusqlite::Connection;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;
use uuid::Uuid;

fn journal(state: &TempDir) -> Journal {
    Journal::open(state.path(), Arc::new(SystemClock))
}

fn file(state: &TempDir) -> PathBuf {
    state.path().join("journal.sqlite")
}

fn at(minute: i64) -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339("2026-11-22T09:30:00-03:00").unwrap() + TimeDelta::minutes(minute)
}

fn report(sequence: u64, outcome: Option<Outcome>) -> RunReport {
    RunReport {
        id: Uuid::new_v4(),
        sequence,
        trigger: Trigger::Schedule,
        purpose: Purpose::Rotation,
        attempt: 1,
        hour: 9,
        started_at: at(sequence as i64),
        finished_at: outcome.map(|_| at(sequence as i64 + 1)),
        outcome,
        database: "MCDados".to_owned(),
        phases: vec![PhaseTime { phase: Phase::Preparing, millis: 12 }],
        level: None,
        bak_bytes: 1000 + sequence,
        zip_bytes: 250,
        bak_sha256: "ab".repeat(32),
        zip_sha256: "cd".repeat(32),
        verdict: None,
        server: None,
        terminal: None,
        manual: None,
        problems: vec![Problem::internal("só um teste")],
    }
}

/// A journal that holds two finished runs, an event and a pending copy, closed again.
fn written() -> TempDir {
    let state = tempfile::tempdir().unwrap();
    let journal = journal(&state);
    journal.begin(&report(1, None)).unwrap();
    journal.finish(&report(2, Some(Outcome::Success))).unwrap();
    journal.event(EventKind::Released, &Words::same("03h")).unwrap();
    journal.set_pending(&[PendingCopy { hour: 9, sequence: 2, extra: false }]).unwrap();
    assert_eq!(journal.problem(), None);
    state
}

/// It works, and says that it was begun anew.
fn was_begun_anew(state: &TempDir, aside: &str) {
    let journal = journal(state);
    let problem = journal.problem().unwrap();
    assert_eq!(problem.code, Code::Journal);
    assert!(problem.sentence.pt.contains(aside), "{}", problem.sentence.pt);
    assert!(state.path().join(aside).exists());
    assert_eq!(journal.runs(10, None).unwrap(), []);
    assert_eq!(journal.events(10).unwrap()[0].kind, EventKind::Journal);
    let next = report(3, Some(Outcome::Success));
    journal.finish(&next).unwrap();
    assert_eq!(journal.problem(), None, "told once, until a run was written");
    assert_eq!(journal.last().unwrap(), Some(next));
}

#[test]
fn every_run_is_read_back_whole_and_in_order() {
    let state = tempfile::tempdir().unwrap();
    let journal = journal(&state);
    let mut first = report(1, None);
    journal.begin(&first).unwrap();
    assert_eq!(journal.last().unwrap(), Some(first.clone()));
    first.outcome = Some(Outcome::Success);
    first.phases.push(PhaseTime { phase: Phase::Dumping, millis: 3_210 });
    journal.update(&first).unwrap();
    journal.finish(&first).unwrap();
    let [failed, warned] = [report(2, Some(Outcome::Failed)), report(3, Some(Outcome::Warning))];
    journal.finish(&failed).unwrap();
    journal.finish(&warned).unwrap();
    assert_eq!(journal.runs(10, None).unwrap(), [warned.clone(), failed.clone(), first.clone()]);
    assert_eq!(journal.runs(1, None).unwrap(), std::slice::from_ref(&warned));
    assert_eq!(journal.runs(9, Some(Outcome::Failed)).unwrap(), std::slice::from_ref(&failed));
    assert_eq!(journal.run(first.id).unwrap(), Some(first));
    assert_eq!(journal.run(Uuid::nil()).unwrap(), None);
    assert_eq!(journal.last_good().unwrap().as_ref(), Some(&warned));
    journal.finish(&report(4, Some(Outcome::Cancelled))).unwrap();
    assert_eq!(journal.last_database_bytes().unwrap(), Some(warned.bak_bytes));
}

#[test]
fn what_another_process_left_unfinished_is_interrupted_once() {
    let state = written();
    let journal = journal(&state);
    let interrupted = journal.interrupt_unfinished(at(60)).unwrap();
    assert_eq!(interrupted.len(), 1);
    assert_eq!(interrupted[0].sequence, 1);
    assert_eq!(interrupted[0].outcome, Some(Outcome::Interrupted));
    assert_eq!(interrupted[0].problems[0].code, Code::RunInterrupted);
    assert_eq!(journal.run(interrupted[0].id).unwrap().as_ref(), Some(&interrupted[0]));
    assert_eq!(journal.interrupt_unfinished(at(61)).unwrap(), []);
}

#[test]
fn sequence_numbers_only_rise_whatever_was_lost() {
    let state = written();
    let next = journal(&state).next_sequence(0);
    assert_eq!(next, 3);
    assert_eq!(journal(&state).next_sequence(0), 4);
    assert_eq!(journal(&state).next_sequence(70), 71, "a backup's manifest knows of a later one");
    assert_eq!(journal(&state).next_sequence(3), 72);
    fs::remove_file(file(&state)).unwrap();
    assert_eq!(journal(&state).next_sequence(72), 73);
}

#[test]
fn pending_copies_and_events_outlive_the_process() {
    let state = written();
    let again = journal(&state);
    assert_eq!(again.pending().unwrap(), [PendingCopy { hour: 9, sequence: 2, extra: false }]);
    assert_eq!(again.events(5).unwrap()[0].text, Words::same("03h"));
    again.set_pending(&[]).unwrap();
    assert_eq!(journal(&state).pending().unwrap(), []);
}

#[test]
fn a_copy_that_was_made_up_stands_in_the_row_of_its_run_and_in_no_other() {
    let state = tempfile::tempdir().unwrap();
    let journal = journal(&state);
    for sequence in 1..=3 {
        let mut run = report(sequence, Some(Outcome::Warning));
        run.terminal = Some(CopyReport {
            path: "/t".to_owned(),
            done: false,
            from_medium: None,
            links_pending: sequence == 2,
            bytes_per_sec: None,
        });
        journal.finish(&run).unwrap();
    }
    journal.arrived(&[]).unwrap();
    journal.arrived(&[1, 2]).unwrap();
    let copies = journal.runs(10, None).unwrap().into_iter().map(|run| run.terminal.unwrap());
    let found: Vec<_> = copies.map(|copy| (copy.done, copy.links_pending)).collect();
    assert_eq!(found, [(false, false), (true, false), (true, false)], "newest first");
}

#[test]
fn a_file_that_is_garbage_is_set_aside_and_a_new_one_begun() {
    let state = written();
    fs::write(file(&state), b"this was a journal once, and then the disk began to fail".repeat(400)).unwrap();
    was_begun_anew(&state, "journal.sqlite.corrupt-1");
    fs::write(file(&state), [0xA5; 9_000]).unwrap();
    was_begun_anew(&state, "journal.sqlite.corrupt-2");
}

#[test]
fn a_damaged_page_is_found_at_the_start() {
    let state = written();
    let mut bytes = fs::read(file(&state)).unwrap();
    let pages = bytes.len() / 4096;
    for page in 1..pages {
        bytes[page * 4096..page * 4096 + 100].fill(0xEE);
    }
    fs::write(file(&state), bytes).unwrap();
    was_begun_anew(&state, "journal.sqlite.corrupt-1");
}

#[test]
fn a_truncated_file_is_set_aside_and_an_empty_one_filled() {
    let state = written();
    let bytes = fs::read(file(&state)).unwrap();
    fs::write(file(&state), &bytes[..bytes.len() / 2]).unwrap();
    was_begun_anew(&state, "journal.sqlite.corrupt-1");
    fs::write(file(&state), b"").unwrap();
    let journal = journal(&state);
    assert_eq!(journal.problem(), None);
    journal.finish(&report(1, Some(Outcome::Success))).unwrap();
}

#[test]
fn a_newer_versions_file_is_kept_for_it() {
    let state = written();
    Connection::open(file(&state)).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    was_begun_anew(&state, "journal.sqlite.newer-1");
}

#[test]
fn another_programs_database_is_not_written_into() {
    let state = tempfile::tempdir().unwrap();
    Connection::open(file(&state)).unwrap().execute_batch("CREATE TABLE theirs (a)").unwrap();
    was_begun_anew(&state, "journal.sqlite.corrupt-1");
}

#[test]
fn a_file_without_its_tables_is_set_aside_when_that_shows() {
    let state = written();
    Connection::open(file(&state)).unwrap().execute_batch("DROP TABLE run").unwrap();
    let journal = journal(&state);
    let next = report(9, Some(Outcome::Success));
    journal.finish(&next).unwrap();
    assert_eq!(journal.runs(10, None).unwrap(), [next]);
}

#[test]
fn damage_while_it_runs_is_met_by_a_new_file_at_the_latest_when_it_starts_again() {
    let state = written();
    let running = journal(&state);
    let bytes = fs::read(file(&state)).unwrap();
    fs::write(file(&state), vec![0x5A; bytes.len()]).unwrap();
    // A killed process closes nothing: its log stays, and must not be taken for the new file's.
    let _ = running.finish(&report(9, Some(Outcome::Success)));
    // Windows closes what a killed process had open; as long as it is open nobody can set it aside there.
    if cfg!(windows) {
        drop(running);
    } else {
        std::mem::forget(running);
    }
    was_begun_anew(&state, "journal.sqlite.corrupt-1");
    let again = journal(&state);
    assert_eq!(again.problem(), None);
    assert_eq!(again.last().unwrap().unwrap().sequence, 3);
}

#[test]
fn while_another_program_holds_it_runs_are_kept_in_memory_and_written_later() {
    let state = written();
    let journal = journal(&state);
    let other = Connection::open(file(&state)).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let run = report(5, Some(Outcome::Success));
    let problem = journal.finish(&run).unwrap_err();
    assert_eq!(problem.code, Code::Journal);
    assert!(problem.sentence.pt.contains("outro programa"), "{}", problem.sentence.pt);
    assert_eq!(journal.last().unwrap(), Some(run.clone()), "it is known all the same");
    other.execute_batch("ROLLBACK").unwrap();
    journal.event(EventKind::Stopped, &Words::same("")).unwrap();
    assert_eq!(journal.problem(), None);
    drop(journal);
    assert_eq!(super::Journal::open(state.path(), Arc::new(SystemClock)).last().unwrap(), Some(run));
}

#[test]
fn while_it_cannot_be_read_sequence_numbers_go_on_from_the_last_that_was_known() {
    let state = written();
    let journal = journal(&state);
    assert_eq!(journal.next_sequence(0), 3);
    let other = Connection::open(file(&state)).unwrap();
    other.execute_batch("ALTER TABLE sequence RENAME TO away").unwrap();
    assert_eq!(journal.next_sequence(0), 4);
    assert!(journal.problem().is_some(), "it could not be read");
    other.execute_batch("ALTER TABLE away RENAME TO sequence").unwrap();
    assert_eq!(journal.next_sequence(0), 5);
    drop(journal);
    assert_eq!(self::journal(&state).next_sequence(0), 6);
}

#[test]
fn without_a_state_folder_it_works_in_memory_until_there_is_one() {
    let parent = tempfile::tempdir().unwrap();
    let state = parent.path().join("state");
    let journal = Journal::open(&state, Arc::new(SystemClock));
    assert_eq!(journal.problem().unwrap().code, Code::Journal);
    assert!(journal.last().is_err(), "nothing is known, which is not the same as no runs");
    assert_eq!(journal.next_sequence(6), 7);
    assert_eq!(journal.next_sequence(0), 8);
    let run = report(8, Some(Outcome::Warning));
    journal.finish(&run).unwrap_err();
    journal.set_pending(&[PendingCopy { hour: 1, sequence: 8, extra: false }]).unwrap_err();
    assert_eq!(journal.last_good().unwrap(), Some(run.clone()));
    assert_eq!(journal.pending().unwrap().len(), 1);
    fs::create_dir(&state).unwrap();
    journal.event(EventKind::Started, &Words::same("")).unwrap();
    assert_eq!(journal.problem(), None);
    let again = Journal::open(&state, Arc::new(SystemClock));
    assert_eq!(again.runs(10, None).unwrap(), [run]);
    assert_eq!(again.next_sequence(0), 9);
    assert_eq!(again.pending().unwrap().len(), 1);
}

#[test]
fn it_keeps_a_bounded_number_of_runs_by_count_and_not_by_date() {
    let state = written();
    let connection = Connection::open(file(&state)).unwrap();
    let last = rows::MOST_RUNS + 2;
    connection.execute("UPDATE run SET number = ?1 WHERE number = 2", [last]).unwrap();
    drop(connection);
    let journal = journal(&state);
    journal.finish(&report(3, Some(Outcome::Success))).unwrap();
    let kept: Vec<u64> = journal.runs(10, None).unwrap().iter().map(|run| run.sequence).collect();
    assert_eq!(kept, [3, 2], "the first run is more than the kept number ago");
}

#[test]
fn one_unreadable_row_hides_no_other() {
    let state = written();
    let connection = Connection::open(file(&state)).unwrap();
    connection.execute("UPDATE run SET report = '{\"half\":' WHERE number = 2", []).unwrap();
    drop(connection);
    let runs = journal(&state).runs(10, None).unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].sequence, 1);
}

#[test]
fn only_its_owner_may_read_the_file() {
    let state = written();
    assert!(crate::platform::is_kept_secret(&file(&state)).unwrap());
}

#[test]
fn alerts_to_be_sent_and_what_was_told_outlive_the_process() {
    let state = tempfile::tempdir().unwrap();
    let alert = |number| QueuedAlert {
        number,
        at: at(0),
        channel: "email".to_owned(),
        tries: 2,
        message: "{}".to_owned(),
    };
    let told = Told { topic: "failed".to_owned(), since: Some(at(1)), at: None, open: true };
    {
        let journal = journal(&state);
        journal.set_alerts(&[alert(1), alert(2)]).unwrap();
        journal.set_told(std::slice::from_ref(&told)).unwrap();
        journal.set_alerts(&[alert(2)]).unwrap();
    }
    let journal = journal(&state);
    assert_eq!(journal.alerts().unwrap(), [alert(2)]);
    assert_eq!(journal.told().unwrap(), [told]);
}
