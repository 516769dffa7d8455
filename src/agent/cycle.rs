//! One round of the cycle (DM10 to DM16): the steps in their order, told as they happen, and everything that they found.

use super::ground::{Ground, Standing, claim};
use super::input::{CycleReport, Event, InForce, News};
use super::jobs::pending_views;
use super::patience::blocking;
use super::status::SpaceView;
use crate::alert::Alerts;
use crate::clock::Clock;
use crate::config::Config;
use crate::cycle::catalogue::CheckId;
use crate::cycle::configuration::ConfigWatch;
use crate::cycle::health::Look;
use crate::cycle::probe::{self, Foreseen};
use crate::cycle::step::Step;
use crate::journal::{CheckedFile, Side};
use crate::platform::{self, ServiceState};
use crate::problem::Problem;
use crate::restore;
use crate::sqlserver::Health;
use crate::update::VersionView;
use crate::verify::{self, Sides};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

/// A stopped service is started, and then left alone for this long: somebody may want it stopped.
const START_AGAIN_AFTER: Duration = Duration::from_secs(600);

/// Goes through the cycle, again and again.
#[derive(Debug)]
pub struct Round {
    ground: Arc<Ground>,
    clock: Arc<dyn Clock>,
    config: Arc<Mutex<ConfigWatch>>,
    started_service: Mutex<Option<Instant>>,
    /// What is wrong with the agent itself since its start, such as a channel that could not be opened.
    own: Vec<Problem>,
    alerts: Alerts,
}

impl Round {
    /// Rounds over `ground` with the configuration that `config` watches.
    pub fn new(
        ground: Arc<Ground>,
        clock: Arc<dyn Clock>,
        config: ConfigWatch,
        own: Vec<Problem>,
        alerts: Alerts,
    ) -> Self {
        let (config, started_service) = (Arc::new(Mutex::new(config)), Mutex::default());
        Self { ground, clock, config, started_service, own, alerts }
    }

    /// One round, with the configuration that was in force at its beginning.
    pub async fn go(&self, in_force: Option<InForce>, reports: &UnboundedSender<Event>) -> CycleReport {
        let tell = |event| {
            // Nobody listens any more once the loop has ended.
            let _ended = reports.send(event);
        };
        let mut report = CycleReport::default();
        report.look.ask(&[CheckId::Program, CheckId::Files]);
        self.own.iter().for_each(|problem| report.look.note(problem.clone()));
        report.look.ask(&[CheckId::Restore, CheckId::Alerts]);
        self.alerts.problem().into_iter().for_each(|problem| report.look.note(problem));
        if let Some(in_force) = &in_force
            && let Err(problem) = self.ground.end_left(&in_force.config).await
        {
            tracing::warn!(%problem, "what a restore left in the middle is not ended yet");
        }
        if let Some(problem) = restore::unfinished(&self.ground.home().restores) {
            report.look.note(problem);
        }

        tell(Event::Step(Step::Service));
        if let Some(in_force) = &in_force {
            report.look.extend(self.service(&in_force.config).await);
        }
        tell(Event::Step(Step::Parameters));
        report.configuration = self.read_configuration().await;
        tell(Event::Step(Step::Validation));
        report.look.extend(probe::configuration(&report.configuration, in_force.as_ref()));
        let config = match &report.configuration {
            News::Valid(new) => Some(Arc::clone(&new.config)),
            News::Unchanged | News::Broken(_) => in_force.map(|in_force| in_force.config),
        };
        if !matches!(report.configuration, News::Broken(_)) {
            tell(Event::StepDone(Step::Validation));
        }
        tell(Event::Step(Step::ClientData));
        if config.is_some() {
            tell(Event::StepDone(Step::ClientData));
        }
        if let Some(config) = &config {
            self.version(config, reports);
        }
        tell(Event::Step(Step::LastBackup));
        if let Some(config) = config {
            self.last_backup(&config, &mut report).await;
        }
        // What was cut short is settled by now.
        tell(Event::Standing(restore::standing(&self.ground.home().restores)));
        report
    }

    /// DM14: looked at beside the round, which waits for nobody outside the shop.
    fn version(&self, config: &Config, reports: &UnboundedSender<Event>) {
        let lookout = Arc::clone(self.ground.lookout());
        if let Some(off) = lookout.off(&config.update) {
            let view = VersionView { off: Some(off), ..VersionView::default() };
            // Nobody listens any more once the loop has ended.
            let _ended = reports.send(Event::VersionLooked(Box::new(view)));
            let _ended = reports.send(Event::StepDone(Step::Version));
            return;
        }
        let _ended = reports.send(Event::Step(Step::Version));
        if lookout.is_due(&config.update) {
            let (update, reports) = (config.update.clone(), reports.clone());
            tokio::spawn(async move {
                let view = lookout.look(&update).await;
                let _ended = reports.send(Event::VersionLooked(Box::new(view)));
            });
        }
    }

    /// DM10: a stopped service is told, and started where that is allowed.
    async fn service(&self, config: &Config) -> Look {
        let (look, state) = probe::service(&config.server).await;
        if state == ServiceState::Stopped
            && let Some(name) = &config.server.service
            && self.may_start()
        {
            match platform::start_service(name).await {
                Ok(()) => {
                    tracing::warn!(service = name, "the stopped service of SQL Server was asked to start")
                }
                Err(error) => {
                    tracing::warn!(service = name, %error, "the service of SQL Server cannot be started")
                }
            }
        }
        look
    }

    fn may_start(&self) -> bool {
        let mut last = self.started_service.lock().unwrap_or_else(PoisonError::into_inner);
        let may = last.is_none_or(|at| at.elapsed() >= START_AGAIN_AFTER);
        if may {
            *last = Some(Instant::now());
        }
        may
    }

    async fn read_configuration(&self) -> News {
        let watch = Arc::clone(&self.config);
        let looked = blocking(move || Ok(watch.lock().unwrap_or_else(PoisonError::into_inner).look()));
        looked.await.unwrap_or_else(|problem| {
            tracing::error!(%problem, "the configuration was not looked at");
            News::Unchanged
        })
    }

    /// DM15: server, folders, journal and space, as the next backup will find them.
    async fn last_backup(&self, config: &Arc<Config>, report: &mut CycleReport) {
        let standing = report.look.answer(self.ground.stand(config).await);
        let journal = self.ground.home().journal.clone();
        let journal = blocking(move || Ok((probe::journal(&journal), journal.last_good()))).await;
        let mut pending = Vec::new();
        let mut last_good = None;
        if let Some(((look, found), last)) = report.look.answer(journal) {
            report.look.extend(look);
            last_good = last.ok().flatten();
            report.pending = found.as_deref().map(pending_views);
            pending = found.unwrap_or_default();
        }
        let Some(standing) = standing else { return };
        let health = self.server(&standing, &mut report.look).await;
        let damaged_there = self.terminal(&standing, &mut report.look).await;
        let used_bytes = health.as_ref().and_then(|health| health.database.as_ref()?.used_bytes);
        let (last_bak, last_zip) = last_good.map_or((0, 0), |run| (run.bak_bytes, run.zip_bytes));
        let foreseen = Foreseen { dump_bytes: used_bytes.unwrap_or(last_bak), zip_bytes: last_zip, pending };
        let (space, damaged_here) = self.folder(&standing, foreseen, &mut report.look).await.unzip();
        report.space = space;
        if let (Some(mut damaged), Some(more)) = (damaged_here, damaged_there) {
            damaged.extend(more);
            report.look.ask(&[CheckId::Slots]);
            verify::problem_of(&damaged, |file| standing.shown(file))
                .into_iter()
                .for_each(|problem| report.look.note(problem));
        }
        // What is left half-made is cleaned up as soon as whoever it lies with answers, not only when a run is due.
        if health.is_some()
            && let Err(problem) = self.ground.ready(config).await
        {
            report.look.note(problem);
        }
        if report.look.is_well(CheckId::Terminal) {
            self.ground.clean_terminal(&standing).await;
        }
    }

    async fn server(&self, standing: &Standing, look: &mut Look) -> Option<Health> {
        let database = look.answer(standing.world.database().cloned())?;
        let (found, health) = probe::server(&standing.world.server, &database).await;
        look.extend(found);
        health
    }

    /// The terminal, with the files there that a deep check found damaged; `None` while it does not answer.
    async fn terminal(&self, standing: &Arc<Standing>, look: &mut Look) -> Option<Vec<CheckedFile>> {
        let world = &standing.world;
        let mut shown = String::new();
        let mut apart = None;
        let mut damaged = Some(Vec::new());
        if let Some(terminal) = world.terminal.clone() {
            shown = terminal.shown();
            look.ask(&[CheckId::Terminal]);
            let (identity, home) = (world.identity.clone(), Arc::clone(self.ground.home()));
            let (asked, standing) = (Arc::clone(&terminal), Arc::clone(standing));
            let answer = self.ground.terminal_asker().ask(&*terminal, move || {
                claim(&*asked, &identity, &home)?;
                let damaged = verify::damaged(&Sides::of(&standing.world), Side::Terminal)?;
                Ok((standing.apart(), damaged))
            });
            let (found_apart, found_damaged) = look.answer(answer.await).unzip();
            (apart, damaged) = (found_apart.flatten(), found_damaged);
        }
        look.extend(probe::terminal_apart(&world.config, &shown, apart));
        damaged
    }

    /// The backup folder, with the files there that a deep check found damaged; `None` while it does not answer.
    async fn folder(
        &self,
        standing: &Standing,
        foreseen: Foreseen,
        look: &mut Look,
    ) -> Option<(SpaceView, Vec<CheckedFile>)> {
        let world = &standing.world;
        let known = foreseen.zip_bytes > 0;
        let (local, config, now) = (Arc::clone(&world.local), Arc::clone(&world.config), self.clock.now());
        let (identity, shown) = (world.identity.clone(), world.local.shown());
        let sides = Sides::of(world);
        look.ask(&[CheckId::Folder]);
        let asked = self.ground.local_asker().ask(&*world.local, move || {
            local.check(&identity)?;
            let damaged = verify::damaged(&sides, Side::Server)?;
            Ok((local.caveats(), probe::space(&*local, &config, &foreseen, now)?, damaged))
        });
        let (caveats, (space, plan), damaged) = look.answer(asked.await)?;
        look.ask(&[CheckId::FolderRights, CheckId::Space]);
        caveats.into_iter().chain(probe::space_problem(&shown, &plan)).for_each(|problem| look.note(problem));
        let view = SpaceView {
            free_bytes: space.free_bytes,
            total_bytes: space.total_bytes,
            hours_that_fit: known.then_some(plan.hours_that_fit),
        };
        Some((view, damaged))
    }
}
