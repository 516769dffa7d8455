//! How much a thread wants for itself.

/// Ten steps of courtesy: others get nine times as much of a busy processor.
const NICE: i32 = 10;

pub fn stand_back() {
    // On Linux this is the calling thread's alone.
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "the thread keeps its priority");
    }
    stand_back_from_the_disk();
}

#[cfg(target_os = "linux")]
fn stand_back_from_the_disk() {
    /// `IOPRIO_WHO_PROCESS`, `IOPRIO_CLASS_IDLE` and `IOPRIO_CLASS_SHIFT` of Linux' `ioprio.h`: the disk when nobody else wants it.
    const WHO_PROCESS: libc::c_int = 1;
    const CLASS_IDLE: libc::c_int = 3;
    const CLASS_SHIFT: libc::c_int = 13;
    #[expect(unsafe_code, reason = "the call has no safe binding")]
    // SAFETY: three numbers go in and one comes out; no memory is touched.
    let refused = unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, CLASS_IDLE << CLASS_SHIFT) };
    if refused != 0 {
        tracing::debug!(error = %std::io::Error::last_os_error(), "the thread keeps its place at the disk");
    }
}

#[cfg(not(target_os = "linux"))]
fn stand_back_from_the_disk() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_stands_back_alone() {
        let of_this_thread = || rustix::process::getpriority_process(None).unwrap();
        let before = of_this_thread();
        let stood_back = std::thread::spawn(move || {
            stand_back();
            of_this_thread()
        });
        assert!(stood_back.join().unwrap() >= NICE.max(before));
        assert_eq!(of_this_thread(), before);
    }
}
