//! Modes of files and folders.

use rustix::fs::{Access, AtFlags, CWD};
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

const READ_BY_OTHERS: u32 = 0o004;
const READ_BY_GROUP: u32 = 0o040;
const WRITE_BY_GROUP_OR_OTHERS: u32 = 0o022;
const ANY_BY_GROUP_OR_OTHERS: u32 = 0o077;
const ANY_BY_OTHERS: u32 = 0o007;
const STICKY: u32 = 0o1000;

pub fn make_private_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

pub fn make_folder_inside(path: &Path) -> io::Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    let mode = fs::metadata(parent)?.mode() & 0o7777 & !ANY_BY_OTHERS;
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => return Ok(()),
        Err(error) => return Err(error),
    }
    match fs::set_permissions(path, Permissions::from_mode(mode | 0o700)) {
        // A file system without modes (vfat, some shares) has the mount's own.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        set => set,
    }
}

pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

pub fn take_from_everybody(path: &Path) -> io::Result<()> {
    let mode = fs::metadata(path)?.mode();
    if mode & ANY_BY_OTHERS == 0 {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode & 0o7777 & !ANY_BY_OTHERS))
}

pub fn share_like_folder(path: &Path) -> io::Result<()> {
    let folder = fs::metadata(path.parent().unwrap_or(Path::new(".")))?;
    let own = fs::metadata(path)?;
    // Only root may give a file away; others may give it to a group of theirs.
    let root = rustix::process::geteuid().is_root();
    let owner = (root && folder.uid() != own.uid()).then_some(folder.uid());
    let group = (folder.gid() != own.gid()).then_some(folder.gid());
    match std::os::unix::fs::chown(path, owner, group) {
        // A group that is not ours, or a file system without owners: then the folder's own way must do.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
        given => given?,
    }
    // What the group may not do in the folder it may not do here.
    let mode = 0o600 | folder.mode() & READ_BY_GROUP;
    match fs::set_permissions(path, Permissions::from_mode(mode)) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        set => set,
    }
}

pub fn readable_by_everybody(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.mode() & READ_BY_OTHERS != 0)
}

pub fn writable_by_ordinary_users(path: &Path) -> io::Result<bool> {
    let file = fs::canonicalize(path)?;
    if open_to_others(&file, false)? {
        return Ok(true);
    }
    file.parent().map_or(Ok(false), |folder| open_to_others(folder, true))
}

/// Whether somebody else than root and ourselves may write it. In a sticky folder only the owner of a file can replace it.
fn open_to_others(path: &Path, folder: bool) -> io::Result<bool> {
    let data = fs::metadata(path)?;
    let owner = data.uid();
    let foreign = owner != 0 && owner != rustix::process::geteuid().as_raw();
    let sticky = folder && data.mode() & STICKY != 0;
    // A group of the owner's own, or root's, is nobody else.
    let writers = if data.gid() == 0 { 0o002 } else { WRITE_BY_GROUP_OR_OTHERS };
    Ok(foreign || (data.mode() & writers != 0 && !sticky))
}

pub fn is_kept_secret(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.mode() & ANY_BY_GROUP_OR_OTHERS == 0)
}

pub fn can_write_folder(path: &Path) -> io::Result<()> {
    let wanted = Access::WRITE_OK | Access::EXEC_OK;
    Ok(rustix::fs::accessat(CWD, path, wanted, AtFlags::EACCESS)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_mode(mode: u32) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "x").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn what_is_made_is_private_and_what_was_made_can_become_so() {
        let (folder, path) = with_mode(0o664);
        assert!(readable_by_everybody(&path).unwrap());
        assert!(!is_kept_secret(&path).unwrap());
        take_from_everybody(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o660);
        assert!(!is_kept_secret(&path).unwrap(), "the group may still read it");

        let own = folder.path().join("own");
        make_private_folder(&own).unwrap();
        make_private_folder(&own).unwrap();
        assert_eq!(fs::metadata(&own).unwrap().mode() & 0o777, 0o700);
        assert!(make_private_folder(&path).is_err(), "a file is no folder");
        fs::set_permissions(&own, Permissions::from_mode(0o2775)).unwrap();
        make_folder_inside(&own.join("09h")).unwrap();
        assert_eq!(fs::metadata(own.join("09h")).unwrap().mode() & 0o7777, 0o2770);
        let secret = own.join("secret");
        private(OpenOptions::new().write(true).create(true)).open(&secret).unwrap();
        assert!(is_kept_secret(&secret).unwrap());
    }

    #[test]
    fn a_file_is_shared_with_those_to_whom_its_folder_is_open() {
        let (folder, path) = with_mode(0o600);
        for (of_folder, of_file) in [(0o700, 0o600), (0o2770, 0o640), (0o777, 0o640)] {
            fs::set_permissions(folder.path(), Permissions::from_mode(of_folder)).unwrap();
            share_like_folder(&path).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, of_file, "{of_folder:o}");
        }
        let (data, of_folder) = (fs::metadata(&path).unwrap(), fs::metadata(folder.path()).unwrap());
        assert_eq!(data.gid(), of_folder.gid());
    }

    #[test]
    fn a_file_is_as_safe_as_the_folder_that_it_lies_in() {
        let (folder, path) = with_mode(0o600);
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
        assert!(!writable_by_ordinary_users(&path).unwrap());
        fs::set_permissions(&path, Permissions::from_mode(0o602)).unwrap();
        assert!(writable_by_ordinary_users(&path).unwrap());
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        assert!(writable_by_ordinary_users(&path).unwrap(), "who may write the folder may replace the file");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o1777)).unwrap();
        assert!(!writable_by_ordinary_users(&path).unwrap(), "but not in a sticky one");
    }
}
