//! The wrapper around every call that a program makes to the system: counts them, names them, and lets one of them fail. The
//! program is the real one; Linux itself asks us before each call (seccomp's user notification), so that nothing in the
//! program knows of it, and SQLite's calls are met like our own.

use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::ffi::{CStr, c_int, c_long, c_void};
use std::fs;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tokio::time::Instant;

/// Where a call's arguments say what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// The path in this argument.
    Path(usize),
    /// The path in the second argument, below the folder in the first.
    At(usize, usize),
    /// The file or the connection in this argument.
    Handle(usize),
    /// The address in the second argument.
    Address,
    /// The file in the first argument, where the second asks for a lock.
    Lock,
}

/// The calls that are met, with the errors that each can have on a real machine.
const MET: &[(c_long, &str, About, &[c_int])] = &[
    (
        libc::SYS_openat,
        "openat",
        About::At(0, 1),
        &[libc::EACCES, libc::EIO, libc::ENOSPC, libc::EMFILE, libc::EROFS],
    ),
    (libc::SYS_read, "read", About::Handle(0), &[libc::EIO, libc::EINTR, libc::ESTALE]),
    (libc::SYS_pread64, "pread64", About::Handle(0), &[libc::EIO, libc::EINTR, libc::ESTALE]),
    (libc::SYS_write, "write", About::Handle(0), &[libc::ENOSPC, libc::EIO, libc::EINTR, libc::EDQUOT]),
    (libc::SYS_pwrite64, "pwrite64", About::Handle(0), &[libc::ENOSPC, libc::EIO, libc::EINTR, libc::EDQUOT]),
    (libc::SYS_writev, "writev", About::Handle(0), &[libc::EIO, libc::EPIPE]),
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
    (libc::SYS_fchmod, "fchmod", About::Handle(0), &[libc::EPERM, libc::EIO]),
    (libc::SYS_fchmodat, "fchmodat", About::At(0, 1), &[libc::EPERM, libc::EIO]),
    (libc::SYS_flock, "flock", About::Handle(0), &[libc::EWOULDBLOCK, libc::ENOLCK, libc::EIO]),
    (libc::SYS_fcntl, "fcntl", About::Lock, &[libc::EAGAIN, libc::ENOLCK, libc::EIO]),
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
const OLDER: &[(c_long, &str, About, &[c_int])] = &[
    (libc::SYS_open, "open", About::Path(0), &[libc::EACCES, libc::EIO, libc::ENOSPC]),
    (libc::SYS_stat, "stat", About::Path(0), &[libc::EIO, libc::EACCES]),
    (libc::SYS_lstat, "lstat", About::Path(0), &[libc::EIO, libc::EACCES]),
    (libc::SYS_access, "access", About::Path(0), &[libc::EACCES, libc::EIO]),
    (libc::SYS_rename, "rename", About::Path(1), &[libc::EACCES, libc::EIO, libc::ENOSPC]),
    (libc::SYS_link, "link", About::Path(1), &[libc::EPERM, libc::EIO, libc::ENOSPC]),
    (libc::SYS_unlink, "unlink", About::Path(0), &[libc::EACCES, libc::EIO, libc::EBUSY]),
    (libc::SYS_mkdir, "mkdir", About::Path(0), &[libc::EACCES, libc::EIO, libc::ENOSPC, libc::EROFS]),
    (libc::SYS_rmdir, "rmdir", About::Path(0), &[libc::EACCES, libc::EBUSY]),
    (libc::SYS_chmod, "chmod", About::Path(0), &[libc::EPERM, libc::EIO]),
    (libc::SYS_readlink, "readlink", About::Path(0), &[libc::EIO]),
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[(c_long, &str, About, &[c_int])] = &[];

/// A call, by what it does and to what: the same in every run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call {
    /// Its name in the system.
    pub name: &'static str,
    /// What it is about: a path below the program's folder, with the hour and the weekday made general, or the server.
    pub place: String,
}

/// Instead of an error: the program is killed before it makes the call.
pub const KILL: c_int = 0;

/// One call that fails, once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Which.
    pub call: Call,
    /// The first time that it is made, the second, …; from 1.
    pub time: usize,
    /// With what: an error, or [`KILL`].
    pub errno: c_int,
}

impl Fault {
    /// The fault in few words.
    pub fn shown(&self) -> String {
        let Self { call, time, errno } = self;
        format!("{} {} #{time} {}", call.name, call.place, errno_name(*errno))
    }
}

/// What a program did while it was watched.
#[derive(Debug)]
pub struct Watched {
    /// How often each call was made.
    pub calls: BTreeMap<Call, usize>,
    /// Whether the fault struck.
    pub struck: bool,
    /// What it printed, and its exit.
    pub output: Output,
}

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
        (libc::ENOENT, "ENOENT"),
        (libc::ENOLCK, "ENOLCK"),
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

fn met() -> impl Iterator<Item = &'static (c_long, &'static str, About, &'static [c_int])> {
    MET.iter().chain(OLDER)
}

/// Runs `command` to its end and meets each call that concerns a file below `root` or a TCP connection; `fault` strikes once.
/// It is killed, which shows in its exit, where it takes longer than `patience`.
///
/// # Errors
/// This system does not let a program be watched so.
pub fn watch(command: Command, root: &Path, fault: Option<Fault>, patience: Duration) -> io::Result<Watched> {
    watch_while(command, root, fault, patience, |_| ()).map(|(watched, ())| watched)
}

/// The same for a program that does not end by itself: `meanwhile` hears its process, and sees to its end. What `meanwhile`
/// returns comes along; where it falls, the program is killed.
pub fn watch_while<T: Send>(
    mut command: Command,
    root: &Path,
    fault: Option<Fault>,
    patience: Duration,
    meanwhile: impl FnOnce(Pid) -> T + Send,
) -> io::Result<(Watched, T)> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let (tell, told) = mpsc::channel();
    // The watch is inherited by what its thread starts, and by nothing else of this process.
    let starting = thread::spawn(move || {
        let listener = listen();
        // SAFETY: takes no arguments and cannot fail.
        #[expect(unsafe_code, reason = "the number of a thread has no safe binding here")]
        let this_thread = unsafe { libc::gettid() };
        let listening = listener.is_ok();
        if tell.send(listener.map(|listener| (listener, this_thread))).is_err() || !listening {
            return Err(io::Error::other("not watched"));
        }
        command.spawn()
    });
    let (listener, starter) = told.recv().map_err(io::Error::other)??;
    let root = root.to_owned();
    let watching = thread::spawn(move || Watch::new(listener, starter, root, fault).work());
    let child = starting.join().map_err(|_| io::Error::other("the starting thread fell"))??;
    let pid = Pid::from_child(&child);
    let (output, came) = thread::scope(|scope| {
        let meanwhile = scope.spawn(move || {
            catch_unwind(AssertUnwindSafe(|| meanwhile(pid))).inspect_err(|_| {
                // It may have ended in this instant.
                let _ended_already = kill_process(pid, Signal::KILL);
            })
        });
        (end_of(child, patience), meanwhile.join())
    });
    let (calls, struck) = watching.join().map_err(|_| io::Error::other("the watch fell"))??;
    let came = came.flatten().map_err(|_| io::Error::other("what was done meanwhile fell (told above)"))?;
    Ok((Watched { calls, struck, output: output? }, came))
}

/// Waits for the program, and ends it where it takes too long.
fn end_of(child: Child, patience: Duration) -> io::Result<Output> {
    let pid = Pid::from_child(&child);
    let (done, ended) = mpsc::channel::<()>();
    let guard = thread::spawn(move || {
        if ended.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Timeout) {
            // It may have ended in this instant.
            let _ended_already = kill_process(pid, Signal::KILL);
        }
    });
    let output = child.wait_with_output();
    drop(done);
    guard.join().map_err(|_| io::Error::other("the guard fell"))?;
    output
}

/// From now on the calls of this thread, and of the processes that it starts, are told to the handle that is returned.
#[expect(unsafe_code, reason = "seccomp has no safe binding")]
fn listen() -> io::Result<OwnedFd> {
    let mut filter = vec![instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0)];
    let count = met().count();
    for (at, (number, ..)) in met().enumerate() {
        let to_tell = u8::try_from(count - at).map_err(io::Error::other)?;
        let number = u32::try_from(*number).map_err(io::Error::other)?;
        filter.push(instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, to_tell, 0, number));
    }
    filter.push(instruction(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW));
    filter.push(instruction(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_USER_NOTIF));
    let len = libc::c_ushort::try_from(filter.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog { len, filter: filter.as_mut_ptr() };
    // SAFETY: changes nothing but this thread, which from now on gains no rights by starting programs.
    if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `program` and the filter in it outlive the call, which copies both.
    let listener = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            &raw const program,
        )
    };
    if listener < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a handle that the call has just made, and that nobody else has.
    Ok(unsafe { OwnedFd::from_raw_fd(i32::try_from(listener).map_err(io::Error::other)?) })
}

fn instruction(code: u32, jump_true: u8, jump_false: u8, value: u32) -> libc::sock_filter {
    // Every operation code is shorter than 16 bits.
    libc::sock_filter { code: code as u16, jt: jump_true, jf: jump_false, k: value }
}

/// Answers the calls of one program.
struct Watch {
    listener: OwnedFd,
    starter: i32,
    root: PathBuf,
    fault: Option<Fault>,
    calls: BTreeMap<Call, usize>,
    struck: bool,
    /// What kind of connection each handle of a socket is, by the number of the socket.
    sockets: BTreeMap<String, bool>,
}

impl Watch {
    fn new(listener: OwnedFd, starter: i32, root: PathBuf, fault: Option<Fault>) -> Self {
        Self {
            listener,
            starter,
            root,
            fault,
            calls: BTreeMap::new(),
            struck: false,
            sockets: BTreeMap::new(),
        }
    }

    /// Until nobody is left who could make a call.
    fn work(mut self) -> io::Result<(BTreeMap<Call, usize>, bool)> {
        while self.wait()? {
            let Some(notice) = self.receive()? else { continue };
            let error = self.meet(&notice);
            self.answer(notice.id, error)?;
        }
        Ok((self.calls, self.struck))
    }

    /// Whether there is a call to answer.
    fn wait(&self) -> io::Result<bool> {
        use rustix::event::{PollFd, PollFlags, poll};
        loop {
            let mut polled = [PollFd::new(&self.listener, PollFlags::IN)];
            match poll(&mut polled, None) {
                Ok(_) if polled[0].revents().contains(PollFlags::IN) => return Ok(true),
                Ok(_) if polled[0].revents().contains(PollFlags::HUP) => return Ok(false),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The next call; `None` where whoever made it was killed meanwhile.
    #[expect(unsafe_code, reason = "seccomp has no safe binding")]
    fn receive(&self) -> io::Result<Option<libc::seccomp_notif>> {
        // SAFETY: a structure of numbers, which the system demands to be zero.
        let mut notice: libc::seccomp_notif = unsafe { std::mem::zeroed() };
        // SAFETY: the request writes one structure of this type.
        let received = unsafe {
            libc::ioctl(self.listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut notice)
        };
        match received {
            0 => Ok(Some(notice)),
            _ => self.gone(io::Error::last_os_error()).map(|()| None),
        }
    }

    /// Lets the call be carried out, or fail with `error`.
    #[expect(unsafe_code, reason = "seccomp has no safe binding")]
    fn answer(&self, id: u64, error: Option<c_int>) -> io::Result<()> {
        let mut answer = libc::seccomp_notif_resp {
            id,
            val: 0,
            error: error.map_or(0, |errno| -errno),
            flags: if error.is_some() { 0 } else { libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32 },
        };
        // SAFETY: the request reads one structure of this type.
        let sent = unsafe {
            libc::ioctl(self.listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut answer)
        };
        if sent == 0 { Ok(()) } else { self.gone(io::Error::last_os_error()) }
    }

    /// Whoever waits may be killed at any time.
    fn gone(&self, error: io::Error) -> io::Result<()> {
        match error.raw_os_error() {
            Some(libc::ENOENT | libc::EINTR) => Ok(()),
            _ => Err(error),
        }
    }

    /// Counts a call; the error with which it shall fail.
    fn meet(&mut self, notice: &libc::seccomp_notif) -> Option<c_int> {
        let thread = i32::try_from(notice.pid).ok()?;
        if thread == self.starter {
            return None;
        }
        let (_, name, about, _) = met().find(|(number, ..)| *number == c_long::from(notice.data.nr))?;
        let place = self.place(thread, *about, &notice.data.args)?;
        let call = Call { name, place };
        let time = self.calls.entry(call.clone()).or_default();
        *time += 1;
        let fault = self.fault.as_ref().filter(|fault| fault.call == call && fault.time == *time)?;
        self.struck = true;
        if fault.errno != KILL {
            return Some(fault.errno);
        }
        // The system takes any thread of a program for the program. The call is not made, whichever comes first.
        Pid::from_raw(thread).map(|program| kill_process(program, Signal::KILL))?.ok()?;
        Some(libc::EINTR)
    }

    fn place(&mut self, thread: i32, about: About, args: &[u64; 6]) -> Option<String> {
        match about {
            About::Path(at) => self.below(&read_path(thread, args[at])?),
            About::At(folder, at) => {
                let path = read_path(thread, args[at])?;
                if path.is_absolute() {
                    return self.below(&path);
                }
                // A handle alone, with an empty path, is that file itself.
                let folder = handle(thread, args[folder])?;
                self.below(&Path::new(&folder).join(path))
            }
            About::Handle(at) => self.handle(thread, args[at]),
            About::Lock => {
                let command = args[1] as c_int;
                let locks = [libc::F_GETLK, libc::F_SETLK, libc::F_SETLKW];
                locks.contains(&command).then(|| self.handle(thread, args[0]))?
            }
            About::Address => {
                let mut family = [0; 2];
                read_memory(thread, args[1], &mut family).filter(|count| *count == 2)?;
                let family = i32::from(u16::from_ne_bytes(family));
                [libc::AF_INET, libc::AF_INET6].contains(&family).then(|| SERVER.to_owned())
            }
        }
    }

    fn handle(&mut self, thread: i32, number: u64) -> Option<String> {
        let target = handle(thread, number)?;
        let Some(socket) = target.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']')) else {
            return self.below(Path::new(target.trim_end_matches(" (deleted)")));
        };
        let known = self.sockets.get(socket).copied();
        let tcp = known.unwrap_or_else(|| {
            let tcp = is_tcp(socket);
            self.sockets.insert(socket.to_owned(), tcp);
            tcp
        });
        tcp.then(|| SERVER.to_owned())
    }

    /// A path below the program's folder, without what the time of day makes of it.
    fn below(&self, path: &Path) -> Option<String> {
        let relative = path.strip_prefix(&self.root).ok()?;
        let parts = relative.iter().map(|part| general(&part.to_string_lossy()));
        Some(parts.collect::<Vec<_>>().join("/"))
    }
}

/// The place of everything that goes over TCP.
const SERVER: &str = "SQL Server";

/// A name of a folder without the hour, the weekday, or the date of a record.
fn general(part: &str) -> String {
    const DAYS: [&str; 7] = ["Segunda", "Terca", "Quarta", "Quinta", "Sexta", "Sabado", "Domingo"];
    let is_hour =
        part.len() == 3 && part.ends_with('h') && part[..2].bytes().all(|byte| byte.is_ascii_digit());
    match part {
        _ if is_hour => "HHh".to_owned(),
        day if DAYS.iter().any(|known| known.to_lowercase() == day.to_lowercase()) => "DIA".to_owned(),
        other if other.ends_with(".sock") => "socket".to_owned(),
        other => other.chars().map(|sign| if sign.is_ascii_digit() { '0' } else { sign }).collect(),
    }
}

/// Whether the socket of this number speaks TCP.
fn is_tcp(socket: &str) -> bool {
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().any(|table| {
        let table = fs::read_to_string(table).unwrap_or_default();
        table.lines().any(|line| line.split_whitespace().nth(9) == Some(socket))
    })
}

fn handle(thread: i32, number: u64) -> Option<String> {
    let number = number as c_int;
    let link = if number == libc::AT_FDCWD {
        format!("/proc/{thread}/cwd")
    } else {
        format!("/proc/{thread}/fd/{number}")
    };
    fs::read_link(link).ok()?.into_os_string().into_string().ok()
}

/// A path in the memory of another process.
fn read_path(thread: i32, address: u64) -> Option<PathBuf> {
    const PAGE: u64 = 4096;
    let mut read = Vec::new();
    let mut address = address;
    while read.len() < libc::PATH_MAX as usize {
        let mut page = vec![0; (PAGE - address % PAGE) as usize];
        let count = read_memory(thread, address, &mut page)?;
        read.extend_from_slice(&page[..count]);
        if let Ok(path) = CStr::from_bytes_until_nul(&read) {
            return Some(path.to_str().ok()?.into());
        }
        address += count as u64;
    }
    None
}

/// Reads the memory of another process; how many bytes there were.
#[expect(unsafe_code, reason = "the memory of another process has no safe binding")]
fn read_memory(thread: i32, address: u64, into: &mut [u8]) -> Option<usize> {
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast::<c_void>(), iov_len: into.len() };
    let remote = libc::iovec { iov_base: address as *mut c_void, iov_len: into.len() };
    // SAFETY: writes to `into` only, no more than it holds; an address that is not there is an error of the call.
    let count = unsafe { libc::process_vm_readv(thread, &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(count).ok().filter(|count| *count > 0)
}

#[test]
fn a_call_is_named_counted_and_fails_when_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    fs::write(root.join("07h"), "x").unwrap();
    let cat = || {
        let mut command = Command::new("cat");
        command.arg(root.join("07h")).arg(root.join("07h"));
        command
    };
    let patience = Duration::from_secs(60);
    let whole = watch(cat(), &root, None, patience).unwrap();
    assert_eq!(whole.output.stdout, b"xx");
    let opening = Call { name: "openat", place: "HHh".to_owned() };
    assert_eq!(whole.calls.get(&opening), Some(&2), "{:?}", whole.calls);
    let fault = Fault { call: opening, time: 2, errno: libc::EIO };
    let failed = watch(cat(), &root, Some(fault), patience).unwrap();
    assert!(failed.struck && !failed.output.status.success());
    assert_eq!(failed.output.stdout, b"x", "the first one was read");
    assert!(String::from_utf8_lossy(&failed.output.stderr).contains("Input/output error"));
}

#[test]
fn a_program_that_does_not_end_is_ended() {
    let begun = Instant::now();
    let mut command = Command::new("sleep");
    command.arg("600");
    let ended = watch(command, Path::new("/nowhere"), None, Duration::from_millis(50)).unwrap();
    assert!(ended.output.status.code().is_none() && begun.elapsed() < Duration::from_secs(60));
    let _ = size_of::<libc::seccomp_notif>();
}
