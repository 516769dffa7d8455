//! The calls to the system: those that are met, with what they are about and the errors that they can have, and those that
//! concern no place. What is in neither list is looked at, and told where it is about a place after all.

use super::KILL;
use std::ffi::{c_int, c_long};

/// Where a call's arguments say what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The path in this argument.
    Path(usize),
    /// The path in the second argument, below the folder in the first.
    At(usize, usize),
    /// The file or the connection in this argument.
    Handle(usize),
    /// The address in the second argument.
    Address,
    /// The kind of network in the first argument.
    Family,
    /// The file in the first argument, where the second asks for a lock.
    Lock,
}

/// A call that is met: its number, its name, what it is about, and the errors that it can have.
type Met = (c_long, &'static str, About, &'static [c_int]);

/// The calls that are met, with the errors that each can have on a real machine.
const MET: &[Met] = &[
    (
        libc::SYS_openat,
        "openat",
        About::At(0, 1),
        &[
            libc::EACCES,
            libc::EIO,
            libc::ENOSPC,
            libc::EMFILE,
            libc::ENFILE,
            libc::EROFS,
            libc::ENOENT,
            libc::ESTALE,
            libc::ETIMEDOUT,
        ],
    ),
    (libc::SYS_read, "read", About::Handle(0), &[libc::EIO, libc::EINTR, libc::ESTALE]),
    (libc::SYS_pread64, "pread64", About::Handle(0), &[libc::EIO, libc::EINTR, libc::ESTALE]),
    (libc::SYS_readv, "readv", About::Handle(0), &[libc::EIO, libc::ESTALE]),
    (libc::SYS_preadv, "preadv", About::Handle(0), &[libc::EIO, libc::ESTALE]),
    (libc::SYS_preadv2, "preadv2", About::Handle(0), &[libc::EIO, libc::ESTALE, libc::EOPNOTSUPP]),
    (libc::SYS_write, "write", About::Handle(0), &[libc::ENOSPC, libc::EIO, libc::EINTR, libc::EDQUOT]),
    (libc::SYS_pwrite64, "pwrite64", About::Handle(0), &[libc::ENOSPC, libc::EIO, libc::EINTR, libc::EDQUOT]),
    (libc::SYS_writev, "writev", About::Handle(0), &[libc::EIO, libc::EPIPE]),
    (libc::SYS_pwritev, "pwritev", About::Handle(0), &[libc::ENOSPC, libc::EIO]),
    (libc::SYS_pwritev2, "pwritev2", About::Handle(0), &[libc::ENOSPC, libc::EIO, libc::EOPNOTSUPP]),
    // SQLite maps what its readers and writers share.
    (libc::SYS_mmap, "mmap", About::Handle(4), &[libc::ENOMEM, libc::ENODEV]),
    (libc::SYS_lseek, "lseek", About::Handle(0), &[libc::EIO]),
    (libc::SYS_ftruncate, "ftruncate", About::Handle(0), &[libc::EIO, libc::EROFS]),
    (libc::SYS_fallocate, "fallocate", About::Handle(0), &[libc::ENOSPC, libc::EOPNOTSUPP]),
    (libc::SYS_fadvise64, "fadvise64", About::Handle(0), &[libc::EINVAL]),
    (libc::SYS_copy_file_range, "copy_file_range", About::Handle(0), &[libc::EIO, libc::ENOSPC, libc::EXDEV]),
    (libc::SYS_fsync, "fsync", About::Handle(0), &[libc::EIO, libc::ENOSPC, libc::EDQUOT]),
    (libc::SYS_fdatasync, "fdatasync", About::Handle(0), &[libc::EIO, libc::ENOSPC]),
    (libc::SYS_fstat, "fstat", About::Handle(0), &[libc::EIO, libc::ESTALE]),
    (libc::SYS_newfstatat, "newfstatat", About::At(0, 1), &[libc::EIO, libc::EACCES, libc::ESTALE]),
    (libc::SYS_statx, "statx", About::At(0, 1), &[libc::EIO, libc::EACCES, libc::ESTALE, libc::ENOTCONN]),
    (libc::SYS_statfs, "statfs", About::Path(0), &[libc::EIO, libc::EACCES]),
    (libc::SYS_fstatfs, "fstatfs", About::Handle(0), &[libc::EIO]),
    (libc::SYS_faccessat, "faccessat", About::At(0, 1), &[libc::EACCES, libc::EIO]),
    (libc::SYS_faccessat2, "faccessat2", About::At(0, 1), &[libc::EACCES, libc::EIO]),
    (libc::SYS_getdents64, "getdents64", About::Handle(0), &[libc::EIO, libc::ENOENT]),
    (libc::SYS_renameat, "renameat", About::At(2, 3), &[libc::EACCES, libc::EIO, libc::ENOSPC]),
    (libc::SYS_renameat2, "renameat2", About::At(2, 3), &[libc::EACCES, libc::EIO, libc::EINVAL]),
    (libc::SYS_linkat, "linkat", About::At(2, 3), &[libc::EPERM, libc::EIO, libc::EMLINK, libc::ENOSPC]),
    (libc::SYS_unlinkat, "unlinkat", About::At(0, 1), &[libc::EACCES, libc::EIO, libc::EBUSY]),
    (libc::SYS_mkdirat, "mkdirat", About::At(0, 1), &[libc::EACCES, libc::EIO, libc::ENOSPC, libc::EROFS]),
    (libc::SYS_readlinkat, "readlinkat", About::At(0, 1), &[libc::EIO, libc::EACCES]),
    (libc::SYS_fchown, "fchown", About::Handle(0), &[libc::EPERM, libc::EIO]),
    (libc::SYS_fchownat, "fchownat", About::At(0, 1), &[libc::EPERM, libc::EIO]),
    (libc::SYS_fchmod, "fchmod", About::Handle(0), &[libc::EPERM, libc::EIO]),
    (libc::SYS_fchmodat, "fchmodat", About::At(0, 1), &[libc::EPERM, libc::EIO]),
    (libc::SYS_flock, "flock", About::Handle(0), &[libc::EWOULDBLOCK, libc::ENOLCK, libc::EIO]),
    (libc::SYS_fcntl, "fcntl", About::Lock, &[libc::EAGAIN, libc::ENOLCK, libc::EIO]),
    (libc::SYS_socket, "socket", About::Family, &[libc::EMFILE, libc::ENFILE]),
    (
        libc::SYS_connect,
        "connect",
        About::Address,
        &[libc::ECONNREFUSED, libc::ETIMEDOUT, libc::EHOSTUNREACH],
    ),
    (libc::SYS_sendto, "sendto", About::Handle(0), &[libc::ECONNRESET, libc::EPIPE, libc::ETIMEDOUT]),
    (libc::SYS_sendmsg, "sendmsg", About::Handle(0), &[libc::ECONNRESET, libc::EPIPE]),
    (libc::SYS_recvfrom, "recvfrom", About::Handle(0), &[libc::ECONNRESET, libc::ETIMEDOUT, libc::EINTR]),
    (libc::SYS_recvmsg, "recvmsg", About::Handle(0), &[libc::ECONNRESET, libc::ETIMEDOUT]),
];

/// Calls that only older machines have, under their own numbers.
#[cfg(target_arch = "x86_64")]
const OLDER: &[Met] = &[
    (libc::SYS_open, "open", About::Path(0), &[libc::EACCES, libc::EIO, libc::ENOSPC]),
    (libc::SYS_stat, "stat", About::Path(0), &[libc::EIO, libc::EACCES]),
    (libc::SYS_lstat, "lstat", About::Path(0), &[libc::EIO, libc::EACCES]),
    (libc::SYS_access, "access", About::Path(0), &[libc::EACCES, libc::EIO]),
    (libc::SYS_rename, "rename", About::Path(1), &[libc::EACCES, libc::EIO, libc::ENOSPC]),
    (libc::SYS_link, "link", About::Path(1), &[libc::EPERM, libc::EIO, libc::ENOSPC]),
    (libc::SYS_unlink, "unlink", About::Path(0), &[libc::EACCES, libc::EIO, libc::EBUSY]),
    (libc::SYS_mkdir, "mkdir", About::Path(0), &[libc::EACCES, libc::EIO, libc::ENOSPC, libc::EROFS]),
    (libc::SYS_rmdir, "rmdir", About::Path(0), &[libc::EACCES, libc::EBUSY]),
    (libc::SYS_chown, "chown", About::Path(0), &[libc::EPERM, libc::EIO]),
    (libc::SYS_chmod, "chmod", About::Path(0), &[libc::EPERM, libc::EIO]),
    (libc::SYS_readlink, "readlink", About::Path(0), &[libc::EIO]),
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[Met] = &[];

/// The calls that concern no place, or of which no error has a meaning (`close`).
const PLAIN: &[c_long] = &[
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_brk,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_close,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_execve,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getcwd,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getpeername,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getrandom,
    libc::SYS_getresgid,
    libc::SYS_getresuid,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_getuid,
    libc::SYS_kill,
    libc::SYS_listen,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_msync,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_pipe2,
    libc::SYS_ppoll,
    libc::SYS_prctl,
    libc::SYS_prlimit64,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_setpriority,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
    libc::SYS_sigaltstack,
    libc::SYS_socketpair,
    libc::SYS_sysinfo,
    libc::SYS_tgkill,
    libc::SYS_timerfd_create,
    libc::SYS_timerfd_settime,
    libc::SYS_umask,
    libc::SYS_uname,
    libc::SYS_wait4,
    libc::SYS_waitid,
];

/// Those of them that only older machines have.
#[cfg(target_arch = "x86_64")]
const OLDER_PLAIN: &[c_long] = &[
    libc::SYS_alarm,
    libc::SYS_dup2,
    libc::SYS_arch_prctl,
    libc::SYS_epoll_create,
    libc::SYS_epoll_wait,
    libc::SYS_eventfd,
    libc::SYS_fork,
    libc::SYS_getpgrp,
    libc::SYS_pause,
    libc::SYS_pipe,
    libc::SYS_poll,
    libc::SYS_select,
    libc::SYS_time,
    libc::SYS_vfork,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER_PLAIN: &[c_long] = &[];

/// The errors that a call can have.
pub fn errors_of(name: &str) -> &'static [c_int] {
    met().find(|(_, known, ..)| *known == name).map_or(&[], |(.., errors)| *errors)
}

/// The name of an error.
pub fn errno_name(errno: c_int) -> String {
    const NAMES: &[(c_int, &str)] = &[
        (libc::EACCES, "EACCES"),
        (libc::EAGAIN, "EAGAIN"),
        (libc::EBUSY, "EBUSY"),
        (libc::ECONNREFUSED, "ECONNREFUSED"),
        (libc::ECONNRESET, "ECONNRESET"),
        (libc::EDQUOT, "EDQUOT"),
        (libc::EHOSTUNREACH, "EHOSTUNREACH"),
        (libc::EINTR, "EINTR"),
        (libc::EINVAL, "EINVAL"),
        (libc::EIO, "EIO"),
        (libc::EMFILE, "EMFILE"),
        (libc::EMLINK, "EMLINK"),
        (libc::ENFILE, "ENFILE"),
        (libc::ENODEV, "ENODEV"),
        (libc::ENOENT, "ENOENT"),
        (libc::ENOLCK, "ENOLCK"),
        (libc::ENOMEM, "ENOMEM"),
        (libc::ENOSPC, "ENOSPC"),
        (libc::ENOTCONN, "ENOTCONN"),
        (libc::EOPNOTSUPP, "EOPNOTSUPP"),
        (libc::EPERM, "EPERM"),
        (libc::EPIPE, "EPIPE"),
        (libc::EROFS, "EROFS"),
        (libc::ESTALE, "ESTALE"),
        (libc::ETIMEDOUT, "ETIMEDOUT"),
        (libc::EXDEV, "EXDEV"),
        (KILL, "SIGKILL"),
    ];
    let named = NAMES.iter().find(|(known, _)| *known == errno).map(|(_, name)| (*name).to_owned());
    named.unwrap_or_else(|| errno.to_string())
}

/// Every call that is met.
pub fn met() -> impl Iterator<Item = &'static Met> {
    MET.iter().chain(OLDER)
}

/// The numbers of those that are let through.
pub fn plain() -> impl Iterator<Item = c_long> {
    PLAIN.iter().chain(OLDER_PLAIN).copied()
}
