//! How hard to compress: on a slow link a better ratio is worth more than a faster codec, on a fast disk the reverse.

/// A level of libdeflate, from 1 (fastest) to 9. Levels above need ten times the memory for a few thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(u8);

impl Default for Level {
    /// 6: compresses real dumps no worse than `zip -6`, in a fifth of its time. 5 would not, for some of them.
    fn default() -> Self {
        Self(6)
    }
}

/// 100 Mbit/s in bytes per second: below it the link is what everybody waits for.
const SLOW_BYTES_PER_SEC: u64 = 12_500_000;
/// Half a Gbit/s in bytes per second: about what two cores produce at level 6.
const EVEN_BYTES_PER_SEC: u64 = 62_500_000;

impl Level {
    /// The level `level`; `None` outside 1 to 9.
    pub fn new(level: u8) -> Option<Self> {
        (1..=9).contains(&level).then_some(Self(level))
    }

    /// The level as libdeflate counts.
    pub fn get(self) -> u8 {
        self.0
    }

    /// The level with which a zip is soonest at a destination that takes `bytes_per_sec` bytes of zip per second. For
    /// several destinations, the slowest counts. Never below 4: a lighter level saves a tenth of the time, and its zips are
    /// larger by as much.
    pub fn for_speed(bytes_per_sec: u64) -> Self {
        match bytes_per_sec {
            0..SLOW_BYTES_PER_SEC => Self(7),
            SLOW_BYTES_PER_SEC..EVEN_BYTES_PER_SEC => Self(6),
            EVEN_BYTES_PER_SEC.. => Self(4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_faster_the_destination_the_lighter_the_compression() {
        let levels = [0, 1_250_000, 12_500_000, 62_500_000, 125_000_000, 2_000_000_000]
            .map(|speed| Level::for_speed(speed).get());
        assert_eq!(levels, [7, 7, 6, 4, 4, 4]);
    }

    #[test]
    fn levels_that_need_much_memory_are_refused() {
        assert_eq!(Level::new(0), None);
        assert_eq!(Level::new(10), None);
        assert_eq!(Level::new(9).map(Level::get), Some(9));
        assert_eq!(Level::new(6), Some(Level::default()));
    }
}
