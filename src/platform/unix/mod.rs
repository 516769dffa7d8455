//! The Unix twin. What only Linux has stands here too, and falls back to what every Unix has.

mod console;
mod desktop;
mod drives;
mod files;
mod identity;
mod local;
mod memory;
mod mounts;
#[cfg(feature = "tray")]
mod notice;
mod rights;
mod service;
mod session;
mod threads;
mod tls;
#[cfg(feature = "tray")]
mod tray;

pub use console::SilentKeyboard;
pub use desktop::{exit_like, has_display, session_file, show_folder, start_apart, tell};
pub use drives::drives;
pub use files::{
    Medium, Settler, file_id, has_no_hard_links, has_no_locks, is_gone, largest_file_bytes, open_shared,
    rename_new, rename_over, space, sync_folder, sync_foreign_file, volume_id,
};
pub use identity::{
    backup_folder, config_paths, host_name, is_elevated, machine_id, state_folder, state_folders,
    system_name, user_name,
};
pub use local::{
    channel_to_listen, channels_to_try, integrated_login, listen, may_serve, open_sql_pipe, peer,
};
pub use memory::{hand_back_memory, share_one_heap};
pub use mounts::place;
#[cfg(feature = "tray")]
pub use notice::show_notice;
pub use rights::{
    can_write_folder, is_kept_secret, make_folder_inside, make_private_folder, private,
    readable_by_everybody, share_like_folder, take_from_everybody, writable_by_ordinary_users,
};
pub use service::{event_log, service_state, sql_service, start_service};
pub use session::{end_asked_for, may_replace, sits_here};
pub use threads::stand_back;
pub use tls::web_tls;
#[cfg(feature = "tray")]
pub use tray::Tray;
