//! Whether a restore fits, before anything is made: the extracted dump, data and log at the size that they had, and what must stay
//! free; what lies on one volume counts together.

use super::problems;
use crate::destination::Destination;
use crate::platform::{self, VolumeId};
use crate::problem::Result;
use std::path::Path;

/// Room that is wanted in one folder.
#[derive(Clone, Debug)]
struct Want {
    shown: String,
    volume: VolumeId,
    needed_bytes: u64,
    free_bytes: u64,
}

/// Holds that `local_bytes` fit into the backup folder and `folders` into the instance's own. A folder of the instance that cannot
/// be seen from here is left to the server, which looks itself. Blocks.
///
/// # Errors
/// [`Code::SpaceForeseen`](crate::problem::Code::SpaceForeseen), naming the disk; the backup folder does not answer.
pub(super) fn check(local: &dyn Destination, local_bytes: u64, folders: &[(String, u64)]) -> Result<()> {
    let mut wants = vec![Want {
        shown: local.shown(),
        volume: local.volume()?,
        needed_bytes: local_bytes,
        free_bytes: local.space()?.free_bytes,
    }];
    for (folder, bytes) in folders {
        let path = Path::new(folder);
        match platform::volume_id(path).and_then(|volume| Ok((volume, platform::space(path)?))) {
            Ok((volume, space)) => wants.push(Want {
                shown: folder.clone(),
                volume,
                needed_bytes: *bytes,
                free_bytes: space.free_bytes,
            }),
            Err(cause) => {
                tracing::debug!(%cause, folder, "its room is not seen from here; the server looks itself");
            }
        }
    }
    match crowded(&wants) {
        Some((want, needed_bytes)) => Err(problems::no_room(&want.shown, needed_bytes, want.free_bytes)),
        None => Ok(()),
    }
}

/// Whether the room of all `folders` can be seen from here. Blocks.
pub(super) fn is_seen(folders: &[(String, u64)]) -> bool {
    folders.iter().all(|(folder, _)| platform::volume_id(Path::new(folder)).is_ok())
}

/// The first want that does not fit together with the others of its volume, and what they need.
fn crowded(wants: &[Want]) -> Option<(&Want, u64)> {
    let together = |want: &Want| {
        let same = wants.iter().filter(|other| other.volume == want.volume);
        same.fold(0_u64, |sum, other| sum.saturating_add(other.needed_bytes))
    };
    wants.iter().map(|want| (want, together(want))).find(|(want, needed)| *needed > want.free_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn want(volume: u64, needed_bytes: u64, free_bytes: u64) -> Want {
        Want { shown: volume.to_string(), volume: VolumeId(volume), needed_bytes, free_bytes }
    }

    #[test]
    fn what_lies_on_one_volume_counts_together() {
        assert!(crowded(&[want(1, 60, 100), want(2, 60, 100)]).is_none());
        let wants = [want(1, 60, 100), want(2, 1, 100), want(1, 60, 100)];
        let (crowded, needed) = crowded(&wants).expect("too much for the first");
        assert_eq!((crowded.shown.as_str(), needed), ("1", 120));
        assert!(
            super::crowded(&[want(1, u64::MAX, 9), want(1, u64::MAX, 9)]).is_some(),
            "no sum is too large"
        );
    }
}
