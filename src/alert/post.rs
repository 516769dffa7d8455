//! The task that sends: it takes orders from the agent's hands, which never wait for it, and keeps the queue in the journal.

use super::channel::{self, Channel};
use super::letter::{Letter, MOST_LOG_BYTES};
use super::queue::{Entry, Queue};
use super::{problems, redact};
use crate::backup::outcome::{RunId, RunReport};
use crate::clock::Clock;
use crate::config::Config;
use crate::control::protocol::Reply;
use crate::journal::{Journal, QueuedAlert, Told};
use crate::logging;
use crate::notify::{Notice, Reach};
use crate::problem::{Problem, Result};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep_until, timeout};

/// The end of the program waits for what has never been tried, but not longer.
const END_PATIENCE: Duration = Duration::from_secs(5);
/// Whoever tries a way hears of it within this time.
const TRIAL_WITHIN: Duration = Duration::from_secs(100);

/// What the task is to do.
#[derive(Debug)]
enum Order {
    /// This configuration is in force.
    Config(Arc<Config>),
    /// People are to be told.
    Notice(Notice),
    /// What they were told is to be remembered.
    Told(Vec<Told>),
    /// A run begins.
    Start(RunId),
    /// A run ended; whether its failure is final.
    End(Box<RunReport>, bool),
    /// A way is to be tried.
    Trial(Channel, oneshot::Sender<Reply>),
}

/// Where the agent's hands give their orders; clones are the same. Every call returns at once.
#[derive(Clone, Debug)]
pub struct Alerts {
    orders: mpsc::UnboundedSender<Order>,
    stuck: Stuck,
}

/// The ways by which something cannot be sent though it was tried several times, and why not.
type Stuck = Arc<Mutex<BTreeMap<Channel, Problem>>>;

impl Alerts {
    /// This configuration is in force from now on.
    pub fn configure(&self, config: Arc<Config>) {
        self.order(Order::Config(config));
    }

    /// Tells people outside the shop.
    pub fn tell(&self, notice: Notice) {
        self.order(Order::Notice(notice));
    }

    /// Remembers what people were told.
    pub fn remember(&self, told: Vec<Told>) {
        self.order(Order::Told(told));
    }

    /// A run for the rotation begins.
    pub fn started(&self, run: RunId) {
        self.order(Order::Start(run));
    }

    /// A run for the rotation ended; a failure `is_final` where it is not tried again.
    pub fn ended(&self, report: RunReport, is_final: bool) {
        self.order(Order::End(Box::new(report), is_final));
    }

    /// Tries a way now, and answers what came of it.
    pub fn try_out(&self, channel: Channel, answer: oneshot::Sender<Reply>) {
        self.order(Order::Trial(channel, answer));
    }

    /// What cannot be sent though it was tried several times.
    pub fn problem(&self) -> Option<Problem> {
        self.stuck.lock().unwrap_or_else(PoisonError::into_inner).values().next().cloned()
    }

    fn order(&self, order: Order) {
        if self.orders.send(order).is_err() {
            tracing::debug!("the task of the alerts has ended");
        }
    }
}

/// What came of sending a letter.
type Sent = (u64, Channel, Result<()>);

/// The task.
#[derive(Debug)]
pub struct Postman {
    orders: mpsc::UnboundedReceiver<Order>,
    stuck: Stuck,
    config: Option<Arc<Config>>,
    queue: Queue,
    sending: JoinSet<Sent>,
    journal: Journal,
    clock: Arc<dyn Clock>,
    log_folder: PathBuf,
}

impl Postman {
    /// The task with what an earlier process left to be sent, and the handle to it.
    pub fn new(
        left: Vec<QueuedAlert>,
        journal: Journal,
        clock: Arc<dyn Clock>,
        log_folder: PathBuf,
    ) -> (Alerts, Self) {
        let (orders, ordered) = mpsc::unbounded_channel();
        let stuck = Stuck::default();
        let postman = Self {
            orders: ordered,
            stuck: Arc::clone(&stuck),
            config: None,
            queue: Queue::of(left, Instant::now()),
            sending: JoinSet::new(),
            journal,
            clock,
            log_folder,
        };
        (Alerts { orders, stuck }, postman)
    }

    /// Works until every handle is gone; what could not be sent by then stays in the journal.
    pub async fn work(mut self) {
        let mut ends_at: Option<Instant> = None;
        loop {
            self.send_due();
            if ends_at.is_some_and(|at| at <= Instant::now()) || ends_at.is_some() && self.queue.is_tried() {
                return;
            }
            let wake = self.wake(ends_at);
            tokio::select! {
                biased;
                order = self.orders.recv(), if ends_at.is_none() => match order {
                    Some(order) => self.carry_out(order).await,
                    // Nobody gives orders any more.
                    None => ends_at = Some(Instant::now() + if self.config.is_some() { END_PATIENCE } else { Duration::ZERO }),
                },
                Some(sent) = self.sending.join_next() => self.note(sent.ok()).await,
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
            }
        }
    }

    /// When to look again, though nothing happens. Without a configuration nothing can be sent.
    fn wake(&self, ends_at: Option<Instant>) -> Option<Instant> {
        let due = self.config.as_ref().and(self.queue.next_due());
        [due, ends_at].into_iter().flatten().min()
    }

    async fn carry_out(&mut self, order: Order) {
        match order {
            Order::Config(config) => self.configure(config).await,
            Order::Notice(notice) => self.tell(&notice).await,
            Order::Told(told) => self.keep(move |journal| journal.set_told(&told)).await,
            Order::Start(run) => self.add(Letter::start(run)).await,
            Order::End(report, is_final) => self.ended(&report, is_final).await,
            Order::Trial(channel, answer) => self.try_out(channel, answer),
        }
    }

    async fn configure(&mut self, config: Arc<Config>) {
        let before = self.config.replace(Arc::clone(&config));
        if before.is_some_and(|before| before.alert == config.alert) {
            return;
        }
        let given_up = self.queue.configure(&config.alert, Instant::now());
        self.ways_stuck().retain(|channel, _| channel.is_on(&config.alert));
        if given_up {
            self.keep_queue().await;
        }
    }

    async fn tell(&mut self, notice: &Notice) {
        let Some(config) = &self.config else { return };
        if notice.reach != Reach::Desktop {
            self.add(Letter::of_notice(notice, &config.shop, config.language)).await;
        }
    }

    async fn ended(&mut self, report: &RunReport, is_final: bool) {
        let Some(config) = self.config.clone().filter(|config| config.alert.heartbeat.is_some()) else {
            return;
        };
        let folder = self.log_folder.clone();
        let end = spawn_blocking(move || logging::end_of_newest(&folder, MOST_LOG_BYTES)).await;
        let log_end = end.ok().and_then(std::result::Result::ok).unwrap_or_default();
        let log_end = redact::without(&log_end, config.secrets());
        if let Some(letter) = Letter::of_end(report, is_final, &log_end, config.language) {
            self.add(letter).await;
        }
    }

    async fn add(&mut self, letter: Letter) {
        let Some(config) = &self.config else { return };
        if self.queue.add(&letter, &config.alert, self.clock.local_now(), Instant::now()) {
            self.keep_queue().await;
        }
    }

    fn send_due(&mut self) {
        let Some(config) = self.config.clone() else { return };
        for Entry { number, channel, letter, .. } in self.queue.take_due(Instant::now()) {
            let alert = config.alert.clone();
            self.sending.spawn(async move { (number, channel, channel::send(channel, letter, alert).await) });
        }
    }

    async fn note(&mut self, sent: Option<Sent>) {
        // The task of a letter does not fall: what falls in its thread is a problem of that letter.
        let Some((number, channel, result)) = sent else { return };
        match result {
            Ok(()) => {
                tracing::info!(channel = channel.name(), "an alert was sent");
                self.queue.sent(number, channel);
                self.ways_stuck().remove(&channel);
            }
            Err(problem) => {
                let tries = self.queue.failed(number, channel, self.clock.local_now(), Instant::now());
                tracing::warn!(channel = channel.name(), tries, %problem, "an alert was not sent");
                // People see it until something is sent that way.
                if self.queue.is_stuck(channel) {
                    self.ways_stuck().insert(channel, problem);
                } else {
                    self.ways_stuck().remove(&channel);
                }
            }
        }
        self.keep_queue().await;
    }

    fn ways_stuck(&self) -> MutexGuard<'_, BTreeMap<Channel, Problem>> {
        self.stuck.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_out(&self, channel: Channel, answer: oneshot::Sender<Reply>) {
        let (config, at) = (self.config.clone(), self.clock.local_now());
        tokio::spawn(async move {
            let result = match config {
                Some(config) if channel.is_on(&config.alert) => {
                    let letter = match channel {
                        Channel::Heartbeat => Letter::trial_beat(&config.shop, config.language),
                        Channel::Email | Channel::Webhook | Channel::Telegram => {
                            Letter::trial(&config.shop, at, config.language)
                        }
                    };
                    let sending = channel::send(channel, letter, config.alert.clone());
                    timeout(TRIAL_WITHIN, sending).await.unwrap_or_else(|_| Err(too_slow(channel)))
                }
                Some(_) | None => Err(problems::not_configured(channel)),
            };
            let reply = match result {
                Ok(()) => Reply::Done,
                Err(problem) => Reply::Refused { problem },
            };
            // The client may have hung up.
            let _gone = answer.send(reply);
        });
    }

    async fn keep_queue(&self) {
        let rows = self.queue.rows();
        self.keep(move |journal| journal.set_alerts(&rows)).await;
    }

    async fn keep(&self, how: impl FnOnce(&Journal) -> Result<()> + Send + 'static) {
        let journal = self.journal.clone();
        let kept = spawn_blocking(move || how(&journal)).await.map_err(Problem::internal);
        if let Err(problem) = kept.and_then(|kept| kept) {
            tracing::warn!(%problem, "what is to be told is not journalled");
        }
    }
}

fn too_slow(channel: Channel) -> Problem {
    problems::failed(channel, "o servidor responde devagar demais", "the server answers too slowly")
}
