//! Which matters people are told of, in what words, and not twice. Pure: statuses go in, notices come out; whoever shows or sends
//! them decides nothing. What was told is remembered over restarts, and nothing is told while all is well.

use crate::agent::status::{Status, end_line};
use crate::cycle::catalogue::{Check, CheckId, Severity};
use crate::cycle::health::CheckView;
use crate::journal::Told;
use crate::problem::{Code, Problem};
use crate::words;
use crate::words::{Language, Words, date_time};
use chrono::{DateTime, FixedOffset, TimeDelta};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The same matter is never told again within this time.
const AT_MOST_EACH: TimeDelta = TimeDelta::hours(1);
/// What goes on is told again after this long.
const REMIND_AFTER: TimeDelta = TimeDelta::hours(24);
/// That the data are on one machine only is told again after this long.
const REMIND_OF_ONE_MACHINE_AFTER: TimeDelta = TimeDelta::days(7);
/// A terminal may be off for a night.
const TERMINAL_MAY_MISS: TimeDelta = TimeDelta::hours(24);
/// A cause of failed backups may pass by itself.
const CAUSE_MAY_PASS: TimeDelta = TimeDelta::minutes(15);
/// Notices that a status carries.
const MOST_RECENT: usize = 8;

/// The first good backup was made.
const FIRST_BACKUP: &str = "first-backup";
/// The store's application was opened, and the data are on one machine only (DM22).
const OPENED: &str = "opened";
/// Something that was told is over.
const RECOVERED: &str = "recovered";

/// Who is to hear of a matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Whoever sits at the machine.
    Desktop,
    /// Whoever is told by the configured ways out of the shop.
    Outside,
    /// Both.
    Everybody,
}

/// Something that people are to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Names the matter: a check's name, or one of a few others.
    pub topic: String,
    /// When it was to be told.
    pub at: DateTime<FixedOffset>,
    /// How grave it is.
    pub severity: Severity,
    /// Who is to hear of it.
    pub reach: Reach,
    /// The matter in a few words.
    pub title: Words,
    /// What is so.
    pub sentence: Words,
    /// What to do.
    pub hint: Words,
    /// When the last good backup was made; `None` where there is none.
    #[serde(default)]
    pub last_good: Option<DateTime<FixedOffset>>,
}

/// How a check that is unhealthy becomes a matter.
struct Rule {
    /// How long it must have been so.
    after: TimeDelta,
    /// After which time it is told again while it goes on.
    again: TimeDelta,
    reach: Reach,
    /// Where another check explains it, people are told of that one.
    unless_explained: bool,
}

const AT_ONCE: Rule =
    Rule { after: TimeDelta::zero(), again: REMIND_AFTER, reach: Reach::Everybody, unless_explained: false };

/// `None` for what is no matter. What another check explains is one all the same: it is not over.
fn rule(view: &CheckView) -> Option<Rule> {
    let is = |check: CheckId| view.id == Check::of(check).name;
    let code = view.problem.code;
    if is(CheckId::LastRun) {
        return (code == Code::RunsCancelled).then_some(AT_ONCE);
    }
    if is(CheckId::Terminal) {
        return Some(Rule { after: TERMINAL_MAY_MISS, ..AT_ONCE });
    }
    if is(CheckId::LocalOnly) || is(CheckId::TerminalApart) {
        // At the machine it is told with each opening of the store's application.
        return Some(Rule { again: REMIND_OF_ONE_MACHINE_AFTER, reach: Reach::Outside, ..AT_ONCE });
    }
    let at_once = [CheckId::SecondFailure, CheckId::Damage, CheckId::Slots, CheckId::Files];
    if at_once.into_iter().any(is) || code == Code::BackupTooOld {
        return Some(AT_ONCE);
    }
    // Whoever has never had a backup is about to have one, or hears of its failure.
    let is_cause = view.severity == Severity::Alert && code != Code::BackupNone;
    is_cause.then_some(Rule { after: CAUSE_MAY_PASS, unless_explained: true, ..AT_ONCE })
}

/// Follows the agent's statuses and says what people are to be told.
#[derive(Clone, Debug, Default)]
pub struct Watcher {
    told: BTreeMap<String, Told>,
    /// Since when each matter is so in this life of the agent, as far as it was seen.
    here: BTreeMap<String, DateTime<FixedOffset>>,
    recent: VecDeque<Notice>,
    /// There was no good backup when it was last looked.
    none_yet: bool,
    /// The opening of the application that was seen last; nobody opens it before the agent begins.
    opened: Option<DateTime<FixedOffset>>,
}

impl Watcher {
    /// Goes on from what was told before.
    pub fn new(told: Vec<Told>) -> Self {
        let told = told.into_iter().map(|told| (told.topic.clone(), told)).collect();
        Self { told, ..Self::default() }
    }

    /// What is to be remembered over a restart.
    pub fn told(&self) -> Vec<Told> {
        self.told.values().cloned().collect()
    }

    /// The last notices, the oldest first.
    pub fn recent(&self) -> Vec<Notice> {
        self.recent.iter().cloned().collect()
    }

    /// Looks at a status of an agent that has looked at the world, and says what is to be told now. The checks in `well` were
    /// looked at since the agent began, and found well: of the others nobody knows.
    pub fn look(&mut self, status: &Status, well: &BTreeSet<CheckId>) -> Vec<Notice> {
        let mut notices = self.unhealthy(status);
        notices.extend(self.mended(status, well));
        notices.extend(self.first_backup(status));
        notices.extend(self.opening(status));
        for notice in &notices {
            self.recent.push_back(notice.clone());
        }
        let surplus = self.recent.len().saturating_sub(MOST_RECENT);
        self.recent.drain(..surplus);
        notices
    }

    fn unhealthy(&mut self, status: &Status) -> Vec<Notice> {
        let mut notices: Vec<Notice> = Vec::new();
        for view in &status.checks {
            let Some(rule) = rule(view).filter(|rule| !rule.unless_explained || view.explained_by.is_none())
            else {
                continue;
            };
            // What was so before a machine was turned off may have passed meanwhile, and takes its time to come about.
            let here = self.here.entry(view.id.clone()).or_insert(view.since);
            *here = (*here).min(view.since).min(status.now);
            let lasts_here = status.now.signed_duration_since(*here) >= rule.after.min(CAUSE_MAY_PASS);
            let told = self.entry(&view.id);
            // A restart of the agent forgets since when; and a clock that was set back makes nothing younger than now.
            let since = told.since.map_or(view.since, |since| since.min(view.since)).min(status.now);
            told.since = Some(since);
            let wait = if told.open { rule.again } else { AT_MOST_EACH };
            let lasts = lasts_here && status.now.signed_duration_since(since) >= rule.after;
            if lasts && is_time(told, wait, status.now) {
                told.open = true;
                let of_problem = |problem: &Problem| (problem.sentence.clone(), problem.hint.clone());
                let (sentence, hint) = of_problem(&view.problem);
                notices.push(Notice {
                    topic: view.id.clone(),
                    severity: view.severity,
                    reach: rule.reach,
                    title: view.title.clone(),
                    sentence,
                    hint,
                    ..blank(status)
                });
            }
        }
        notices
    }

    /// What was told and is over.
    fn mended(&mut self, status: &Status, well: &BTreeSet<CheckId>) -> Option<Notice> {
        let is_over = |topic: &str| {
            let mut views = status.checks.iter().filter(|view| view.id == topic).peekable();
            // What is not shown is well only where somebody has looked: at the server, the terminal.
            if views.peek().is_none() {
                well.contains(&Check::named(topic).id)
            } else {
                views.all(|view| rule(view).is_none())
            }
        };
        let mut over = Vec::new();
        for told in self.told.values_mut().filter(|told| is_over(&told.topic)) {
            told.since = None;
            self.here.remove(&told.topic);
            if std::mem::take(&mut told.open) {
                over.push(told.topic.clone());
            }
        }
        // That there is a second machine now is seen by whoever set it up.
        over.retain(|topic| {
            ![CheckId::LocalOnly, CheckId::TerminalApart].into_iter().any(|it| Check::of(it).name == topic)
        });
        if over.is_empty() {
            return None;
        }
        let still: Vec<_> =
            self.told.values().filter(|told| told.open).map(|told| told.topic.clone()).collect();
        let (pt, en) = (titles(&over, Language::Portuguese), titles(&over, Language::English));
        let hint = if still.is_empty() {
            words!("Não é preciso fazer nada.", "There is nothing to do.")
        } else {
            let (pt, en) = (titles(&still, Language::Portuguese), titles(&still, Language::English));
            words!("Continua em aberto: {pt}.", "Still open: {en}.")
        };
        Some(Notice {
            topic: RECOVERED.to_owned(),
            title: words!("Resolvido", "Mended"),
            sentence: words!("Voltou ao normal: {pt}.", "Back to normal: {en}."),
            hint,
            ..blank(status)
        })
    }

    fn first_backup(&mut self, status: &Status) -> Option<Notice> {
        let before = std::mem::replace(&mut self.none_yet, status.last_good.is_none());
        let first = status.last_good.as_ref().filter(|_| before)?;
        Some(Notice {
            topic: FIRST_BACKUP.to_owned(),
            reach: Reach::Desktop,
            title: words!("Primeiro backup feito", "The first backup is made"),
            sentence: end_line(first),
            hint: words!(
                "Daqui em diante os backups são feitos sozinhos.",
                "From now on backups are made by themselves."
            ),
            ..blank(status)
        })
    }

    fn opening(&mut self, status: &Status) -> Option<Notice> {
        let opened = status.opened.as_ref()?;
        if self.opened.replace(opened.at) == Some(opened.at) {
            return None;
        }
        let problem = opened.notice.clone()?;
        if !is_time(self.entry(OPENED), AT_MOST_EACH, status.now) {
            return None;
        }
        Some(Notice {
            topic: OPENED.to_owned(),
            severity: Severity::Warning,
            reach: Reach::Desktop,
            title: Check::of(CheckId::LocalOnly).title(),
            sentence: problem.sentence,
            hint: problem.hint,
            ..blank(status)
        })
    }

    fn entry(&mut self, topic: &str) -> &mut Told {
        let none = || Told { topic: topic.to_owned(), since: None, at: None, open: false };
        self.told.entry(topic.to_owned()).or_insert_with(none)
    }
}

/// Whether `wait` is over since the last time; if so, this is the last time now.
fn is_time(told: &mut Told, wait: TimeDelta, now: DateTime<FixedOffset>) -> bool {
    let Some(at) = told.at else {
        told.at = Some(now);
        return true;
    };
    if at > now {
        // The clock was set back: the wait begins anew.
        told.at = Some(now);
        return false;
    }
    let is_over = now.signed_duration_since(at) >= wait;
    if is_over {
        told.at = Some(now);
    }
    is_over
}

/// A notice of nothing, now.
fn blank(status: &Status) -> Notice {
    let made = status.last_good.as_ref().map(|good| good.finished_at.unwrap_or(good.started_at));
    Notice {
        topic: String::new(),
        at: status.now,
        severity: Severity::Notice,
        reach: Reach::Everybody,
        title: Words::same(""),
        sentence: Words::same(""),
        hint: Words::same(""),
        last_good: made,
    }
}

fn titles(topics: &[String], language: Language) -> String {
    let title = |topic: &String| Check::named(topic).title().get(language).to_owned();
    topics.iter().map(title).collect::<Vec<_>>().join(", ")
}

impl Notice {
    /// The line that tells of the last good backup.
    pub fn last_good_line(&self) -> Words {
        match self.last_good {
            Some(at) => {
                let (pt, en) = (date_time(at, Language::Portuguese), date_time(at, Language::English));
                words!("Último bom backup: {pt}.", "Last good backup: {en}.")
            }
            None => words!("Ainda não há nenhum bom backup.", "There is no good backup yet."),
        }
    }
}

#[cfg(test)]
mod tests;
