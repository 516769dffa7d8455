//! The order in which the blocks of a backup file come.

use super::frame::BlockKind;

/// Where in the order of blocks the reader is: the block that it read last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Start,
    Tape,
    /// The filemark behind `TAPE`.
    TapeMark,
    Set,
    Volume,
    Info,
    Data,
    Log,
    Summary,
    /// The filemark behind the contents of a backup.
    SetMark,
    FirstEnd,
    SecondEnd,
    /// The filemark behind a backup: the file may end here, and nowhere else.
    Complete,
}

impl Place {
    /// Where a block of this kind leads. `(place, false)` where that was never seen in a real file.
    pub(super) fn after(self, kind: BlockKind) -> (Self, bool) {
        use BlockKind as B;
        let (next, usual) = match kind {
            B::Unknown => return (self, true),
            B::Tape => (Self::Tape, self == Self::Start),
            B::Set => (Self::Set, matches!(self, Self::TapeMark | Self::Complete)),
            B::Volume => (Self::Volume, self == Self::Set),
            B::Info => (Self::Info, self == Self::Volume),
            B::Data => (Self::Data, matches!(self, Self::Info | Self::Data)),
            B::Log => (Self::Log, matches!(self, Self::Data | Self::Log)),
            B::Summary => (Self::Summary, self == Self::Log),
            B::SetEnd if self == Self::FirstEnd => (Self::SecondEnd, true),
            B::SetEnd => (Self::FirstEnd, self == Self::SetMark),
            B::Filemark => match self {
                Self::Tape => (Self::TapeMark, true),
                Self::Summary => (Self::SetMark, true),
                Self::SecondEnd => (Self::Complete, true),
                Self::FirstEnd => (Self::Complete, false),
                Self::Start
                | Self::TapeMark
                | Self::Set
                | Self::Volume
                | Self::Info
                | Self::Data
                | Self::Log
                | Self::SetMark
                | Self::Complete => (self, false),
            },
        };
        (next, usual)
    }

    /// Whether the block belongs to the run of blocks whose addresses and numbers count from `SSET`.
    pub(super) fn is_addressed(self) -> bool {
        matches!(self, Self::Set | Self::Volume | Self::Info | Self::Data | Self::Log | Self::Summary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use BlockKind as B;

    const WHOLE: [BlockKind; 13] = [
        B::Tape,
        B::Filemark,
        B::Set,
        B::Volume,
        B::Info,
        B::Data,
        B::Data,
        B::Log,
        B::Summary,
        B::Filemark,
        B::SetEnd,
        B::SetEnd,
        B::Filemark,
    ];

    fn walk(kinds: &[BlockKind]) -> (Place, bool) {
        kinds.iter().fold((Place::Start, true), |(place, usual), kind| {
            let (next, fits) = place.after(*kind);
            (next, usual && fits)
        })
    }

    #[test]
    fn a_whole_backup_ends_complete_and_no_part_of_it_does() {
        assert_eq!(walk(&WHOLE), (Place::Complete, true));
        for length in 0..WHOLE.len() {
            assert_ne!(walk(&WHOLE[..length]).0, Place::Complete);
        }
    }

    #[test]
    fn a_block_that_is_left_out_or_exchanged_is_noticed() {
        for missing in (0..WHOLE.len() - 1).filter(|index| ![5, 6].contains(index)) {
            let mut kinds = WHOLE.to_vec();
            kinds.remove(missing);
            assert!(!walk(&kinds).1 || walk(&kinds).0 != Place::Complete, "without block {missing}");
        }
    }

    #[test]
    fn another_backup_may_follow_in_the_same_file() {
        let twice: Vec<_> = WHOLE.iter().chain(&WHOLE[2..]).copied().collect();
        assert_eq!(walk(&twice), (Place::Complete, true));
    }
}
