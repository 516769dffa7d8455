//! The time that a run still needs (pure): the last good run tells how long each phase takes here, the phase that goes on
//! tells how far it is. Nothing is claimed in the first seconds, nor on the very first run before there is a rate.

use super::outcome::{Phase, PhaseTime};
use std::time::Duration;

/// Below this share of a phase its own rate says nothing yet.
const SHARE_WORTH_BELIEVING: f64 = 0.02;

/// Estimates the rest of a run.
#[derive(Clone, Debug, Default)]
pub struct Estimate {
    usual: Vec<PhaseTime>,
}

impl Estimate {
    /// An estimate from the phases of the last good run; empty where there is none.
    pub fn from_last(usual: Vec<PhaseTime>) -> Self {
        Self { usual }
    }

    /// Seconds until the end, with `share` (0 to 1) of `phase` done after `elapsed` in it. `None` where nothing can be said.
    pub fn left_secs(&self, phase: Phase, share: Option<f64>, elapsed: Duration) -> Option<u64> {
        let spent = elapsed.as_secs_f64();
        let usual = self.usual_secs(phase);
        let believable = share.filter(|share| *share >= SHARE_WORTH_BELIEVING);
        let here = match (believable, usual) {
            (Some(share), Some(usual)) => {
                let measured = spent / share.min(1.0);
                // The measured rate gains weight as the phase goes on.
                (measured * share + usual * (1.0 - share)) - spent
            }
            (Some(share), None) => spent / share.min(1.0) - spent,
            (None, Some(usual)) => usual - spent,
            (None, None) => return None,
        };
        let later: f64 = Phase::ALL
            .iter()
            .skip_while(|other| **other != phase)
            .skip(1)
            .filter_map(|later| self.usual_secs(*later))
            .sum();
        Some((here.max(0.0) + later).ceil() as u64)
    }

    fn usual_secs(&self, phase: Phase) -> Option<f64> {
        self.usual.iter().find(|time| time.phase == phase).map(|time| time.millis as f64 / 1_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual() -> Estimate {
        Estimate::from_last(vec![
            PhaseTime { phase: Phase::Dumping, millis: 10_000 },
            PhaseTime { phase: Phase::Packing, millis: 20_000 },
            PhaseTime { phase: Phase::Confirming, millis: 5_000 },
        ])
    }

    #[test]
    fn the_last_run_tells_until_the_phase_has_a_rate_of_its_own() {
        assert_eq!(usual().left_secs(Phase::Dumping, None, Duration::from_secs(4)), Some(31));
        let half_at_double_speed = usual().left_secs(Phase::Packing, Some(0.5), Duration::from_secs(5));
        assert_eq!(
            half_at_double_speed,
            Some(15),
            "between 5 s (its own rate) and 15 s (the usual), then 5 s"
        );
    }

    #[test]
    fn nothing_is_claimed_where_nothing_is_known() {
        let first = Estimate::default();
        assert_eq!(first.left_secs(Phase::Dumping, None, Duration::from_secs(4)), None);
        assert_eq!(first.left_secs(Phase::Dumping, Some(0.001), Duration::from_secs(4)), None);
        assert_eq!(first.left_secs(Phase::Dumping, Some(0.25), Duration::from_secs(4)), Some(12));
    }

    #[test]
    fn a_phase_that_takes_longer_than_usual_never_counts_below_zero() {
        assert_eq!(usual().left_secs(Phase::Confirming, None, Duration::from_secs(500)), Some(0));
    }
}
