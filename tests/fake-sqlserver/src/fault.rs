//! Faults on demand: what goes wrong, at which kind of statement, and how often.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::error::SqlError;
use crate::mtf::Stripe;

/// The kinds of statement that a fault can be aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatementKind {
    /// LOGIN7
    Login,
    /// `SELECT`
    Select,
    /// `INSERT`, `UPDATE`, `DELETE` and the definition of tables
    Change,
    /// `BACKUP`
    Backup,
    /// `RESTORE DATABASE`
    Restore,
    /// `RESTORE VERIFYONLY`
    VerifyOnly,
    /// `RESTORE HEADERONLY`
    HeaderOnly,
    /// `RESTORE FILELISTONLY`
    FileListOnly,
    /// `KILL`
    Kill,
    /// `DBCC CHECKDB`
    CheckDb,
    /// Any other `DBCC`
    Dbcc,
    /// `ALTER DATABASE`, `ALTER AUTHORIZATION`
    Alter,
    /// `DROP DATABASE`
    Drop,
    /// `GRANT`, `CREATE USER`, `ALTER ROLE` and their like
    Security,
    /// Everything else: `USE`, `SET`, transactions
    Other,
}

impl StatementKind {
    /// All of them with the names that `--fault` takes.
    pub const NAMES: [(&'static str, Self); 15] = [
        ("login", Self::Login),
        ("select", Self::Select),
        ("change", Self::Change),
        ("backup", Self::Backup),
        ("restore", Self::Restore),
        ("verifyonly", Self::VerifyOnly),
        ("headeronly", Self::HeaderOnly),
        ("filelistonly", Self::FileListOnly),
        ("kill", Self::Kill),
        ("checkdb", Self::CheckDb),
        ("dbcc", Self::Dbcc),
        ("alter", Self::Alter),
        ("drop", Self::Drop),
        ("security", Self::Security),
        ("other", Self::Other),
    ];
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// The statement begins so much later
    Delay(Duration),
    /// The connection is cut, in a backup after this share of the pages (0–100), else before the first byte of the answer
    /// (0) or in the middle of it
    Drop {
        /// Percent of the work done when it happens
        percent: f64,
    },
    /// The connection is cut before the statement has done anything
    Cut,
    /// The statement is carried out, and the connection is cut instead of its answer
    Lose,
    /// The statement is carried out, and nothing is ever heard of it; only KILL, attention or hanging up ends the silence
    Mute,
    /// The server falls silent for ever after this share of the work; only KILL, attention or hanging up ends it
    Stall {
        /// Percent of the work done when it happens
        percent: f64,
    },
    /// The statement waits after this share of the work until it is released
    Hold {
        /// Percent of the work done when it happens
        percent: f64,
    },
    /// The statement fails with this error
    Error(SqlError),
    /// A backup takes this much longer for each percent, so that it can be watched
    Pace(Duration),
    /// The disk is full after so many bytes of the dump
    DiskFull {
        /// Bytes that still find room
        bytes: u64,
    },
    /// The dump is cut to so many bytes though the server calls it a success
    Truncate {
        /// Bytes that are left
        bytes: u64,
    },
    /// One bit of the dump is turned over though the server calls it a success
    Flip {
        /// Position of the byte; counted from the end when negative
        byte: i64,
        /// Which of its bits
        bit: u8,
    },
    /// The dump is only one file of a striped set, with that file's share of the extents, though one device was named
    Stripe(Stripe),
}

/// One fault: what, where and how often.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Only these statements; `None` for all but logins
    pub at: Option<StatementKind>,
    /// What goes wrong
    pub action: Action,
    /// How many times; `None` for always
    pub times: Option<u32>,
    /// How many such statements go well before
    pub after: u32,
}

impl Fault {
    /// A fault that happens every time.
    pub fn at(kind: StatementKind, action: Action) -> Self {
        Self { at: Some(kind), action, times: None, after: 0 }
    }

    /// The same fault, so many times and then no more.
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// The same fault, once so many statements of the kind went well.
    pub fn after(self, statements: u32) -> Self {
        Self { after: statements, ..self }
    }

    /// The same fault, once.
    pub fn once(self) -> Self {
        self.times(1)
    }

    fn matches(&self, kind: StatementKind) -> bool {
        match self.at {
            Some(at) => at == kind,
            None => kind != StatementKind::Login,
        }
    }
}

/// A statement that came while they were recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// Its kind
    pub kind: StatementKind,
    /// Its text, or what it does in a word
    pub text: String,
}

/// The faults that are waiting to happen.
#[derive(Debug, Default)]
pub struct Faults {
    waiting: Mutex<Vec<Fault>>,
    released: AtomicU64,
    held: AtomicU64,
    met: Mutex<Option<Vec<Met>>>,
}

impl Faults {
    /// Adds one.
    pub fn inject(&self, fault: Fault) {
        self.locked(|waiting| waiting.push(fault));
    }

    /// Takes all away.
    pub fn clear(&self) {
        self.locked(Vec::clear);
    }

    /// How many are still waiting to happen.
    pub fn waiting(&self) -> usize {
        self.locked(|waiting| waiting.len())
    }

    /// A statement begins to wait; by what this gives it knows when it is released.
    pub fn hold(&self) -> u64 {
        let released = self.released.load(Ordering::SeqCst);
        self.held.fetch_add(1, Ordering::SeqCst);
        released
    }

    /// Whether whoever began to wait then still has to.
    pub fn is_held(&self, holding: u64) -> bool {
        self.released.load(Ordering::SeqCst) == holding
    }

    /// How many statements have begun to wait, ever.
    pub fn held(&self) -> u64 {
        self.held.load(Ordering::SeqCst)
    }

    /// Lets all statements go on that wait.
    pub fn release(&self) {
        self.released.fetch_add(1, Ordering::SeqCst);
    }

    /// Records the statements that a fault could befall from now on.
    pub fn record(&self) {
        *self.met.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
    }

    /// What was recorded, in order; nothing more is recorded then.
    pub fn recorded(&self) -> Vec<Met> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }

    /// A statement of this kind comes, whose `text` is wanted where statements are recorded.
    pub fn note(&self, kind: StatementKind, text: impl FnOnce() -> String) {
        if let Some(met) = self.met.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            met.push(Met { kind, text: text() });
        }
    }

    /// What befalls a statement of this kind, each counted as having happened.
    pub fn befall(&self, kind: StatementKind) -> Vec<Action> {
        self.locked(|waiting| {
            let mut actions = Vec::new();
            waiting.retain_mut(|fault| {
                if !fault.matches(kind) {
                    return true;
                }
                if fault.after > 0 {
                    fault.after -= 1;
                    return true;
                }
                actions.push(fault.action.clone());
                match &mut fault.times {
                    None => true,
                    Some(times) => {
                        *times = times.saturating_sub(1);
                        *times > 0
                    }
                }
            });
            actions
        })
    }

    fn locked<T>(&self, act: impl FnOnce(&mut Vec<Fault>) -> T) -> T {
        act(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A `--fault` that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no fault: {reason}. The form is {FORM}")]
pub struct BadFault {
    text: String,
    reason: &'static str,
}

/// The form of a fault on the command line.
pub const FORM: &str = "KIND:ACTION[,TIMES], where KIND is one of any, login, select, change, backup, restore, verifyonly, \
    headeronly, filelistonly, kill, checkdb, dbcc, alter, drop, security, other, and ACTION one of delay=MILLISECONDS, \
    cut, drop[@PERCENT], lose, mute, stall[@PERCENT], hold[@PERCENT], error=NUMBER[/CLASS[/STATE]], pace=MILLISECONDS (for each percent of a \
    backup), disk-full=BYTES, truncate=BYTES, flip=BYTE[.BIT], stripe=NUMBER/COUNT";

impl FromStr for Fault {
    type Err = BadFault;

    fn from_str(text: &str) -> Result<Self, BadFault> {
        let bad = |reason| BadFault { text: text.to_owned(), reason };
        let (kind, rest) = text.split_once(':').ok_or(bad("it has no colon"))?;
        let (action, times) = match rest.split_once(',') {
            Some((action, times)) => (action, Some(times.parse().map_err(|_| bad("TIMES is no number"))?)),
            None => (rest, None),
        };
        let at = match kind {
            "any" => None,
            name => Some(
                StatementKind::NAMES
                    .iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, kind)| *kind)
                    .ok_or(bad("its kind of statement is unknown"))?,
            ),
        };
        Ok(Self { at, action: parse_action(action).map_err(bad)?, times, after: 0 })
    }
}

fn parse_action(text: &str) -> Result<Action, &'static str> {
    let (name, argument) = match text.find(['=', '@']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let needed = argument.ok_or("its action needs a value");
    let percent = || argument.map_or(Ok(0.0), |text| text.parse().map_err(|_| "its percentage is no number"));
    let number = |text: &str| text.parse().map_err(|_| "its value is no number");
    Ok(match name {
        "delay" => Action::Delay(Duration::from_millis(number(needed?)?)),
        "pace" => Action::Pace(Duration::from_millis(number(needed?)?)),
        "cut" => Action::Cut,
        "lose" => Action::Lose,
        "mute" => Action::Mute,
        "drop" => Action::Drop { percent: percent()? },
        "stall" => Action::Stall { percent: percent()? },
        "hold" => Action::Hold { percent: percent()? },
        "error" => Action::Error(parse_error(needed?)?),
        "disk-full" => Action::DiskFull { bytes: number(needed?)? },
        "truncate" => Action::Truncate { bytes: number(needed?)? },
        "flip" => {
            let (byte, bit) = needed?.split_once('.').unwrap_or((needed?, "0"));
            Action::Flip {
                byte: byte.parse().map_err(|_| "its byte is no number")?,
                bit: bit.parse().ok().filter(|bit| *bit < 8).ok_or("its bit is not 0 to 7")?,
            }
        }
        "stripe" => Action::Stripe(parse_stripe(needed?)?),
        _ => return Err("its action is unknown"),
    })
}

fn parse_stripe(text: &str) -> Result<Stripe, &'static str> {
    let stripe = text.split_once('/').and_then(|(number, count)| {
        Some(Stripe { number: number.parse().ok()?, count: count.parse().ok()? })
    });
    stripe
        .filter(|stripe| (1..=stripe.count).contains(&stripe.number))
        .ok_or("its stripe is not N of so many")
}

fn parse_error(text: &str) -> Result<SqlError, &'static str> {
    let mut parts = text.split('/').map(|part| part.parse::<i32>().map_err(|_| "its error is no number"));
    let number = parts.next().ok_or("its error is no number")??;
    let class = parts.next().transpose()?.unwrap_or(16);
    let state = parts.next().transpose()?.unwrap_or(1);
    let error = SqlError::new(number, format!("Error {number} on demand."))
        .class(u8::try_from(class).map_err(|_| "its class is beyond 255")?)
        .state(u8::try_from(state).map_err(|_| "its state is beyond 255")?);
    Ok(error)
}

impl fmt::Display for StatementKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(_, kind)| kind == self).map_or("", |(name, _)| name);
        f.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_from_the_command_line() {
        let fault: Fault = "backup:stall@42.5,2".parse().unwrap();
        assert_eq!(fault, Fault::at(StatementKind::Backup, Action::Stall { percent: 42.5 }).times(2));
        let fault: Fault = "select:error=1205/13/51".parse().unwrap();
        let Action::Error(error) = fault.action else { panic!("{fault:?}") };
        assert_eq!((error.number, error.class, error.state), (1205, 13, 51));
        let fault: Fault = "any:delay=250".parse().unwrap();
        assert_eq!((fault.at, fault.action), (None, Action::Delay(Duration::from_millis(250))));
        let fault: Fault = "backup:flip=-1024.7".parse().unwrap();
        assert_eq!(fault.action, Action::Flip { byte: -1024, bit: 7 });
        for (text, action) in
            [("alter:cut,1", Action::Cut), ("alter:lose,1", Action::Lose), ("alter:mute,1", Action::Mute)]
        {
            assert_eq!(text.parse(), Ok(Fault::at(StatementKind::Alter, action).once()));
        }
        let fault: Fault = "backup:stripe=1/2".parse().unwrap();
        assert_eq!(fault.action, Action::Stripe(Stripe { number: 1, count: 2 }));
    }

    #[test]
    fn what_is_no_fault_is_refused_with_the_form() {
        for text in [
            "",
            "backup",
            "backup:",
            "backup:burn",
            "rain:delay=1",
            "backup:flip=3.8",
            "backup:delay",
            "backup:stripe=3/2",
        ] {
            let error = text.parse::<Fault>().unwrap_err();
            assert!(error.to_string().contains("KIND:ACTION"), "{text}");
        }
    }

    #[test]
    fn a_fault_happens_as_often_as_it_was_told_to() {
        let faults = Faults::default();
        faults.inject(Fault::at(StatementKind::Select, Action::Drop { percent: 0.0 }).times(2));
        assert_eq!(faults.befall(StatementKind::Backup).len(), 0);
        assert_eq!(faults.befall(StatementKind::Select).len(), 1);
        assert_eq!(faults.befall(StatementKind::Select).len(), 1);
        assert_eq!(faults.befall(StatementKind::Select).len(), 0);
    }

    #[test]
    fn a_fault_waits_until_so_many_went_well() {
        let faults = Faults::default();
        faults.inject(Fault::at(StatementKind::Select, Action::Drop { percent: 0.0 }).after(2).once());
        assert_eq!(faults.waiting(), 1);
        let befallen = [0; 4].map(|_| faults.befall(StatementKind::Select).len());
        assert_eq!((befallen, faults.waiting()), ([0, 0, 1, 0], 0));
    }

    #[test]
    fn statements_are_recorded_only_while_they_are_wanted() {
        let faults = Faults::default();
        let note = || faults.note(StatementKind::Kill, || "KILL 51".to_owned());
        note();
        faults.record();
        note();
        assert_eq!(faults.recorded(), [Met { kind: StatementKind::Kill, text: "KILL 51".to_owned() }]);
        note();
        assert_eq!(faults.recorded(), []);
    }
}
