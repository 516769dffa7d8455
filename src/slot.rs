//! The 24 hours and the weekdays: names, order, what a new backup replaces (DM27, DM28), and which hours may yield when a
//! disk runs full. Pure: nothing here looks at a disk or at a clock.

pub mod extra;

pub use extra::Reason;

use chrono::{DateTime, Datelike, FixedOffset, TimeDelta, Timelike, Utc, Weekday};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// What a text was expected to name, and did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotASlot {
    /// Not an hour `0` … `23`, with or without the leading zero and the `h`.
    #[error("not an hour from 00h to 23h")]
    Hour,
    /// Not a weekday's folder, `Segunda` … `Domingo`.
    #[error("not a weekday from Segunda to Domingo")]
    Day,
    /// Neither an hour, nor a weekday, nor `newest`.
    #[error("neither an hour, nor a weekday, nor newest")]
    Set,
}

/// A local hour, 0 to 23: the slot of every run that began in it. Minutes do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(u8);

impl Hour {
    /// How many there are.
    pub const COUNT: u8 = 24;

    /// The 24 hours in order.
    pub const ALL: [Hour; 24] = {
        let mut hours = [Hour(0); 24];
        let mut next = 0;
        while next < 24 {
            hours[next as usize] = Hour(next);
            next += 1;
        }
        hours
    };

    /// The hour with this number; `None` above 23.
    pub const fn new(number: u8) -> Option<Self> {
        if number < 24 { Some(Self(number)) } else { None }
    }

    /// The hour that a clock on the wall shows at `begun`.
    pub fn of(begun: DateTime<FixedOffset>) -> Self {
        // chrono's hours end at 23.
        Self(u8::try_from(begun.hour() % 24).unwrap_or(0))
    }

    /// Its number, 0 to 23.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Its folder: `09h`.
    pub fn folder(self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}h", self.0)
    }
}

impl FromStr for Hour {
    type Err = NotASlot;

    /// Reads `9`, `09`, `9h` and `09h`.
    fn from_str(text: &str) -> Result<Self, NotASlot> {
        let digits = text.strip_suffix(['h', 'H']).unwrap_or(text);
        let plain = matches!(digits.len(), 1 | 2) && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = if plain { digits.parse().ok() } else { None };
        number.and_then(Self::new).ok_or(NotASlot::Hour)
    }
}

impl Serialize for Hour {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.0)
    }
}

impl<'de> Deserialize<'de> for Hour {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u8::deserialize(deserializer)?).ok_or_else(|| de::Error::custom(NotASlot::Hour))
    }
}

/// A day of the week, with the name of its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names of the days of the week, Monday to Sunday, say it")]
pub enum Day {
    Segunda,
    Terca,
    Quarta,
    Quinta,
    Sexta,
    Sabado,
    Domingo,
}

impl Day {
    /// The days from Monday to Sunday.
    pub const ALL: [Day; 7] =
        [Self::Segunda, Self::Terca, Self::Quarta, Self::Quinta, Self::Sexta, Self::Sabado, Self::Domingo];

    /// The weekday that a calendar on the wall shows at `begun`.
    pub fn of(begun: DateTime<FixedOffset>) -> Self {
        match begun.weekday() {
            Weekday::Mon => Self::Segunda,
            Weekday::Tue => Self::Terca,
            Weekday::Wed => Self::Quarta,
            Weekday::Thu => Self::Quinta,
            Weekday::Fri => Self::Sexta,
            Weekday::Sat => Self::Sabado,
            Weekday::Sun => Self::Domingo,
        }
    }

    /// Its folder: `Segunda` … `Domingo`, in letters that every file system and share takes.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Segunda => "Segunda",
            Self::Terca => "Terca",
            Self::Quarta => "Quarta",
            Self::Quinta => "Quinta",
            Self::Sexta => "Sexta",
            Self::Sabado => "Sabado",
            Self::Domingo => "Domingo",
        }
    }

    /// Its name as people read it.
    pub fn words(self) -> crate::words::Words {
        match self {
            Self::Segunda => crate::words!("segunda-feira", "Monday"),
            Self::Terca => crate::words!("terça-feira", "Tuesday"),
            Self::Quarta => crate::words!("quarta-feira", "Wednesday"),
            Self::Quinta => crate::words!("quinta-feira", "Thursday"),
            Self::Sexta => crate::words!("sexta-feira", "Friday"),
            Self::Sabado => crate::words!("sábado", "Saturday"),
            Self::Domingo => crate::words!("domingo", "Sunday"),
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.folder())
    }
}

impl FromStr for Day {
    type Err = NotASlot;

    /// Reads the folder's name, whatever the case of its letters: a share may have changed it.
    fn from_str(text: &str) -> Result<Self, NotASlot> {
        Self::ALL.into_iter().find(|day| day.folder().eq_ignore_ascii_case(text)).ok_or(NotASlot::Day)
    }
}

/// One place of the rotation. Its text form, also in JSON, is `newest`, `09h`, `Segunda`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Set {
    /// The newest backup, at the top of the folder.
    Newest,
    /// The last backup that began in this hour, of whatever day (DM28).
    Hour(Hour),
    /// The last verified backup of this weekday.
    Day(Day),
}

impl Set {
    /// Every place: the newest, 24 hours, seven days.
    pub fn all() -> impl Iterator<Item = Set> {
        let hours = Hour::ALL.into_iter().map(Self::Hour);
        std::iter::once(Self::Newest).chain(hours).chain(Day::ALL.into_iter().map(Self::Day))
    }

    /// The folder below the backup folder; `None` for the newest, which stands at the top.
    pub fn folder(self) -> Option<String> {
        match self {
            Self::Newest => None,
            Self::Hour(hour) => Some(hour.folder()),
            Self::Day(day) => Some(day.folder().to_owned()),
        }
    }

    /// Where its zip stands, relative to the backup folder and with `/` between the parts: `MCDados.zip`,
    /// `09h/MCDados.zip`, `Segunda/MCDados.zip`.
    pub fn path(self, archive_name: &ArchiveName) -> String {
        match self.folder() {
            None => archive_name.zip(),
            Some(folder) => format!("{folder}/{}", archive_name.zip()),
        }
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newest => f.write_str("newest"),
            Self::Hour(hour) => hour.fmt(f),
            Self::Day(day) => day.fmt(f),
        }
    }
}

impl FromStr for Set {
    type Err = NotASlot;

    fn from_str(text: &str) -> Result<Self, NotASlot> {
        if text.eq_ignore_ascii_case("newest") {
            return Ok(Self::Newest);
        }
        text.parse().map(Self::Hour).or_else(|_| text.parse().map(Self::Day)).map_err(|_| NotASlot::Set)
    }
}

impl Serialize for Set {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Set {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// What a backup that began at `begun` replaces, in the order in which it takes its places: its hour (DM27, DM28), the
/// newest, its weekday.
pub fn replaced_by(begun: DateTime<FixedOffset>) -> [Set; 3] {
    [Set::Hour(Hour::of(begun)), Set::Newest, Set::Day(Day::of(begun))]
}

/// The name of a backup's files without their ending: `MCDados` names `MCDados.bak` and `MCDados.zip`. Safe as a file name on
/// Windows, on Linux and on a share of either.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct ArchiveName(String);

/// Why a text cannot name a backup's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAFileName {
    /// Nothing is left of it.
    #[error("it is empty")]
    Empty,
    /// Longer than [`ArchiveName::LONGEST_BYTES`].
    #[error("it is longer than {} bytes", ArchiveName::LONGEST_BYTES)]
    TooLong,
    /// A path separator, a control character, or one of `< > : " | ? *`.
    #[error("it has the character {0:?}, which Windows does not take")]
    Character(char),
    /// A leading dot hides the file (and names files under construction); Windows drops dots and blanks at the end.
    #[error("it begins with a dot or a blank, or ends with one")]
    Edge,
    /// A device of Windows: CON, PRN, AUX, NUL, COM1 … LPT9.
    #[error("it is the name of a device of Windows")]
    Device,
    /// The name of one of our own folders, which stand beside the files.
    #[error("it is the name of a folder of the rotation")]
    Taken,
}

impl ArchiveName {
    /// Longest name in bytes: `.<name>.bak.partial` must fit into the 143 bytes of the narrowest file systems.
    pub const LONGEST_BYTES: usize = 100;

    const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

    /// Folders beside the files that are neither hours nor weekdays.
    const FOLDERS: [&str; 3] = [extra::FOLDER, "resgate", "anterior"];

    /// The name, if every system that we know takes it.
    pub fn new(name: &str) -> Result<Self, NotAFileName> {
        if name.is_empty() {
            return Err(NotAFileName::Empty);
        }
        if name.len() > Self::LONGEST_BYTES {
            return Err(NotAFileName::TooLong);
        }
        let refused = |c: &char| c.is_control() || "<>:\"/\\|?*".contains(*c);
        if let Some(character) = name.chars().find(refused) {
            return Err(NotAFileName::Character(character));
        }
        if name.starts_with(['.', ' ']) || name.ends_with(['.', ' ']) {
            return Err(NotAFileName::Edge);
        }
        if Self::is_device(name) {
            return Err(NotAFileName::Device);
        }
        let folder = Self::FOLDERS.iter().any(|folder| folder.eq_ignore_ascii_case(name));
        if folder || name.parse::<Set>().is_ok() {
            return Err(NotAFileName::Taken);
        }
        Ok(Self(name.to_owned()))
    }

    /// Windows takes `NUL`, `nul.txt` and `NUL .txt` for the device, so what stands before the first dot decides.
    pub(crate) fn is_device(name: &str) -> bool {
        let stem = name.split('.').next().unwrap_or(name).trim_end();
        let numbered = |digits: &str| {
            let mut characters = digits.chars();
            matches!(characters.next(), Some('1'..='9' | '¹' | '²' | '³')) && characters.next().is_none()
        };
        let port = |prefix: &str| {
            stem.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(prefix)) && numbered(&stem[3..])
        };
        Self::DEVICES.iter().any(|device| device.eq_ignore_ascii_case(stem)) || port("COM") || port("LPT")
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The dump's file name: `MCDados.bak`.
    pub fn bak(&self) -> String {
        format!("{}.bak", self.0)
    }

    /// The zip's file name: `MCDados.zip`.
    pub fn zip(&self) -> String {
        format!("{}.zip", self.0)
    }
}

impl Default for ArchiveName {
    /// `MCDados`, the manual's name.
    fn default() -> Self {
        Self("MCDados".to_owned())
    }
}

impl fmt::Display for ArchiveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ArchiveName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// What the order of yielding must know of one hour's backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotAge {
    /// The hour whose slot it stands in.
    pub hour: Hour,
    /// Its run's sequence number: the order among backups, which no clock changes.
    pub sequence: u64,
    /// When its run began.
    pub begun: DateTime<Utc>,
    /// Whether it is still to be copied to the terminal.
    pub pending: bool,
}

/// An hour's backup younger than this never yields.
pub const YIELDS_AFTER: TimeDelta = TimeDelta::hours(12);

/// The hours whose backups may yield their space, the one that goes first in front. Never the newest, never one that is still
/// to be copied, never one that is not older than [`YIELDS_AFTER`] (one from the future is not), and never so many that less
/// than `floor` hours are left.
pub fn yield_order(slots: &[SlotAge], now: DateTime<Utc>, floor: u8) -> Vec<Hour> {
    let newest = slots.iter().map(|slot| slot.sequence).max();
    let old = |slot: &&SlotAge| now.signed_duration_since(slot.begun) > YIELDS_AFTER;
    let mut free: Vec<_> =
        slots.iter().filter(|slot| Some(slot.sequence) != newest && !slot.pending).filter(old).collect();
    free.sort_by_key(|slot| (slot.sequence, slot.hour));
    free.truncate(slots.len().saturating_sub(usize::from(floor)));
    free.into_iter().map(|slot| slot.hour).collect()
}

#[cfg(test)]
mod tests;
