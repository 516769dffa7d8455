//! The drives that are mounted where people find them.

use super::super::Drive;
use super::files::space;
use super::mounts::Mount;
use std::fs;
use std::path::Path;

/// Below these, desktops mount what is plugged in, and people what they want to find again.
const PLUGGED_IN: [&str; 3] = ["/media", "/run/media", "/mnt"];

pub fn drives() -> Vec<Drive> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mounted = |mount: &Mount| mount.source.starts_with("/dev/") && is_a_place(&mount.point);
    let mut drives: Vec<Drive> = table.lines().filter_map(Mount::parse).filter(mounted).map(drive).collect();
    drives.sort_by(|one, other| one.path.cmp(&other.path));
    drives.dedup_by(|one, other| one.path == other.path);
    drives
}

fn is_a_place(point: &Path) -> bool {
    point.is_dir() && (point == Path::new("/") || PLUGGED_IN.iter().any(|folder| point.starts_with(folder)))
}

fn drive(mount: Mount) -> Drive {
    let name = mount.point.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let device = mount.source.rsplit('/').next().unwrap_or_default();
    let by_desktop = mount.point.starts_with("/media") || mount.point.starts_with("/run/media");
    Drive {
        removable: by_desktop || is_removable(device),
        space: space(&mount.point).ok(),
        path: mount.point,
        name,
    }
}

/// What the kernel says of the disk to which the partition `device` belongs.
fn is_removable(device: &str) -> bool {
    let block = Path::new("/sys/class/block").join(device);
    let disk = fs::canonicalize(&block).ok();
    let disks = [disk.clone(), disk.and_then(|disk| disk.parent().map(Path::to_path_buf))];
    disks
        .into_iter()
        .flatten()
        .any(|disk| fs::read_to_string(disk.join("removable")).is_ok_and(|told| told.trim() == "1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_places_of_files_are_drives() {
        assert!(is_a_place(Path::new("/")));
        assert!(!is_a_place(Path::new("/proc")));
        assert!(!is_a_place(Path::new("/media/not-there")));
        assert!(!is_removable("no-such-device"));
        assert!(drives().iter().all(|drive| drive.path.is_dir()));
    }
}
