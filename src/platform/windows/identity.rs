//! Who and where we are, and the folders that follow from it.

use super::handles::{LocalMemory, owned, succeeded};
use super::wide::{narrow, wide};
use std::io;
use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::path::PathBuf;
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::Security::Authorization::ConvertSidToStringSidW;
use windows_sys::Win32::Security::{
    GetTokenInformation, LookupAccountSidW, PSID, TOKEN_ELEVATION, TOKEN_QUERY, TOKEN_USER, TokenElevation,
    TokenUser,
};
use windows_sys::Win32::System::Registry::{
    HKEY_LOCAL_MACHINE, RRF_RT_REG_SZ, RRF_SUBKEY_WOW6464KEY, RegGetValueW,
};
use windows_sys::Win32::System::SystemInformation::{ComputerNamePhysicalDnsHostname, GetComputerNameExW};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, OpenProcess, OpenProcessToken, PROCESS_QUERY_LIMITED_INFORMATION,
};

/// The user behind a process's token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenOwner {
    /// The SID in its text form.
    pub sid: String,
    /// `DOMAIN\name`, or the SID where it has no name.
    pub name: String,
    /// An administrator's rights in force.
    pub elevated: bool,
}

pub fn host_name() -> String {
    let mut name = [0_u16; 256];
    let mut length = 256;
    #[expect(unsafe_code, reason = "the computer's name has no safe binding")]
    // SAFETY: `length` is that of `name`.
    let told =
        unsafe { GetComputerNameExW(ComputerNamePhysicalDnsHostname, name.as_mut_ptr(), &raw mut length) };
    if told == 0 { std::env::var("COMPUTERNAME").unwrap_or_default() } else { narrow(&name) }
}

pub fn system_name() -> String {
    let told = |value| registry_text(r"SOFTWARE\Microsoft\Windows NT\CurrentVersion", value);
    let name = told("ProductName").unwrap_or_else(|| "Windows".to_owned());
    match told("CurrentBuildNumber") {
        Some(build) => format!("{name} (build {build})"),
        None => name,
    }
}

pub fn machine_id() -> Option<String> {
    registry_text(r"SOFTWARE\Microsoft\Cryptography", "MachineGuid")
}

/// A short text that the machine's registry holds.
fn registry_text(key: &str, value: &str) -> Option<String> {
    let (key, value) = (wide(key), wide(value));
    let mut text = [0_u16; 128];
    let mut bytes = 256;
    #[expect(unsafe_code, reason = "the registry has no safe binding")]
    // SAFETY: both names end with a zero; `bytes` is the size of `text`; the kind is not asked for.
    let code = unsafe {
        RegGetValueW(
            HKEY_LOCAL_MACHINE,
            key.as_ptr(),
            value.as_ptr(),
            RRF_RT_REG_SZ | RRF_SUBKEY_WOW6464KEY,
            std::ptr::null_mut(),
            text.as_mut_ptr().cast(),
            &raw mut bytes,
        )
    };
    let text = narrow(&text);
    (code == 0 && !text.is_empty()).then_some(text)
}

pub fn user_name() -> String {
    ourselves().map_or_else(|_| std::env::var("USERNAME").unwrap_or_default(), |owner| owner.name)
}

pub fn is_elevated() -> bool {
    ourselves().is_ok_and(|owner| owner.elevated)
}

/// Whose process we are.
pub fn ourselves() -> io::Result<TokenOwner> {
    #[expect(unsafe_code, reason = "a constant of Windows")]
    // SAFETY: returns a pseudo handle that is always valid and need not be closed.
    let process = unsafe { GetCurrentProcess() };
    owner_of(process)
}

/// Whose process `id` is.
pub fn owner_of_process(id: u32) -> io::Result<TokenOwner> {
    #[expect(unsafe_code, reason = "processes have no safe binding")]
    // SAFETY: takes no pointers.
    let process = owned(unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, id) })?;
    owner_of(process.as_raw_handle())
}

fn owner_of(process: HANDLE) -> io::Result<TokenOwner> {
    let mut token = std::ptr::null_mut();
    #[expect(unsafe_code, reason = "tokens have no safe binding")]
    // SAFETY: the process handle is open, `token` is writable.
    succeeded(unsafe { OpenProcessToken(process, TOKEN_QUERY, &raw mut token) })?;
    let token = owned(token)?;
    let user = user_of(&token)?;
    Ok(TokenOwner { elevated: elevation_of(&token)?, ..user })
}

fn user_of(token: &OwnedHandle) -> io::Result<TokenOwner> {
    /// A `TOKEN_USER` with the longest SID needs 84 bytes; 8-byte words keep it aligned.
    const WORDS: usize = 32;
    let mut memory = [0_u64; WORDS];
    let mut length = 0;
    #[expect(unsafe_code, reason = "tokens have no safe binding")]
    // SAFETY: the token is open and the size is that of `memory`.
    succeeded(unsafe {
        let room = (WORDS * 8) as u32;
        GetTokenInformation(
            token.as_raw_handle(),
            TokenUser,
            memory.as_mut_ptr().cast(),
            room,
            &raw mut length,
        )
    })?;
    #[expect(unsafe_code, reason = "tokens have no safe binding")]
    // SAFETY: the call succeeded, so `memory`, which is aligned for it, begins with a `TOKEN_USER`; its SID lies in the
    // same memory.
    let sid = unsafe { (*memory.as_ptr().cast::<TOKEN_USER>()).User.Sid };
    let text = sid_text(sid)?;
    let name = account_name(sid).unwrap_or_else(|| text.clone());
    Ok(TokenOwner { sid: text, name, elevated: false })
}

fn elevation_of(token: &OwnedHandle) -> io::Result<bool> {
    let mut told = TOKEN_ELEVATION { TokenIsElevated: 0 };
    let mut length = 0;
    #[expect(unsafe_code, reason = "tokens have no safe binding")]
    // SAFETY: the token is open and the size is that of `told`.
    succeeded(unsafe {
        let room = size_of::<TOKEN_ELEVATION>() as u32;
        GetTokenInformation(
            token.as_raw_handle(),
            TokenElevation,
            (&raw mut told).cast(),
            room,
            &raw mut length,
        )
    })?;
    Ok(told.TokenIsElevated != 0)
}

fn sid_text(sid: PSID) -> io::Result<String> {
    let mut text = std::ptr::null_mut();
    #[expect(unsafe_code, reason = "SIDs have no safe binding")]
    // SAFETY: the SID is valid; the text is ours to free.
    succeeded(unsafe { ConvertSidToStringSidW(sid, &raw mut text) })?;
    let memory = LocalMemory(text.cast());
    #[expect(unsafe_code, reason = "SIDs have no safe binding")]
    // SAFETY: the text ends with a zero and lives as long as `memory`.
    let units = unsafe {
        let length = (0..).take_while(|at| *text.add(*at) != 0).count();
        std::slice::from_raw_parts(text, length)
    };
    let text = narrow(units);
    drop(memory);
    Ok(text)
}

fn account_name(sid: PSID) -> Option<String> {
    let (mut name, mut domain) = ([0_u16; 257], [0_u16; 257]);
    let (mut name_length, mut domain_length, mut kind) = (257, 257, 0);
    #[expect(unsafe_code, reason = "accounts have no safe binding")]
    // SAFETY: the SID is valid, and each length is that of its buffer.
    let told = unsafe {
        LookupAccountSidW(
            std::ptr::null(),
            sid,
            name.as_mut_ptr(),
            &raw mut name_length,
            domain.as_mut_ptr(),
            &raw mut domain_length,
            &raw mut kind,
        )
    };
    (told != 0).then(|| format!(r"{}\{}", narrow(&domain), narrow(&name)))
}

pub fn config_paths() -> Vec<PathBuf> {
    vec![program_data().join("dmbackup.toml")]
}

pub fn state_folder() -> PathBuf {
    program_data().join("state")
}

pub fn state_folders() -> Vec<PathBuf> {
    vec![state_folder()]
}

pub fn backup_folder() -> PathBuf {
    program_data().join("Backup")
}

fn program_data() -> PathBuf {
    let folder = std::env::var_os("ProgramData").map(PathBuf::from).filter(|path| path.is_absolute());
    folder.unwrap_or_else(|| PathBuf::from(r"C:\ProgramData")).join("DMBackup")
}
