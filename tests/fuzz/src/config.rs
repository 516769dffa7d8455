//! The configuration: loaded, or refused with findings that each say where and what.

use super::scratch;
use dmbackup::config;

/// Loading gives the same twice, and a refusal says something.
pub fn check(data: &[u8]) {
    let path = scratch::file("dmbackup.toml", data);
    let loaded = config::load(&path);
    assert_eq!(loaded, config::load(&path));
    let findings = match loaded {
        Ok(loaded) => {
            assert!(!loaded.settings.is_empty());
            for setting in &loaded.settings {
                let _ = format!("{setting:?}");
            }
            loaded.warnings
        }
        Err(findings) => {
            assert!(!findings.is_empty(), "a refusal without a reason");
            findings
        }
    };
    let lines = u32::try_from(data.split(|byte| *byte == b'\n').count()).unwrap_or(u32::MAX);
    for finding in findings {
        assert!(!finding.problem.sentence.pt.is_empty() && !finding.problem.sentence.en.is_empty());
        assert!(finding.line.is_none_or(|line| (1..=lines).contains(&line)), "{finding:?}");
    }
}
