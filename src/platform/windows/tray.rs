//! The tray icon beside the clock. It lives on a thread of its own with a message loop, together with a hidden window that
//! hears the end of the session.

use super::super::screen::{Bitmap, MenuEntry, TrayEvent, TrayListener, TrayLook};
use super::wide::wide;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use tray_icon::menu::{Menu, MenuEvent, MenuItem, PredefinedMenuItem};
use tray_icon::{Icon, MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use windows_sys::Win32::Foundation::{HWND, LPARAM, LRESULT, WPARAM};
use windows_sys::Win32::System::LibraryLoader::GetModuleHandleW;
use windows_sys::Win32::System::Threading::GetCurrentThreadId;
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DefWindowProcW, DispatchMessageW, GetMessageW, GetSystemMetrics, MSG, PM_NOREMOVE,
    PeekMessageW, PostThreadMessageW, RegisterClassW, SM_CXSMICON, SetProcessDPIAware, TranslateMessage,
    WM_APP, WM_ENDSESSION, WM_USER, WNDCLASSW,
};

/// The longest tooltip that Windows shows, in UTF-16 units.
const LONGEST_TOOLTIP: usize = 127;

/// How long the end of a session waits for the agent to stop its run; Windows itself waits for 5 seconds.
const SESSION_PATIENCE: std::time::Duration = std::time::Duration::from_secs(4);

type Listener = Arc<dyn Fn(TrayEvent) + Send + Sync>;

/// Who hears the end of the session: a window's procedure takes nothing along.
static SESSION: OnceLock<Listener> = OnceLock::new();

enum Wish {
    Show(Box<TrayLook>),
    End,
}

/// A tray icon.
#[derive(Debug)]
pub struct Tray {
    thread: u32,
    wishes: Sender<Wish>,
    loop_: Option<JoinHandle<()>>,
}

impl Tray {
    pub fn open(look: TrayLook, listener: TrayListener) -> io::Result<Self> {
        let listener: Listener = Arc::from(listener);
        let (wishes, waiting) = channel();
        let (opened, told) = channel();
        let loop_ = std::thread::Builder::new().name("tray".to_owned()).spawn(move || {
            match Shown::open(&look, &listener) {
                Ok(shown) => {
                    // Whoever opened the tray waits for this.
                    let _told = opened.send(Ok(current_thread()));
                    turn(shown, &waiting);
                }
                Err(error) => {
                    let _told = opened.send(Err(error));
                }
            }
        })?;
        let thread = told.recv().map_err(io::Error::other)??;
        Ok(Self { thread, wishes, loop_: Some(loop_) })
    }

    pub fn show(&self, look: TrayLook) {
        self.wish(Wish::Show(Box::new(look)));
    }

    fn wish(&self, wish: Wish) {
        if self.wishes.send(wish).is_ok() {
            wake(self.thread);
        }
    }
}

impl Drop for Tray {
    fn drop(&mut self) {
        self.wish(Wish::End);
        if self.loop_.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the tray's thread fell");
        }
    }
}

/// What the thread of the tray holds.
struct Shown {
    icon: TrayIcon,
    look: TrayLook,
}

impl Shown {
    fn open(look: &TrayLook, listener: &Listener) -> io::Result<Self> {
        // First of all, for it tells the system how this process draws, before any window is made.
        let picture = picture(look)?;
        listen(listener);
        let _heard_before = SESSION.set(Arc::clone(listener));
        hear_session_end()?;
        let builder = TrayIconBuilder::new()
            .with_tooltip(tooltip(look))
            .with_menu(Box::new(menu(look)?))
            .with_menu_on_left_click(false);
        let builder = match picture {
            Some(icon) => builder.with_icon(icon),
            None => builder,
        };
        let icon = builder.build().map_err(io::Error::other)?;
        Ok(Self { icon, look: look.clone() })
    }

    fn show(&mut self, look: TrayLook) -> io::Result<()> {
        if look.icons != self.look.icons {
            self.icon.set_icon(picture(&look)?).map_err(io::Error::other)?;
        }
        if look.tooltip != self.look.tooltip {
            self.icon.set_tooltip(Some(tooltip(&look))).map_err(io::Error::other)?;
        }
        if look.menu != self.look.menu {
            self.icon.set_menu(Some(Box::new(menu(&look)?)));
        }
        self.look = look;
        Ok(())
    }
}

fn listen(listener: &Listener) {
    let chosen = Arc::clone(listener);
    MenuEvent::set_event_handler(Some(move |event: MenuEvent| {
        if let Ok(id) = event.id().0.parse() {
            chosen(TrayEvent::Chosen(id));
        }
    }));
    let clicked = Arc::clone(listener);
    TrayIconEvent::set_event_handler(Some(move |event: TrayIconEvent| {
        if is_activation(&event) {
            clicked(TrayEvent::Activated);
        }
    }));
}

/// A double click is two clicks already.
fn is_activation(event: &TrayIconEvent) -> bool {
    matches!(
        event,
        TrayIconEvent::Click { button: MouseButton::Left, button_state: MouseButtonState::Up, .. }
    )
}

fn tooltip(look: &TrayLook) -> String {
    let mut length = look.tooltip.encode_utf16().count();
    if length <= LONGEST_TOOLTIP {
        return look.tooltip.clone();
    }
    let mut cut = look.tooltip.clone();
    while length >= LONGEST_TOOLTIP
        && let Some(last) = cut.pop()
    {
        length -= last.len_utf16();
    }
    cut + "…"
}

fn menu(look: &TrayLook) -> io::Result<Menu> {
    // An ampersand would make a key of the letter behind it.
    let plain = |label: &str| label.replace('&', "&&");
    let menu = Menu::new();
    for entry in &look.menu {
        match entry {
            MenuEntry::Separator => menu.append(&PredefinedMenuItem::separator()),
            MenuEntry::Note(text) => menu.append(&MenuItem::new(plain(text), false, None)),
            MenuEntry::Choice { id, label, enabled } => {
                menu.append(&MenuItem::with_id(id.to_string(), plain(label), *enabled, None))
            }
        }
        .map_err(io::Error::other)?;
    }
    Ok(menu)
}

/// Windows takes one picture, and scales one of another size, which blurs it.
fn picture(look: &TrayLook) -> io::Result<Option<Icon>> {
    let best = look.icon_for(icon_pixels());
    let icon = |bitmap: &Bitmap| {
        Icon::from_rgba(bitmap.rgba.clone(), bitmap.size, bitmap.size).map_err(io::Error::other)
    };
    best.map(icon).transpose()
}

/// Width and height of the tray's icons in pixels. Only a program that knows of the screen's scale is told the true one.
fn icon_pixels() -> u32 {
    #[expect(unsafe_code, reason = "the system's metrics have no safe binding")]
    // SAFETY: both take no pointers; the first one says of this process that it draws in true pixels.
    let pixels = unsafe {
        SetProcessDPIAware();
        GetSystemMetrics(SM_CXSMICON)
    };
    u32::try_from(pixels).unwrap_or_default()
}

/// Hands out messages until the tray is dropped.
fn turn(mut shown: Shown, wishes: &Receiver<Wish>) {
    loop {
        let mut message = MSG::default();
        #[expect(unsafe_code, reason = "messages have no safe binding")]
        // SAFETY: `message` is writable, and is what the system filled in.
        let is_wake = unsafe {
            if GetMessageW(&raw mut message, std::ptr::null_mut(), 0, 0) <= 0 {
                return;
            }
            TranslateMessage(&raw const message);
            DispatchMessageW(&raw const message);
            message.message == WM_APP
        };
        if !is_wake {
            continue;
        }
        while let Ok(wish) = wishes.try_recv() {
            match wish {
                Wish::End => return,
                Wish::Show(look) => {
                    if let Err(error) = shown.show(*look) {
                        tracing::warn!(%error, "the tray icon cannot be changed");
                    }
                }
            }
        }
    }
}

fn current_thread() -> u32 {
    let mut message = MSG::default();
    #[expect(unsafe_code, reason = "messages have no safe binding")]
    // SAFETY: `message` is writable. Looking for one makes the thread's queue.
    unsafe {
        PeekMessageW(&raw mut message, std::ptr::null_mut(), WM_USER, WM_USER, PM_NOREMOVE);
        GetCurrentThreadId()
    }
}

fn wake(thread: u32) {
    #[expect(unsafe_code, reason = "messages have no safe binding")]
    // SAFETY: takes numbers only.
    let posted = unsafe { PostThreadMessageW(thread, WM_APP, 0, 0) };
    if posted == 0 {
        tracing::debug!("the tray's thread has ended");
    }
}

/// Makes the hidden window. It stays as long as its thread does.
fn hear_session_end() -> io::Result<()> {
    let name = wide("DMBackupSession");
    #[expect(unsafe_code, reason = "windows have no safe binding")]
    // SAFETY: the name outlives both calls; the procedure has the signature that the class demands.
    let window = unsafe {
        let module = GetModuleHandleW(std::ptr::null());
        let class = WNDCLASSW {
            lpfnWndProc: Some(session_procedure),
            hInstance: module,
            lpszClassName: name.as_ptr(),
            ..WNDCLASSW::default()
        };
        RegisterClassW(&raw const class);
        let (none, nobody) = (std::ptr::null(), std::ptr::null_mut());
        CreateWindowExW(0, name.as_ptr(), none, 0, 0, 0, 0, 0, nobody, nobody, module, none.cast())
    };
    if window.is_null() { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[expect(unsafe_code, reason = "the system calls it")]
// SAFETY: called by the system with the arguments of a message; hands them on unchanged.
unsafe extern "system" fn session_procedure(
    window: HWND,
    message: u32,
    first: WPARAM,
    second: LPARAM,
) -> LRESULT {
    if message == WM_ENDSESSION && first != 0 {
        if let Some(listener) = SESSION.get() {
            listener(TrayEvent::SessionEnds);
        }
        // The process is ended as soon as this returns; the end that was just asked for comes first.
        std::thread::sleep(SESSION_PATIENCE);
        return 0;
    }
    // SAFETY: as above.
    unsafe { DefWindowProcW(window, message, first, second) }
}
