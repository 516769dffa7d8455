//! The notice itself: what it says, whether its publisher signed it, and whether it may be believed now. Pure.

use super::{NewVersion, problems};
use crate::problem::Result;
use crate::words::Words;
use chrono::{DateTime, FixedOffset};
use minisign_verify::{PublicKey, Signature};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The form of the notice that this version reads.
const FORMAT: u32 = 1;
/// The longest notes that are shown, in characters.
const LONGEST_NOTES: usize = 4_000;

/// A released version, `x.y.z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version([u32; 3]);

impl Version {
    /// The version of this program.
    pub fn running() -> Self {
        Self::parse(env!("CARGO_PKG_VERSION")).unwrap_or(Self([0; 3]))
    }

    /// Reads `x.y.z`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = [0; 3];
        let mut parts = text.split('.');
        for number in &mut numbers {
            let part = parts.next().filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))?;
            *number = part.parse().ok()?;
        }
        parts.next().is_none().then_some(Self(numbers))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

impl TryFrom<String> for Version {
    type Error = &'static str;

    fn try_from(text: String) -> std::result::Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a version x.y.z")
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

/// Whose notices are believed.
#[derive(Clone, Debug, Default)]
pub struct Publisher(Option<PublicKey>);

impl Publisher {
    /// Whoever has the secret key to the public key that this program was built with, in the environment variable
    /// `DMBACKUP_UPDATE_KEY` (the second line of a `minisign.pub`); nobody where there was none.
    pub fn built_in() -> Self {
        match option_env!("DMBACKUP_UPDATE_KEY") {
            None | Some("") => Self::default(),
            Some(text) => Self::of(text).unwrap_or_else(|| {
                tracing::error!("the key that this program was built with is none");
                Self::default()
            }),
        }
    }

    /// Whoever has the secret key to this public key, in minisign's Base64; `None` for a text that is no key.
    pub fn of(key: &str) -> Option<Self> {
        PublicKey::from_base64(key.trim()).ok().map(|key| Self(Some(key)))
    }

    /// Whether nobody is believed.
    pub fn is_nobody(&self) -> bool {
        self.0.is_none()
    }
}

#[derive(Debug, Deserialize)]
struct Written {
    format: u32,
    version: Version,
    issued: DateTime<FixedOffset>,
    expires: DateTime<FixedOffset>,
    notes: Words,
}

/// What was seen last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub version: Version,
    pub issued: DateTime<FixedOffset>,
}

/// A notice whose signature is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Notice {
    version: Version,
    issued: DateTime<FixedOffset>,
    expires: DateTime<FixedOffset>,
    notes: Words,
}

impl Notice {
    /// Reads the notice `text`, once its `signature` is known to be `publisher`'s: not a byte of it is looked at before.
    pub(super) fn read(text: &[u8], signature: &[u8], publisher: &Publisher) -> Result<Self> {
        let signature = std::str::from_utf8(signature).ok().and_then(|text| Signature::decode(text).ok());
        let signature = signature.ok_or_else(problems::no_signature)?;
        let key = publisher.0.as_ref().ok_or_else(problems::off_by_build)?;
        key.verify(text, &signature, false).map_err(|cause| {
            tracing::debug!(%cause, "the notice's signature");
            problems::wrong_signature()
        })?;
        let written: Written = serde_json::from_slice(text).map_err(|cause| {
            tracing::debug!(%cause, "the notice of versions");
            problems::not_understood()
        })?;
        if written.format != FORMAT {
            return Err(problems::not_understood());
        }
        let Written { version, issued, expires, notes, .. } = written;
        let notes = Words { pt: shown(&notes.pt), en: shown(&notes.en) };
        Ok(Self { version, issued, expires, notes })
    }

    /// Whether it may be believed at `now` by a program of version `running` that has seen `seen` before: not an expired one, nor
    /// one that somebody puts forward again, or that would lead back.
    pub(super) fn judge(
        &self,
        running: Version,
        seen: Option<&Seen>,
        now: DateTime<FixedOffset>,
    ) -> Result<()> {
        if self.expires <= now {
            return Err(problems::expired(self.expires));
        }
        let led_back = seen.is_some_and(|seen| self.version < seen.version || self.issued < seen.issued);
        if led_back || self.version < running {
            let newest = seen.map_or(running, |seen| seen.version.max(running));
            return Err(problems::older(self.version, newest));
        }
        Ok(())
    }

    /// What is remembered of it.
    pub(super) fn as_seen(&self) -> Seen {
        Seen { version: self.version, issued: self.issued }
    }

    /// The version that it tells, where it is newer than `running`.
    pub(super) fn newer_than(&self, running: Version) -> Option<NewVersion> {
        (self.version > running).then(|| NewVersion {
            version: self.version.to_string(),
            notes: self.notes.clone(),
            expires: self.expires,
        })
    }
}

/// Notes as they may be shown: lines of text, and no more of them than somebody reads.
fn shown(notes: &str) -> String {
    let plain = notes.chars().filter(|character| !character.is_control() || *character == '\n');
    plain.take(LONGEST_NOTES).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Code;
    use minisign::KeyPair;
    use proptest::prelude::*;

    fn sign(text: &str, keys: &KeyPair) -> Vec<u8> {
        let signed = minisign::sign(Some(&keys.pk), &keys.sk, text.as_bytes(), None, None).unwrap();
        signed.into_string().into_bytes()
    }

    fn publisher(keys: &KeyPair) -> Publisher {
        Publisher::of(&keys.pk.to_base64()).unwrap()
    }

    fn text(version: &str, issued: &str, expires: &str) -> String {
        format!(
            r#"{{"format":1,"version":"{version}","issued":"{issued}T00:00:00Z","expires":"{expires}T00:00:00Z","notes":{{"pt":"Novo\u001b[2J\nlinha","en":"New"}},"more":[1]}}"#
        )
    }

    fn day(day: &str) -> DateTime<FixedOffset> {
        DateTime::parse_from_rfc3339(&format!("{day}T00:00:00Z")).unwrap()
    }

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn a_signed_notice_is_read_and_its_notes_are_made_fit_to_be_shown() {
        let keys = KeyPair::generate_unencrypted_keypair().unwrap();
        let text = text("1.2.3", "2026-01-01", "2027-01-01");
        let notice = Notice::read(text.as_bytes(), &sign(&text, &keys), &publisher(&keys)).unwrap();
        let newer = notice.newer_than(version("1.2.2")).unwrap();
        assert_eq!((newer.version.as_str(), newer.notes.pt.as_str()), ("1.2.3", "Novo[2J\nlinha"));
        assert_eq!(notice.newer_than(version("1.2.3")), None);
    }

    #[test]
    fn what_another_key_signed_or_what_was_changed_after_it_was_signed_is_not_read() {
        let (keys, others) = (
            KeyPair::generate_unencrypted_keypair().unwrap(),
            KeyPair::generate_unencrypted_keypair().unwrap(),
        );
        let good = text("1.2.3", "2026-01-01", "2027-01-01");
        let read = |text: &str, signature: &[u8]| {
            Notice::read(text.as_bytes(), signature, &publisher(&keys)).map_err(|problem| problem.code)
        };
        assert_eq!(read(&good, &sign(&good, &others)), Err(Code::UpdateSignature));
        assert_eq!(read(&good.replace("1.2.3", "1.2.4"), &sign(&good, &keys)), Err(Code::UpdateSignature));
        assert_eq!(read(&good, b"nonsense"), Err(Code::UpdateSignature));
        assert_eq!(read(&good, &[0xff, 0xfe]), Err(Code::UpdateSignature));
        for odd in ["", "{}", &good.replace("\"format\":1", "\"format\":2"), &good.replace("1.2.3", "1.2")] {
            assert_eq!(read(odd, &sign(odd, &keys)), Err(Code::UpdateNotice), "{odd}");
        }
    }

    #[test]
    fn a_notice_that_expired_or_that_leads_back_is_refused() {
        let keys = KeyPair::generate_unencrypted_keypair().unwrap();
        let notice = |version: &str, issued: &str| {
            let text = text(version, issued, "2027-01-01");
            Notice::read(text.as_bytes(), &sign(&text, &keys), &publisher(&keys)).unwrap()
        };
        let seen = Seen { version: version("1.3.0"), issued: day("2026-06-01") };
        let judge = |notice: Notice, now: &str| {
            notice.judge(version("1.2.0"), Some(&seen), day(now)).map_err(|problem| problem.code)
        };
        assert_eq!(judge(notice("1.3.0", "2026-06-01"), "2026-07-01"), Ok(()));
        assert_eq!(judge(notice("1.3.0", "2026-06-01"), "2027-01-01"), Err(Code::UpdateExpired));
        assert_eq!(judge(notice("1.2.5", "2026-08-01"), "2026-09-01"), Err(Code::UpdateOld), "than seen");
        assert_eq!(
            judge(notice("1.3.0", "2026-05-31"), "2026-07-01"),
            Err(Code::UpdateOld),
            "put forward again"
        );
        let fresh = notice("1.1.0", "2026-08-01").judge(version("1.2.0"), None, day("2026-09-01"));
        assert_eq!(fresh.unwrap_err().code, Code::UpdateOld, "than the one that runs");
    }

    #[test]
    fn the_key_that_this_program_was_built_with_is_one() {
        let built_with = option_env!("DMBACKUP_UPDATE_KEY").is_some_and(|key| !key.is_empty());
        assert_eq!(Publisher::built_in().is_nobody(), !built_with);
        assert!(Publisher::of("RWQ").is_none());
        assert_eq!(Version::running().to_string(), env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn versions_are_ordered_by_their_numbers() {
        assert!(version("0.10.0") > version("0.9.9"));
        for text in ["", "1", "1.2", "1.2.3.4", "1.2.x", "1.2.3-rc1", "+1.2.3", "1..3", "99999999999.0.0"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_signature_and_no_notice_makes_the_reader_fall(text in proptest::collection::vec(any::<u8>(), 0..200), signature in "(trusted comment: )?[A-Za-z0-9+/=\\n ]{0,200}") {
            let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
            prop_assert!(Notice::read(&text, signature.as_bytes(), &Publisher::of(key).unwrap()).is_err());
        }
    }
}
