//! What the window shows of the world outside the shop: «Atualizar IP», and a newer version.

use super::buttons::Shown;
use super::made_up;
use crate::agent::history::tests::{at, problem};
use crate::agent::status::{HeadOfficeView, Status};
use crate::control::link::Link;
use crate::head_office::{AddressReport, AddressSent};
use crate::problem::Code;
use crate::update::{NewVersion, VersionView};
use crate::window::clerk::{Ask, News};
use crate::words;
use crate::words::Language;
use std::sync::Arc;

fn version(view: VersionView) -> News {
    News::Link(Link::Reached(Arc::new(Status { version: view, ..made_up::well() })))
}

fn of_a_chain() -> Status {
    let office = HeadOfficeView { server: "matriz,1433".to_owned(), last: None };
    Status { head_office: Some(office), ..made_up::well() }
}

#[test]
fn the_address_is_sent_once_and_old_and_new_are_shown() {
    let mut shown = Shown::open(Language::Portuguese, of_a_chain());
    assert!(!shown.says("está desligado"));
    shown.press("Atualizar IP");
    assert_eq!(shown.asks(), [Ask::UpdateAddress]);
    assert!(shown.says("Enviando o IP à matriz…"));
    assert_eq!(shown.one("Atualizar IP").accessible_enabled(), Some(false), "it goes on already");
    let server = "matriz,1433".to_owned();
    let previous = Some(AddressSent { at: at(9), server: server.clone(), address: "192.168.0.4".to_owned() });
    let report = AddressReport { server, previous, address: "10.0.0.7".to_owned(), sent: true, at: at(14) };
    shown.learn(News::AddressUpdated(Ok(report)));
    assert!(shown.says("IP anterior: 192.168.0.4") && shown.says("IP atual:    10.0.0.7"));
    shown.press("Atualizar IP");
    shown.learn(News::AddressUpdated(Err(problem(Code::HeadOfficeUnknownStore))));
    assert!(shown.says("head-office.unknown-store") && !shown.says("10.0.0.7"));
    shown.learn(News::Link(Link::Reached(Arc::new(made_up::well()))));
    assert_eq!(shown.one("Atualizar IP").accessible_enabled(), Some(false));
    assert!(shown.says("esta loja não tem uma matriz na configuração"), "off, and why");
}

#[test]
fn a_newer_version_is_shown_with_its_notes() {
    let shown = Shown::open(Language::English, made_up::well());
    assert!(!shown.says("newer version"));
    let notes = words!("Mais rápido.\nMais bonito.", "Faster.\nNicer.");
    let newer = NewVersion { version: "9.1.0".to_owned(), notes, expires: at(20) };
    let version = VersionView { newer: Some(newer), looked_at: Some(at(9)), ..VersionView::default() };
    shown.learn(self::version(version));
    assert!(shown.says("There is a newer version: 9.1.0\n  Faster.\n  Nicer."));
}

#[test]
fn why_nothing_is_known_of_newer_versions_stands_under_about() {
    let shown = Shown::open(Language::Portuguese, made_up::well());
    shown.press("Sobre");
    shown.learn(version(VersionView { off: Some(problem(Code::UpdateOff)), ..VersionView::default() }));
    assert!(shown.says("update.off hint"));
    let unreachable =
        VersionView { problem: Some(problem(Code::UpdateUnreachable)), ..VersionView::default() };
    shown.learn(version(unreachable));
    assert!(shown.says("update.unreachable hint") && !shown.says("update.off"));
    shown.learn(version(VersionView { looked_at: Some(at(9)), ..VersionView::default() }));
    assert!(shown.says("Não há versão mais nova (visto em 22/11/2026 09:00)."));
}

#[test]
fn without_a_configuration_that_is_what_the_address_waits_for() {
    let shown = Shown::open(Language::Portuguese, made_up::unconfigured());
    assert_eq!(shown.one("Atualizar IP").accessible_enabled(), Some(false));
    assert!(shown.says("«Atualizar IP» espera uma configuração válida"));
    assert!(!shown.says("não tem uma matriz"));
}
