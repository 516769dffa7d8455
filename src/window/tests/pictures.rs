//! Every page and state as a picture, in `target/screens`: light and dark, at 100 % and 200 %. That something is drawn is
//! asserted; whether it is good to look at, people see.

use super::problems::real;
use super::sight::Sight;
use super::{made_up, restoring};
use crate::agent::history::tests::at;
use crate::agent::status::{RestoreTestView, Status};
use crate::agent::testing::{running, unhealthy};
use crate::alert::Channel;
use crate::backup::outcome::{CopyReport, Outcome};
use crate::control::client::Accepted;
use crate::control::link::Link;
use crate::cycle::catalogue::Severity;
use crate::platform::{Drive, Space};
use crate::problem::Code;
use crate::restore::outcome::Item;
use crate::window::clerk::News;
use crate::window::ui::Page;
use crate::words::Language;
use slint::platform::Key;
use std::path::PathBuf;

#[test]
fn every_page_is_drawn_in_every_state() {
    home();
    journal_and_configuration();
    manual();
    restore();
    closing();
}

fn home() {
    let sight = Sight::open(Language::Portuguese);
    sight.size(820, 760, 100);
    sight.status(made_up::well()).take("home-well");
    sight.click(460.0, 445.0).take("home-chosen");
    sight.status(made_up::working()).take("home-working");
    sight.status(made_up::pending()).take("home-warning");
    sight.status(made_up::stopped()).take("home-failed");
    let well = made_up::well;
    let untested = RestoreTestView { next_due: Some(at(24 + 9)), ..RestoreTestView::default() };
    sight.status(Status { restore_test: untested, ..well() }).take("home-untested");
    let failed = made_up::tested(Some(real(Code::ArchiveDamaged)));
    let alert = unhealthy(Severity::Alert, real(Code::ArchiveDamaged));
    sight
        .status(Status { restore_test: failed, checks: alert.checks, health: alert.health, ..well() })
        .take("home-test-failed");
    let overdue = unhealthy(Severity::Warning, real(Code::RestoreTestMissing));
    sight
        .status(Status { checks: overdue.checks, health: overdue.health, ..well() })
        .take("home-test-overdue");
    sight.status(made_up::long()).take("home-long");
    sight.status(made_up::stopped());
    sight.learn(News::Done(Err(real(Code::AgentForbidden)))).take("home-refused");
    sight.learn(News::Link(Link::Lost(real(Code::AgentMissing)))).take("home-unreachable");
    let sight = Sight::open(Language::Portuguese);
    sight.status(made_up::unconfigured()).take("home-unconfigured");
    let sight = Sight::open(Language::Portuguese);
    sight.take("home-starting");
    let sight = Sight::open(Language::English);
    sight.status(made_up::well()).take("home-english");
    english(&sight);
    sight.page(Page::Home);
    sight.size(546, 307, 250);
    sight.take_one("home-english-light-250-small");
    let narrow = Sight::open(Language::Portuguese);
    narrow.status(made_up::pending());
    narrow.size(546, 307, 250);
    narrow.take_one("home-light-250-small");
    sight.key(Key::Tab).key(Key::Tab).key(Key::Tab).take_one("home-focus-light-250-small");
}

/// The other pages in English, whose words are longer or shorter.
fn english(sight: &Sight) {
    sight.page(Page::Journal).learn(News::Journal(Ok(made_up::runs())));
    sight.click(120.0, 350.0).take("journal-english");
    sight.page(Page::Config).take("config-english");
    sight.page(Page::Manual).take("manual-english");
    sight.page(Page::Restore).learn(News::Sources(Ok((restoring::sources(), None))));
    sight.window.invoke_file_chosen(1);
    sight.take("restore-english");
    sight.page(Page::About).take("about-english");
    sight.page(Page::Close).take("close-english");
}

fn journal_and_configuration() {
    let sight = Sight::open(Language::Portuguese);
    sight.size(820, 760, 100);
    sight
        .status(made_up::well())
        .page(Page::Journal)
        .learn(News::Journal(Ok(made_up::runs())))
        .take("journal");
    sight.click(120.0, 350.0).take("journal-details");
    sight.learn(News::Journal(Err(real(Code::Journal)))).take("journal-broken");
    sight.page(Page::Config).take("config");
    sight.window.invoke_test_alert("email".into());
    sight.take("config-testing");
    sight.learn(News::AlertTested(Channel::Email, Ok(()))).take("config-tested");
    sight.learn(News::AlertTested(Channel::Email, Err(real(Code::AlertUnsent)))).take("config-test-failed");
    sight.status(made_up::unconfigured()).take("config-errors");
    sight.page(Page::About).take("about");
}

fn manual() {
    let sight = Sight::open(Language::Portuguese);
    let space = |free: u64, total: u64| Some(Space { free_bytes: free << 30, total_bytes: total << 30 });
    let drive = |path: &str, name: &str, removable, space| Drive {
        path: PathBuf::from(path),
        name: name.to_owned(),
        removable,
        space,
    };
    let drives = vec![
        drive(r"C:\", "Windows", false, space(80, 200)),
        drive(r"D:\", "Dados", false, space(320, 500)),
        drive(r"E:\", "PENDRIVE", true, space(27, 29)),
    ];
    sight.status(made_up::well()).page(Page::Manual);
    sight.learn(News::Drives(drives)).take("manual");
    sight.window.invoke_folder_chosen(r"E:\".into());
    sight.learn(News::Space(r"E:\".to_owned(), Ok(Space { free_bytes: 27 << 30, total_bytes: 29 << 30 })));
    sight.take("manual-chosen");
    let run = running(43.0).run.unwrap().id;
    sight.window.invoke_manual_start();
    sight
        .learn(News::Manual(Ok(Accepted { run, joined: false })))
        .status(made_up::working())
        .take("manual-working");
    let path = r"E:\MCDados.zip".to_owned();
    let copy =
        CopyReport { path, done: true, from_medium: Some(true), links_pending: false, bytes_per_sec: None };
    let mut report = made_up::full_run(14, Outcome::Success, &[]);
    (report.id, report.manual) = (run, Some(copy));
    sight.learn(News::Run(run, Some(Box::new(report)))).status(made_up::well()).take("manual-made");
    sight.window.invoke_manual_start();
    sight.learn(News::Manual(Err(real(Code::ManualReplace)))).take("manual-replace");
}

fn restore() {
    let sight = Sight::open(Language::Portuguese);
    sight.status(made_up::well()).page(Page::Restore);
    sight.learn(News::Sources(Ok((restoring::sources(), None)))).take("restore");
    sight.window.invoke_file_chosen(1);
    sight.take("restore-chosen");
    sight.click(300.0, 560.0).take("restore-replace");
    sight.status(restoring::going()).take("restore-working");
    let (beside, replaced) = (restoring::beside(), restoring::replaced());
    // What came of it stands at the top of a page that is opened anew.
    let anew = || {
        sight.page(Page::Home).draw();
        sight.page(Page::Restore).learn(News::Sources(Ok((restoring::sources(), None))))
    };
    anew();
    sight.learn(News::Restores(vec![beside.clone()])).status(restoring::ended(beside)).take("restore-beside");
    anew().learn(News::Restores(vec![replaced]));
    sight.status(restoring::standing(&Item::ALL[..2])).take("restore-replaced");
    anew().status(restoring::standing(&Item::ALL)).take("restore-ticked");
    anew().learn(News::Restores(Vec::new())).status(restoring::cut()).take("restore-cut");
    sight.learn(News::Restore(Err(real(Code::AgentForbidden)))).take("restore-refused");
}

fn closing() {
    let sight = Sight::open(Language::Portuguese);
    sight.status(made_up::well()).page(Page::Close).take("close");
    sight.learn(News::Quit(Err(real(Code::AgentPassword)))).take("close-wrong");
    sight.page(Page::Close).learn(News::Quit(Err(real(Code::AgentRunGoesOn)))).take("close-running");
}
