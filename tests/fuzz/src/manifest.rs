//! The manifest in a zip: read, or refused with a problem.

use dmbackup::archive::Manifest;

/// What was read is written and read again as the same.
pub fn check(data: &[u8]) {
    match Manifest::read(data) {
        Ok(manifest) => {
            let _ = manifest.dump_bytes();
            for part in &manifest.parts {
                assert!(manifest.part(&part.name).is_some());
            }
            // One at the limit of size may be larger as we write it, and then it is refused.
            if let Ok(json) = manifest.to_json() {
                assert_eq!(Manifest::read(json.as_slice()).expect("our own text is read"), manifest);
            }
        }
        Err(problem) => assert!(!problem.sentence.pt.is_empty() && !problem.sentence.en.is_empty()),
    }
}
