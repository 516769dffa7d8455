//! Functions on moments, which are text here as everywhere below the wire.

use chrono::{Datelike, Months, NaiveDateTime, TimeDelta, Timelike};

use super::{Function, Returns, function, integer_of, text_of};
use crate::clock;
use crate::error::{Result, SqlError};
use crate::sql::convert::parse_moment;
use crate::sql::scope::Scope;
use crate::value::{SqlType, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    function("GETDATE", 0, 0, Returns::Is(SqlType::DateTime), |_, _| {
        Ok(milliseconds(clock::now().naive_local()))
    }),
    function("CURRENT_TIMESTAMP", 0, 0, Returns::Is(SqlType::DateTime), |_, _| {
        Ok(milliseconds(clock::now().naive_local()))
    }),
    function("GETUTCDATE", 0, 0, Returns::Is(SqlType::DateTime), |_, _| {
        Ok(milliseconds(clock::now().naive_utc()))
    }),
    function("SYSDATETIME", 0, 0, Returns::Is(SqlType::DateTime2(7)), |_, _| {
        Ok(ticks(clock::now().naive_local()))
    }),
    function("SYSUTCDATETIME", 0, 0, Returns::Is(SqlType::DateTime2(7)), |_, _| {
        Ok(ticks(clock::now().naive_utc()))
    }),
    function("SYSDATETIMEOFFSET", 0, 0, Returns::Is(SqlType::DateTimeOffset(7)), |_, _| {
        Ok(Value::DateTimeOffset(clock::now()))
    }),
    function("DATEADD", 3, 3, Returns::Like(2), date_add),
    function("DATEDIFF", 3, 3, Returns::Is(SqlType::Int), date_diff),
    function("DATEPART", 2, 2, Returns::Is(SqlType::Int), date_part),
    function("DATENAME", 2, 2, Returns::Is(SqlType::NVarChar(30)), date_name),
    function("YEAR", 1, 1, Returns::Is(SqlType::Int), |_, a| part_of(a, 0, DatePart::Year)),
    function("MONTH", 1, 1, Returns::Is(SqlType::Int), |_, a| part_of(a, 0, DatePart::Month)),
    function("DAY", 1, 1, Returns::Is(SqlType::Int), |_, a| part_of(a, 0, DatePart::Day)),
];

/// A part of a date or time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatePart {
    /// year
    Year,
    /// quarter
    Quarter,
    /// month
    Month,
    /// day of the year
    DayOfYear,
    /// day of the month
    Day,
    /// week of the year
    Week,
    /// day of the week, Sunday first
    WeekDay,
    /// hour
    Hour,
    /// minute
    Minute,
    /// second
    Second,
    /// millisecond
    Millisecond,
}

impl DatePart {
    /// The part of that name or abbreviation in lower case.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "year" | "yy" | "yyyy" => Self::Year,
            "quarter" | "qq" | "q" => Self::Quarter,
            "month" | "mm" | "m" => Self::Month,
            "dayofyear" | "dy" | "y" => Self::DayOfYear,
            "day" | "dd" | "d" => Self::Day,
            "week" | "wk" | "ww" => Self::Week,
            "weekday" | "dw" => Self::WeekDay,
            "hour" | "hh" => Self::Hour,
            "minute" | "mi" | "n" => Self::Minute,
            "second" | "ss" | "s" => Self::Second,
            "millisecond" | "ms" => Self::Millisecond,
            _ => return None,
        })
    }
}

fn milliseconds(moment: NaiveDateTime) -> Value {
    Value::Text(moment.format("%Y-%m-%d %H:%M:%S%.3f").to_string())
}

fn ticks(moment: NaiveDateTime) -> Value {
    Value::Text(format!(
        "{}.{:07}",
        moment.format("%Y-%m-%d %H:%M:%S"),
        moment.nanosecond() % 1_000_000_000 / 100
    ))
}

/// `moment` with as many digits as `like` has, from which it was made.
fn shaped(moment: NaiveDateTime, like: &str) -> Value {
    match like.split_once('.') {
        None if like.len() <= 10 && moment.time() == chrono::NaiveTime::MIN => {
            Value::Text(moment.format("%Y-%m-%d").to_string())
        }
        Some((_, fraction)) if fraction.len() > 3 => ticks(moment),
        _ => milliseconds(moment),
    }
}

fn overflow() -> SqlError {
    SqlError::new(517, "Adding a value to a 'datetime' column caused an overflow.")
}

fn date_add(_: &Scope, arguments: &[Value]) -> Result<Value> {
    let (Some(part), Some(count), Some(text)) =
        (text_of(arguments, 0), integer_of(arguments, 1), text_of(arguments, 2))
    else {
        return Ok(Value::Null);
    };
    let moment = parse_moment(&text)?;
    let part = DatePart::named(&part).ok_or_else(overflow)?;
    let months = |per: i64| {
        let months = count.checked_mul(per)?;
        let step = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
        if months < 0 { moment.checked_sub_months(step) } else { moment.checked_add_months(step) }
    };
    let span = |span: Option<TimeDelta>| moment.checked_add_signed(span?);
    let moved = match part {
        DatePart::Year => months(12),
        DatePart::Quarter => months(3),
        DatePart::Month => months(1),
        DatePart::Day | DatePart::DayOfYear | DatePart::WeekDay => span(TimeDelta::try_days(count)),
        DatePart::Week => span(TimeDelta::try_weeks(count)),
        DatePart::Hour => span(TimeDelta::try_hours(count)),
        DatePart::Minute => span(TimeDelta::try_minutes(count)),
        DatePart::Second => span(TimeDelta::try_seconds(count)),
        DatePart::Millisecond => span(TimeDelta::try_milliseconds(count)),
    };
    Ok(shaped(moved.ok_or_else(overflow)?, &text))
}

pub(super) fn add_days(arguments: &[Value]) -> Result<Value> {
    let Some(text) = text_of(arguments, 0) else { return Ok(Value::Null) };
    let days = match arguments.get(1) {
        Some(Value::Int(days)) => *days as f64,
        Some(Value::Float(days)) => *days,
        _ => return Ok(Value::Null),
    };
    let moved = TimeDelta::try_milliseconds((days * 86_400_000.0) as i64)
        .and_then(|span| parse_moment(&text).ok()?.checked_add_signed(span));
    Ok(shaped(moved.ok_or_else(overflow)?, &text))
}

/// How many borders of the part lie between two moments.
fn date_diff(_: &Scope, arguments: &[Value]) -> Result<Value> {
    let (Some(part), Some(from), Some(to)) =
        (text_of(arguments, 0), text_of(arguments, 1), text_of(arguments, 2))
    else {
        return Ok(Value::Null);
    };
    let (from, to) = (parse_moment(&from)?, parse_moment(&to)?);
    let part = DatePart::named(&part).ok_or_else(overflow)?;
    let months = |moment: NaiveDateTime| i64::from(moment.year()) * 12 + i64::from(moment.month0());
    let days = |moment: NaiveDateTime| i64::from(moment.num_days_from_ce());
    let milliseconds = |moment: NaiveDateTime| moment.and_utc().timestamp_millis();
    let apart = |count: &dyn Fn(NaiveDateTime) -> i64| count(to) - count(from);
    Ok(Value::Int(match part {
        DatePart::Year => apart(&|moment| i64::from(moment.year())),
        DatePart::Quarter => apart(&|moment| months(moment).div_euclid(3)),
        DatePart::Month => apart(&months),
        DatePart::Day | DatePart::DayOfYear | DatePart::WeekDay => apart(&days),
        DatePart::Week => apart(&|moment| days(moment).div_euclid(7)),
        DatePart::Hour => apart(&|moment| milliseconds(moment).div_euclid(3_600_000)),
        DatePart::Minute => apart(&|moment| milliseconds(moment).div_euclid(60_000)),
        DatePart::Second => apart(&|moment| milliseconds(moment).div_euclid(1000)),
        DatePart::Millisecond => apart(&milliseconds),
    }))
}

fn date_part(_: &Scope, arguments: &[Value]) -> Result<Value> {
    let part = text_of(arguments, 0).and_then(|name| DatePart::named(&name)).ok_or_else(overflow)?;
    part_of(arguments, 1, part)
}

fn part_of(arguments: &[Value], index: usize, part: DatePart) -> Result<Value> {
    let Some(text) = text_of(arguments, index) else { return Ok(Value::Null) };
    let moment = parse_moment(&text)?;
    Ok(Value::Int(match part {
        DatePart::Year => i64::from(moment.year()),
        DatePart::Quarter => i64::from(moment.month0() / 3 + 1),
        DatePart::Month => i64::from(moment.month()),
        DatePart::DayOfYear => i64::from(moment.ordinal()),
        DatePart::Day => i64::from(moment.day()),
        DatePart::Week => {
            let first = moment.date().with_ordinal(1).unwrap_or_default().weekday().num_days_from_sunday();
            i64::from((moment.ordinal0() + first) / 7 + 1)
        }
        DatePart::WeekDay => i64::from(moment.weekday().number_from_sunday()),
        DatePart::Hour => i64::from(moment.hour()),
        DatePart::Minute => i64::from(moment.minute()),
        DatePart::Second => i64::from(moment.second()),
        DatePart::Millisecond => i64::from(moment.nanosecond() / 1_000_000),
    }))
}

fn date_name(scope: &Scope, arguments: &[Value]) -> Result<Value> {
    let part = text_of(arguments, 0).and_then(|name| DatePart::named(&name));
    let moment = text_of(arguments, 1).map(|text| parse_moment(&text)).transpose()?;
    Ok(match (part, moment) {
        (Some(DatePart::Month), Some(moment)) => moment.format("%B").to_string().into(),
        (Some(DatePart::WeekDay), Some(moment)) => moment.format("%A").to_string().into(),
        _ => date_part(scope, arguments)?.to_text().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_their_abbreviations() {
        assert_eq!(DatePart::named("hh"), Some(DatePart::Hour));
        assert_eq!(DatePart::named("século"), None);
    }

    #[test]
    fn a_shape_is_kept() {
        let moment = parse_moment("2026-11-22 09:15:30.25").unwrap();
        assert_eq!(shaped(moment, "2026-11-22 00:00:00.000"), Value::from("2026-11-22 09:15:30.250"));
        assert_eq!(shaped(moment, "2026-11-22 00:00:00.0000000"), Value::from("2026-11-22 09:15:30.2500000"));
        assert_eq!(shaped(moment.date().into(), "2026-11-22"), Value::from("2026-11-22"));
    }
}
