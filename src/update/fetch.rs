//! Fetching notice and signature: bounded in time and in bytes.

use super::problems;
use crate::platform;
use crate::problem::Result;
use std::time::Duration;
use ureq::{Agent, Error};

/// The most bytes of a notice.
const LONGEST_NOTICE: u64 = 64 << 10;
/// The most bytes of a signature; minisign's have some three hundred.
const LONGEST_SIGNATURE: u64 = 4 << 10;
/// The most that either may take, from the name's look-up to the last byte.
const PATIENCE: Duration = Duration::from_secs(15);
/// The most times that a server may send us elsewhere.
const MOST_REDIRECTS: u32 = 3;

/// The notice at `url`, and its signature. Blocks.
///
/// # Errors
/// Nobody answers, or something else than a short file.
pub(super) fn both(url: &str) -> Result<(Vec<u8>, Vec<u8>)> {
    let mut settings = Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .max_redirects(MOST_REDIRECTS)
        .user_agent(concat!("DMBackup/", env!("CARGO_PKG_VERSION")));
    if url.starts_with("https://") {
        settings = settings.tls_config(platform::web_tls()).https_only(true);
    }
    let agent = settings.build().new_agent();
    let notice = one(&agent, url, LONGEST_NOTICE)?;
    let signature = one(&agent, &format!("{url}.minisig"), LONGEST_SIGNATURE)?;
    Ok((notice, signature))
}

fn one(agent: &Agent, url: &str, longest: u64) -> Result<Vec<u8>> {
    let read = agent
        .get(url)
        .call()
        .and_then(|mut response| response.body_mut().with_config().limit(longest).read_to_vec());
    read.map_err(|error| {
        tracing::debug!(%error, url, "fetching the notice of versions");
        if let Error::BodyExceedsLimit(_) = error {
            problems::too_large()
        } else if let Error::StatusCode(status) = error {
            problems::no_notice(status)
        } else {
            problems::unreachable(&error.to_string())
        }
    })
}
