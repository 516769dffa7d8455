//! «Testar» beside each way on which people are told.

use super::buttons::Shown;
use super::made_up;
use crate::agent::history::tests::problem;
use crate::alert::Channel;
use crate::config::{Origin, Setting};
use crate::control::link::Link;
use crate::control::protocol::ConfigView;
use crate::problem::Code;
use crate::window::clerk::{Ask, News};
use crate::window::ui::Page;
use crate::words::Language;
use slint::platform::Key;
use std::sync::Arc;

/// A shop that has every way, or all but one.
fn configuration(without: Option<Channel>) -> ConfigView {
    let setting = |key: &str, value: &str| Setting {
        key: key.to_owned(),
        value: value.to_owned(),
        origin: Origin::Default,
    };
    let keys = ["email.to", "email.host", "webhook.url", "telegram.chat", "telegram.token", "heartbeat.url"];
    let value = |key: &str| {
        let is_out = without.is_some_and(|channel| key.starts_with(channel.name()));
        if is_out { "" } else { "***" }
    };
    let alerts = keys.iter().map(|key| setting(&format!("alert.{key}"), value(key)));
    let before = made_up::configuration().settings.into_iter();
    let settings = before.filter(|setting| !setting.key.starts_with("alert.")).chain(alerts).collect();
    ConfigView { settings, ..made_up::configuration() }
}

fn open(language: Language, without: Option<Channel>) -> Shown {
    let mut shown = Shown::open(language, made_up::well());
    shown.window.invoke_open(Page::Config);
    shown.learn(News::Config(configuration(without)));
    shown.asks();
    shown
}

fn label(channel: Channel, language: Language) -> String {
    let title = channel.title();
    let verb = match language {
        Language::Portuguese => "Testar",
        Language::English => "Test",
    };
    format!("{verb} {}", title.get(language))
}

/// Each window of the tests needs a thread of its own.
fn apart(test: impl FnOnce() + Send + 'static) {
    std::thread::spawn(test).join().unwrap();
}

#[test]
fn every_way_that_is_configured_is_tried_and_what_came_of_it_is_told() {
    for (language, going, sent) in [
        (Language::Portuguese, "Enviando o teste…", "Teste enviado"),
        (Language::English, "Sending the trial…", "Trial sent"),
    ] {
        for channel in Channel::ALL {
            apart(move || tried(language, channel, going, sent));
        }
    }
}

fn tried(language: Language, channel: Channel, going: &str, sent: &str) {
    let mut shown = open(language, None);
    let button = label(channel, language);
    assert_eq!(shown.one(&button).accessible_enabled(), Some(true), "{button}");
    shown.press(&button);
    assert_eq!(shown.asks(), [Ask::TestAlert(channel)]);
    assert!(shown.says(going), "{button}");
    assert_eq!(shown.one(&button).accessible_enabled(), Some(false), "{button} goes on already");
    for other in Channel::ALL.into_iter().filter(|other| *other != channel) {
        let other = label(other, language);
        assert_eq!(shown.one(&other).accessible_enabled(), Some(true), "{other} has a way of its own");
    }
    shown.learn(News::AlertTested(channel, Ok(())));
    assert!(shown.says(sent) && !shown.says(going), "{button}");
    shown.press(&button);
    shown.learn(News::AlertTested(channel, Err(problem(Code::AlertUnsent))));
    assert!(shown.says("alert.unsent hint") && !shown.says(sent), "what is wrong and what to do");
    assert_eq!(shown.one(&button).accessible_enabled(), Some(true), "it may be tried again");
}

#[test]
fn a_way_that_is_not_configured_cannot_be_tried_and_says_why() {
    for channel in Channel::ALL {
        apart(move || untried(channel));
    }
}

fn untried(channel: Channel) {
    let shown = open(Language::Portuguese, Some(channel));
    let button = label(channel, Language::Portuguese);
    let why = format!("Os avisos por «{}» não estão configurados.", channel.name());
    assert_eq!(shown.one(&button).accessible_enabled(), Some(false), "{button}");
    assert!(shown.says(&why), "{button}");
    let told = shown.one(&button).accessible_description().unwrap();
    assert!(told.starts_with(why.as_str()) && told.contains("[alert."), "{told}");
    shown.learn(News::Config(configuration(None)));
    assert_eq!(shown.one(&button).accessible_enabled(), Some(true), "{button}: it is configured now");
    assert!(!shown.says(&why));
}

#[test]
fn what_came_of_a_trial_goes_when_its_way_does() {
    let shown = open(Language::Portuguese, None);
    shown.press("Testar e-mail");
    shown.learn(News::AlertTested(Channel::Email, Ok(())));
    shown.learn(News::Config(configuration(Some(Channel::Email))));
    assert!(!shown.says("Teste enviado"));
}

#[test]
fn without_an_agent_nothing_is_tried() {
    let shown = open(Language::Portuguese, None);
    shown.learn(News::Link(Link::Lost(problem(Code::AgentMissing))));
    assert_eq!(shown.one("Testar e-mail").accessible_enabled(), Some(false));
    shown.learn(News::Link(Link::Reached(Arc::new(made_up::well()))));
    assert_eq!(shown.one("Testar e-mail").accessible_enabled(), Some(true));
}

#[test]
fn the_keyboard_reaches_every_button_and_the_settings_between_them() {
    let mut shown = open(Language::Portuguese, None);
    // Over the six names of pages to the list, and on to its four buttons.
    let tab = |times: usize| (0..times).for_each(|_| shown.type_keys(&String::from(char::from(Key::Tab))));
    tab(7);
    shown.type_keys(&String::from(char::from(Key::PageDown)));
    for _ in Channel::ALL {
        tab(1);
        shown.type_keys(" ");
    }
    let tried = Channel::ALL.map(Ask::TestAlert);
    assert_eq!(shown.asks(), tried);
}
