//! The five-byte date of the Microsoft Tape Format: year (14 bits), month (4), day (5), hour (5), minute (6), second (6),
//! most significant bit first.

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};

/// `moment` as the five bytes of a tape date; a year that does not fit becomes the zero date, which means «unknown».
pub(crate) fn encode(moment: NaiveDateTime) -> [u8; 5] {
    let Some(year) = u64::try_from(moment.year()).ok().filter(|year| *year < 1 << 14) else { return [0; 5] };
    let (date, time) = (moment.date(), moment.time());
    let packed = year << 26
        | u64::from(date.month()) << 22
        | u64::from(date.day()) << 17
        | u64::from(time.hour()) << 12
        | u64::from(time.minute()) << 6
        | u64::from(time.second());
    let bytes = packed.to_be_bytes();
    [bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]]
}

/// The moment that five bytes of a tape date mean; `None` for the zero date and for what is no date.
pub(crate) fn decode(bytes: [u8; 5]) -> Option<NaiveDateTime> {
    let [a, b, c, d, e] = bytes;
    let packed = u64::from_be_bytes([0, 0, 0, a, b, c, d, e]);
    let field =
        |shift: u32, bits: u32| u32::try_from(packed >> shift & ((1 << bits) - 1)).unwrap_or_default();
    NaiveDate::from_ymd_opt(i32::try_from(field(26, 14)).ok()?, field(22, 4), field(17, 5))?.and_hms_opt(
        field(12, 5),
        field(6, 6),
        field(0, 6),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_of_a_real_file_is_read_and_written_alike() {
        let bytes = [0x1f, 0x9e, 0x6b, 0x70, 0x28];
        let moment = decode(bytes).unwrap();
        assert_eq!(moment.to_string(), "2023-09-21 23:00:40");
        assert_eq!(encode(moment), bytes);
    }

    #[test]
    fn the_zero_date_means_unknown() {
        assert_eq!(decode([0; 5]), None);
    }
}
