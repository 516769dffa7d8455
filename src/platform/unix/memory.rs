//! Memory that a program which waits has no use for.

use std::fs;
use std::io;

/// Hands back free memory of the heap, and the pages of the program's own code, which come back from the file when they are
/// needed. Returns the bytes of code.
#[cfg(target_os = "linux")]
pub fn hand_back_memory() -> io::Result<usize> {
    trim_heap();
    let mut handed_back = 0;
    for (begin, length) in code(&fs::read_to_string("/proc/self/maps")?) {
        #[expect(unsafe_code, reason = "the kernel takes the place of the code as a pointer")]
        // SAFETY: the range is a mapping of this process, of a file, readable and executable but not writable, so that
        // nothing in it differs from the file: the kernel reads a page again when it is next touched.
        let done = unsafe {
            libc::madvise(std::ptr::with_exposed_provenance_mut(begin), length, libc::MADV_DONTNEED)
        };
        if done != 0 {
            return Err(io::Error::last_os_error());
        }
        handed_back += length;
    }
    Ok(handed_back)
}

#[cfg(not(target_os = "linux"))]
pub fn hand_back_memory() -> io::Result<usize> {
    Ok(0)
}

/// Has the threads share one heap. By itself the C library gives each thread one of its own, and each of them keeps some
/// memory for good; what this program needs much of, buffers, is taken from the system directly.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn share_one_heap() {
    #[expect(unsafe_code, reason = "a call of the C library's allocator")]
    // SAFETY: it may be called at any time; it only sets a bound for heaps that are yet to be made.
    let set = unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
    if set == 0 {
        tracing::debug!("the C library keeps a heap for each thread");
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn share_one_heap() {}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn trim_heap() {
    #[expect(unsafe_code, reason = "a call of the C library's allocator")]
    // SAFETY: it may be called at any time; it only returns free memory to the system.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(all(target_os = "linux", not(target_env = "gnu")))]
fn trim_heap() {}

/// Where code of files lies, by the kernel's list: address and length.
#[cfg(target_os = "linux")]
fn code(maps: &str) -> Vec<(usize, usize)> {
    let of = |line: &str| {
        let mut words = line.split_whitespace();
        let (range, rights) = (words.next()?, words.next()?);
        let file = words.nth(3)?;
        let (begin, end) = range.split_once('-')?;
        let (begin, end) = (usize::from_str_radix(begin, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
        (rights == "r-xp" && file.starts_with('/')).then_some((begin, end.checked_sub(begin)?))
    };
    maps.lines().filter_map(of).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_code_that_nobody_can_have_changed_is_handed_back() {
        let maps = "\
            55f000000000-55f000100000 r--p 00000000 08:01 77 /usr/bin/dmbackupctl\n\
            55f000100000-55f000300000 r-xp 00100000 08:01 77 /usr/bin/dmbackupctl\n\
            55f000300000-55f000400000 r--p 00300000 08:01 77 /usr/bin/dmbackupctl\n\
            55f000400000-55f000500000 rw-p 00400000 08:01 77 /usr/bin/dmbackupctl\n\
            7f0000000000-7f0000100000 rwxp 00000000 00:00 0\n\
            7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0 [vdso]\n";
        assert_eq!(code(maps), [(0x55f0_0010_0000, 0x20_0000)]);
    }

    #[test]
    fn a_program_goes_on_without_the_pages_of_its_code() {
        for _ in 0..3 {
            assert!(hand_back_memory().unwrap() > 100_000);
        }
    }
}
