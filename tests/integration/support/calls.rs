//! The wrapper around every call that a program makes to the system: counts them, names them, and lets one of them fail. The
//! program is the real one; Linux itself asks us before each call (seccomp's user notification), so that nothing in the
//! program knows of it, and SQLite's calls are met like our own.

mod list;

pub use list::{errno_name, errors_of};

use list::{About, met, plain};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::{BTreeMap, BTreeSet};
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
    /// Calls about a place below the program's folder that are not in the list, by their numbers and places.
    pub unknown: BTreeSet<(c_long, String)>,
    /// Whether the fault struck.
    pub struck: bool,
    /// What it printed, and its exit.
    pub output: Output,
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
    let Seen { calls, unknown, struck } =
        watching.join().map_err(|_| io::Error::other("the watch fell"))??;
    let came = came.flatten().map_err(|_| io::Error::other("what was done meanwhile fell (told above)"))?;
    Ok((Watched { calls, unknown, struck, output: output? }, came))
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
    let mut filter = filter()?;
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

/// What lets the calls pass that concern no place, and asks about every other.
fn filter() -> io::Result<Vec<libc::sock_filter>> {
    let (load, equal, end) = (
        libc::BPF_LD | libc::BPF_W | libc::BPF_ABS,
        libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
        libc::BPF_RET,
    );
    let number = |call: c_long| u32::try_from(call).map_err(io::Error::other);
    let (ask, pass) = (
        instruction(end | libc::BPF_K, 0, 0, libc::SECCOMP_RET_USER_NOTIF),
        instruction(end | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    );
    // Memory without a file is nobody's place, and an allocator that waits for an answer would keep its locks.
    let mut filter = vec![
        instruction(load, 0, 0, NUMBER_AT),
        instruction(equal, 0, 4, number(libc::SYS_mmap)?),
        instruction(load, 0, 0, FIFTH_ARGUMENT_AT),
        instruction(equal, 0, 1, u32::MAX),
        pass,
        ask,
    ];
    let count = plain().count();
    for (at, call) in plain().enumerate() {
        let to_pass = u8::try_from(count - at).map_err(io::Error::other)?;
        filter.push(instruction(equal, to_pass, 0, number(call)?));
    }
    filter.extend([ask, pass]);
    Ok(filter)
}

/// Where in what the filter looks at the number of the call stands, and the lower half of its fifth argument, in bytes.
const NUMBER_AT: u32 = std::mem::offset_of!(libc::seccomp_data, nr) as u32;
const FIFTH_ARGUMENT_AT: u32 = (std::mem::offset_of!(libc::seccomp_data, args) + 4 * size_of::<u64>()) as u32;

fn instruction(code: u32, jump_true: u8, jump_false: u8, value: u32) -> libc::sock_filter {
    // Every operation code is shorter than 16 bits.
    libc::sock_filter { code: code as u16, jt: jump_true, jf: jump_false, k: value }
}

/// What the watch has seen.
#[derive(Default)]
struct Seen {
    calls: BTreeMap<Call, usize>,
    unknown: BTreeSet<(c_long, String)>,
    struck: bool,
}

/// Answers the calls of one program.
struct Watch {
    listener: OwnedFd,
    starter: i32,
    root: PathBuf,
    fault: Option<Fault>,
    seen: Seen,
    /// What kind of connection each handle of a socket is, by the number of the socket.
    sockets: BTreeMap<String, bool>,
}

impl Watch {
    fn new(listener: OwnedFd, starter: i32, root: PathBuf, fault: Option<Fault>) -> Self {
        Self { listener, starter, root, fault, seen: Seen::default(), sockets: BTreeMap::new() }
    }

    /// Until nobody is left who could make a call.
    fn work(mut self) -> io::Result<Seen> {
        while self.wait()? {
            let Some(notice) = self.receive()? else { continue };
            let error = self.meet(&notice);
            self.answer(notice.id, error)?;
        }
        Ok(self.seen)
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
        let number = c_long::from(notice.data.nr);
        let Some((_, name, about, _)) = met().find(|(known, ..)| *known == number) else {
            let place = notice.data.args.iter().find_map(|argument| self.any_place(thread, *argument));
            self.seen.unknown.extend(place.map(|place| (number, place)));
            return None;
        };
        let place = self.place(thread, *about, &notice.data.args)?;
        let call = Call { name, place };
        let time = self.seen.calls.entry(call.clone()).or_default();
        *time += 1;
        let fault = self.fault.as_ref().filter(|fault| fault.call == call && fault.time == *time)?;
        self.seen.struck = true;
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
            About::Family => {
                let family = args[0] as c_int;
                [libc::AF_INET, libc::AF_INET6].contains(&family).then(|| SERVER.to_owned())
            }
            About::Address => {
                let mut family = [0; 2];
                read_memory(thread, args[1], &mut family).filter(|count| *count == 2)?;
                let family = i32::from(u16::from_ne_bytes(family));
                [libc::AF_INET, libc::AF_INET6].contains(&family).then(|| SERVER.to_owned())
            }
        }
    }

    /// A place that an argument of a call may be about which nothing is known of: as a file's handle, or as a path.
    fn any_place(&self, thread: i32, argument: u64) -> Option<String> {
        let as_handle = || self.below(Path::new(handle(thread, argument)?.trim_end_matches(" (deleted)")));
        let as_path = || self.below(&read_path(thread, argument)?);
        // An address is never as small as a handle.
        if argument < 0x1_0000 { as_handle() } else { as_path() }
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
