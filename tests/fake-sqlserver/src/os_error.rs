//! Errors of this operating system as SQL Server on Windows would report them.

use std::io;

/// The number and text of the error that Windows would have given.
#[expect(clippy::wildcard_enum_match_arm, reason = "the kinds of errors that disks have are named")]
pub fn as_windows(error: &io::Error, opening_to_write: bool) -> (u32, String) {
    let (code, text) = match error.kind() {
        // A file that is to be made lacks its folder, one that is to be read lacks itself.
        io::ErrorKind::NotFound if opening_to_write => (3, "The system cannot find the path specified."),
        io::ErrorKind::NotFound => (2, "The system cannot find the file specified."),
        io::ErrorKind::NotADirectory => (3, "The system cannot find the path specified."),
        io::ErrorKind::PermissionDenied | io::ErrorKind::IsADirectory => (5, "Access is denied."),
        io::ErrorKind::ReadOnlyFilesystem => (19, "The media is write protected."),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            (112, "There is not enough space on the disk.")
        }
        io::ErrorKind::InvalidFilename => {
            (123, "The filename, directory name, or volume label syntax is incorrect.")
        }
        io::ErrorKind::UnexpectedEof => (38, "Reached the end of the file."),
        io::ErrorKind::ResourceBusy => {
            (32, "The process cannot access the file because it is being used by another process.")
        }
        _ => (1117, "The request could not be performed because of an I/O device error."),
    };
    (code, text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_that_tell_causes_apart() {
        let code = |kind, writing| as_windows(&kind, writing).0;
        let of = |kind: io::ErrorKind| io::Error::from(kind);
        assert_eq!(code(of(io::ErrorKind::NotFound), true), 3);
        assert_eq!(code(of(io::ErrorKind::NotFound), false), 2);
        assert_eq!(code(of(io::ErrorKind::PermissionDenied), true), 5);
        assert_eq!(code(of(io::ErrorKind::StorageFull), true), 112);
    }
}
