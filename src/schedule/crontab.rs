//! Reading five crontab fields, and saying them in the dialect of the `cron` crate.

use super::NotASchedule;
use crate::words::Words;
use chrono::{Datelike, NaiveDate, TimeDelta};

/// One of the five fields: its range and the names that its values have.
struct Field {
    name: fn() -> Words,
    first: u32,
    last: u32,
    /// Names of the values, each with its number; small letters, without accents.
    names: &'static [(&'static str, u32)],
}

const MINUTE: Field = Field { name: || crate::words!("minuto", "minute"), first: 0, last: 59, names: &[] };
const HOUR: Field = Field { name: || crate::words!("hora", "hour"), first: 0, last: 23, names: &[] };
const DAY: Field =
    Field { name: || crate::words!("dia do mês", "day of the month"), first: 1, last: 31, names: &[] };
const MONTH: Field = Field { name: || crate::words!("mês", "month"), first: 1, last: 12, names: MONTHS };
/// Sunday is 0 and 7; the set of a weekday field has only 0 to 6.
const WEEKDAY: Field =
    Field { name: || crate::words!("dia da semana", "weekday"), first: 0, last: 7, names: WEEKDAYS };

#[rustfmt::skip]
const MONTHS: &[(&str, u32)] = &[
    ("jan", 1), ("feb", 2), ("mar", 3), ("apr", 4), ("may", 5), ("jun", 6),
    ("jul", 7), ("aug", 8), ("sep", 9), ("oct", 10), ("nov", 11), ("dec", 12),
    ("fev", 2), ("abr", 4), ("mai", 5), ("ago", 8), ("set", 9), ("out", 10), ("dez", 12),
];

#[rustfmt::skip]
const WEEKDAYS: &[(&str, u32)] = &[
    ("sun", 0), ("mon", 1), ("tue", 2), ("wed", 3), ("thu", 4), ("fri", 5), ("sat", 6),
    ("sunday", 0), ("monday", 1), ("tuesday", 2), ("wednesday", 3), ("thursday", 4), ("friday", 5), ("saturday", 6),
    ("dom", 0), ("seg", 1), ("ter", 2), ("qua", 3), ("qui", 4), ("sex", 5), ("sab", 6),
    ("domingo", 0), ("segunda", 1), ("terca", 2), ("quarta", 3), ("quinta", 4), ("sexta", 5), ("sabado", 6),
];

/// Words in place of the five fields.
const SHORTHANDS: &[(&str, &str)] = &[
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// A set of small numbers, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Numbers(u64);

impl Numbers {
    fn has(self, number: u32) -> bool {
        self.0 >> number & 1 == 1
    }

    fn iter(self) -> impl Iterator<Item = u32> {
        (0..64).filter(move |number| self.has(*number))
    }

    /// As a list of the `cron` crate, every number moved up by `shift`.
    fn list(self, shift: u32) -> String {
        self.iter().map(|number| (number + shift).to_string()).collect::<Vec<_>>().join(",")
    }
}

/// What five fields allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    minutes: Numbers,
    hours: Numbers,
    days: Numbers,
    months: Numbers,
    weekdays: Numbers,
    /// Whether a day must fit its field for the day of the month *or* that for the weekday, because both are restricted.
    either_day: bool,
}

/// What a schedule looks like.
pub(super) fn five_fields() -> Words {
    crate::words!(
        "cinco campos: minuto hora dia mês dia-da-semana, como \"0 * * * *\" (de hora em hora)",
        "five fields: minute hour day month weekday, such as \"0 * * * *\" (every hour)"
    )
}

/// Reads five fields or one of the words that stand for them.
pub(super) fn parse(text: &str) -> Result<Fields, NotASchedule> {
    let trimmed = text.trim();
    let shorthand = SHORTHANDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(trimmed));
    let expanded = shorthand.map_or(trimmed, |(_, fields)| fields);
    let parts: Vec<&str> = expanded.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = parts[..] else {
        return Err(NotASchedule { found: trimmed.to_owned(), expected: five_fields() });
    };
    let weekdays = WEEKDAY.read(weekday)?;
    Ok(Fields {
        minutes: MINUTE.read(minute)?,
        hours: HOUR.read(hour)?,
        days: DAY.read(day)?,
        months: MONTH.read(month)?,
        weekdays: Numbers((weekdays.0 | weekdays.0 >> 7) & 0x7f),
        either_day: !day.starts_with('*') && !weekday.starts_with('*'),
    })
}

impl Fields {
    /// The same in the dialect of the `cron` crate: with seconds, weekdays from 1 = Sunday; two schedules where either of
    /// two fields decides about a day, for the crate demands both.
    pub(super) fn translated(&self) -> Vec<String> {
        let time = format!("0 {} {}", self.minutes.list(0), self.hours.list(0));
        let (days, months, weekdays) = (self.days.list(0), self.months.list(0), self.weekdays.list(1));
        if self.either_day {
            vec![format!("{time} {days} {months} *"), format!("{time} * {months} {weekdays}")]
        } else {
            vec![format!("{time} {days} {months} {weekdays}")]
        }
    }

    /// Whether anything is due on `date`.
    pub(super) fn fits(&self, date: NaiveDate) -> bool {
        let day = self.days.has(date.day());
        let weekday = self.weekdays.has(date.weekday().num_days_from_sunday());
        self.months.has(date.month()) && if self.either_day { day || weekday } else { day && weekday }
    }

    /// The longest time between one due time and the next by the clock on the wall, over the years in which the `cron` crate
    /// knows the calendar; `None` where no day fits.
    pub(super) fn longest_gap(&self) -> Option<TimeDelta> {
        let times: Vec<i64> = self
            .hours
            .iter()
            .flat_map(|hour| self.minutes.iter().map(move |minute| i64::from(hour * 60 + minute)))
            .collect();
        let (first, last) = (*times.first()?, *times.last()?);
        let within_a_day = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
        let calendar = NaiveDate::from_ymd_opt(1970, 1, 1)?.iter_days();
        let days: Vec<i64> = calendar
            .take_while(|date| date.year() <= super::LAST_YEAR)
            .filter(|date| self.fits(*date))
            .map(|date| i64::from(date.num_days_from_ce()))
            .collect();
        let between_days = days.windows(2).map(|pair| pair[1] - pair[0]).max();
        // A single day in 130 years: as good as once.
        let between_days = between_days.or(days.first().map(|_| 36_500))?;
        Some(TimeDelta::minutes(within_a_day.max(between_days * 24 * 60 - last + first)))
    }
}

impl Field {
    /// Reads a field: a list of `*`, values and ranges, each of `*` and ranges with a step.
    fn read(&self, text: &str) -> Result<Numbers, NotASchedule> {
        // «segunda-feira» is a name and no range.
        let plain = text.to_lowercase().replace("-feira", "").replace('ç', "c").replace('á', "a");
        let mut items = plain.split(',').map(|item| self.read_item(item).ok_or_else(|| self.refused(text)));
        items.try_fold(Numbers(0), |all, item| Ok(Numbers(all.0 | item?.0)))
    }

    fn read_item(&self, item: &str) -> Option<Numbers> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(number(step)?)),
            None => (item, None),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (self.value(from)?, self.value(to)?),
            None if range == "*" => (self.first, self.last_distinct()),
            // Crontabs disagree about what a step after a single value means.
            None if step.is_some() => return None,
            None => (self.value(range)?, self.value(range)?),
        };
        let size = self.last_distinct() - self.first + 1;
        let step = step.unwrap_or(1);
        if step == 0 || step > size {
            return None;
        }
        // A range that wraps (`22-5`, `fri-mon`) goes on from the first value; Sunday's two numbers are one day.
        let to = if to < from { to + size } else { to };
        let values = (from..=to).step_by(usize::try_from(step).ok()?);
        Some(Numbers(values.fold(0, |bits, value| bits | 1 << self.wrapped(value, size))))
    }

    fn wrapped(&self, value: u32, size: u32) -> u32 {
        if value > self.last { value - size } else { value }
    }

    /// The last value that is not another name of the first: Saturday for weekdays.
    fn last_distinct(&self) -> u32 {
        if self.last == 7 { 6 } else { self.last }
    }

    fn value(&self, text: &str) -> Option<u32> {
        let named = self.names.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        named.or_else(|| number(text)).filter(|value| (self.first..=self.last).contains(value))
    }

    fn refused(&self, found: &str) -> NotASchedule {
        let name = (self.name)();
        let (first, last) = (self.first, self.last);
        let (mut pt, mut en) = (String::new(), String::new());
        if !self.names.is_empty() {
            pt.push_str(" ou nomes (seg-sex, mon-fri; jan, fev)");
            en.push_str(" or names (mon-fri, seg-sex; jan, feb)");
        }
        let expected = Words {
            pt: format!(
                "no campo «{}»: números de {first} a {last}{pt}, com *, listas 0,30, faixas 8-18 e passos */15",
                name.pt
            ),
            en: format!(
                "in the field “{}”: numbers from {first} to {last}{en}, with *, lists 0,30, ranges 8-18 and steps */15",
                name.en
            ),
        };
        NotASchedule { found: found.to_owned(), expected }
    }
}

/// A number of one or two digits.
fn number(text: &str) -> Option<u32> {
    let plain = matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}
