//! Worker threads that never touch the store: the calling thread makes jobs, workers do them, it takes the results.
//!
//! The calling thread alone calls the host (which may be a database backend). It waits in short naps between checks for
//! a cancel, also where there is one worker only. However the call ends, no worker outlives it:
//!
//! - On an error, and on a panic of the host (which is how a backend cancels), [`Stop`] is raised and the workers are
//!   joined while the call returns or unwinds.
//! - A process that ends without unwinding raises the [`Stop`] that its host was given, and waits.
//! - A worker that panics is an error of the call.
//!
//! Workers look at [`Stop`] between jobs, and long jobs look at it in between.

use crate::error::{Error, Result};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a build is doing, for progress reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Finding centroids.
    Clustering,
    /// Assigning rows to lists.
    Assigning,
    /// Writing pages.
    Writing,
    /// Learning `b`.
    Tuning,
}

/// What a build needs from its surroundings. Called from the building thread only.
pub trait BuildHost {
    /// Fails when the user cancelled.
    fn check_interrupts(&self) -> Result<()> {
        Ok(())
    }

    /// `done` of `total` steps of `phase`.
    fn progress(&self, phase: Phase, done: u64, total: u64) {
        let _ = (phase, done, total);
    }

    /// Calls `spawn`, which starts threads, with all signals blocked, so that the threads never get one. Until they are
    /// joined, a process that ends in another way than by unwinding raises `stop` first and waits.
    fn start_threads(&self, stop: &Arc<Stop>, spawn: &mut dyn FnMut()) {
        let _ = stop;
        spawn();
    }
}

/// A host without wishes.
impl BuildHost for () {}

const NAP: Duration = Duration::from_millis(10);

/// Says to workers that they are to stop, and knows how many have not yet.
#[derive(Debug, Default)]
pub struct Stop {
    raised: AtomicBool,
    running: AtomicUsize,
}

impl Stop {
    /// Makes workers give up the job at hand and end.
    pub fn raise(&self) {
        self.raised.store(true, Ordering::Relaxed);
    }

    /// Whether workers are to stop.
    pub fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Relaxed)
    }

    /// Waits until no worker runs any more, but for as many as are `lost`.
    pub fn wait(&self, lost: impl Fn() -> usize) {
        while self.running.load(Ordering::Acquire) > lost() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The flag, for what knows no more than that.
    pub(crate) fn flag(&self) -> &AtomicBool {
        &self.raised
    }
}

/// Counts as a running worker until it is dropped.
struct Running<'a>(&'a Stop);

impl<'a> Running<'a> {
    fn new(stop: &'a Stop) -> Self {
        stop.running.fetch_add(1, Ordering::Relaxed);
        Self(stop)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Release);
    }
}

/// Raises a [`Stop`] when it is dropped, unless all went well: on an error as on a panic.
struct StopUnlessDone<'a> {
    stop: &'a Stop,
    done: bool,
}

impl Drop for StopUnlessDone<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.stop.raise();
        }
    }
}

/// What came of a job: its result, or what its worker panicked with.
type Outcome<R> = std::result::Result<R, Box<dyn Any + Send>>;

/// How many threads, and who to ask.
pub(crate) struct Workers<'h> {
    pub host: &'h dyn BuildHost,
    threads: usize,
    stop: Arc<Stop>,
}

impl<'h> Workers<'h> {
    /// At least one thread, so that the calling one is always free to notice a cancel.
    pub(crate) fn new(host: &'h dyn BuildHost, threads: usize) -> Self {
        Self {
            host,
            threads: threads.max(1),
            stop: Arc::default(),
        }
    }

    /// How many threads may work at once.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// Raised when workers are to give up the job at hand; what they return then counts for nothing.
    pub(crate) fn stop(&self) -> &AtomicBool {
        self.stop.flag()
    }

    /// Does one job in a worker.
    pub(crate) fn run_one<R: Send>(&self, work: impl Fn() -> R + Sync) -> Result<R> {
        let (mut job, mut found) = (Some(()), None);
        self.run(
            || Ok(job.take()),
            |()| work(),
            |result| {
                found = Some(result);
                Ok(())
            },
        )?;
        found.ok_or(Error::Worker {
            what: "no result".into(),
        })
    }

    /// Runs `work` on every job that `jobs` yields and hands each result to `sink`, in the order of completion.
    pub(crate) fn run<J: Send, R: Send>(
        &self,
        mut jobs: impl FnMut() -> Result<Option<J>>,
        work: impl Fn(J) -> R + Sync,
        mut sink: impl FnMut(R) -> Result<()>,
    ) -> Result<()> {
        let (job_sender, job_receiver) = sync_channel::<J>(2 * self.threads);
        let (result_sender, results) = channel::<Outcome<R>>();
        let job_receiver = Mutex::new(job_receiver);
        std::thread::scope(|scope| {
            // Dropped before the scope joins.
            let mut guard = StopUnlessDone {
                stop: &self.stop,
                done: false,
            };
            let job_sender = job_sender;
            let mut started = 0;
            self.host.start_threads(&self.stop, &mut || {
                while started < self.threads {
                    let running = Running::new(&self.stop);
                    let (receiver, sender, work) = (&job_receiver, result_sender.clone(), &work);
                    let body = move || serve(running.0, receiver, &sender, work, running);
                    let thread = std::thread::Builder::new().name("qivf".into());
                    if thread.spawn_scoped(scope, body).is_err() {
                        break;
                    }
                    started += 1;
                }
            });
            drop(result_sender);
            let result = if started > 0 {
                self.drive(&mut jobs, &job_sender, &results, &mut sink)
            } else {
                // The system has no thread left for us.
                self.work_alone(&mut jobs, &work, &mut sink)
            };
            guard.done = result.is_ok();
            result
        })
    }

    /// Hands out jobs and takes results until there are no more.
    fn drive<J, R>(
        &self,
        jobs: &mut dyn FnMut() -> Result<Option<J>>,
        job_sender: &std::sync::mpsc::SyncSender<J>,
        results: &Receiver<Outcome<R>>,
        sink: &mut dyn FnMut(R) -> Result<()>,
    ) -> Result<()> {
        let (mut outstanding, mut exhausted) = (0, false);
        loop {
            self.host.check_interrupts()?;
            // The channel holds as many, so that sending never waits.
            if !exhausted && outstanding < 2 * self.threads {
                match jobs()? {
                    Some(job) => {
                        job_sender.send(job).map_err(|_| gone())?;
                        outstanding += 1;
                    }
                    None => exhausted = true,
                }
                continue;
            }
            if outstanding == 0 {
                return Ok(());
            }
            match results.recv_timeout(NAP) {
                Ok(Ok(result)) => {
                    outstanding -= 1;
                    sink(result)?;
                }
                Ok(Err(payload)) => return Err(panicked(payload.as_ref())),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(gone()),
            }
        }
    }

    fn work_alone<J, R>(
        &self,
        jobs: &mut dyn FnMut() -> Result<Option<J>>,
        work: &dyn Fn(J) -> R,
        sink: &mut dyn FnMut(R) -> Result<()>,
    ) -> Result<()> {
        while let Some(job) = jobs()? {
            self.host.check_interrupts()?;
            sink(work(job))?;
        }
        Ok(())
    }
}

/// What a worker does: one job after the other, until there are no more or it is to stop.
fn serve<J, R>(
    stop: &Stop,
    jobs: &Mutex<Receiver<J>>,
    results: &Sender<Outcome<R>>,
    work: &(impl Fn(J) -> R + Sync),
    _running: Running<'_>,
) {
    while !stop.is_raised() {
        let job = match jobs.lock() {
            Ok(jobs) => jobs.recv_timeout(NAP),
            Err(_) => return,
        };
        let job = match job {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        // What a panic leaves half done is the job's own; it is not looked at again.
        let outcome = catch_unwind(AssertUnwindSafe(|| work(job)));
        let failed = outcome.is_err();
        if results.send(outcome).is_err() || failed {
            return;
        }
    }
}

fn panicked(payload: &(dyn Any + Send)) -> Error {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    Error::Worker {
        what: text.unwrap_or_else(|| "unknown reason".into()),
    }
}

fn gone() -> Error {
    Error::Worker {
        what: "all have ended".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::time::Instant;

    /// Counts up to `jobs` and hands out the numbers.
    fn numbers(jobs: u32) -> impl FnMut() -> Result<Option<u32>> {
        let mut next = 0;
        move || {
            next += 1;
            Ok((next <= jobs).then_some(next))
        }
    }

    /// Work that takes for ever unless it is stopped.
    fn endless(stop: &Stop) {
        let begun = Instant::now();
        while !stop.is_raised() {
            assert!(begun.elapsed() < Duration::from_secs(60), "never stopped");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Cancels by an error, or by a panic as a backend does, when asked for the `left`-th time.
    struct Cancelling {
        left: Cell<u32>,
        by_panic: bool,
    }

    impl BuildHost for Cancelling {
        fn check_interrupts(&self) -> Result<()> {
            let left = self.left.get();
            self.left.set(left.saturating_sub(1));
            match (left, self.by_panic) {
                (0, true) => std::panic::panic_any(7u8),
                (0, false) => Err(Error::Full),
                _ => Ok(()),
            }
        }
    }

    #[test]
    fn every_job_is_done_once_whatever_the_number_of_threads() {
        for threads in [0, 1, 3, 8] {
            let mut sum = 0;
            let workers = Workers::new(&(), threads);
            for _ in 0..2 {
                let add = |x: u32| {
                    sum += x;
                    Ok(())
                };
                workers.run(numbers(100), |x| x, add).unwrap();
            }
            assert_eq!(sum, 2 * 5050);
            assert!(!workers.stop.is_raised());
            assert_eq!(workers.stop.running.load(Ordering::Relaxed), 0);
        }
    }

    #[test]
    fn one_panicked_worker_of_several_is_an_error() {
        let workers = Workers::new(&(), 4);
        let work = |x: u32| assert!(x != 5, "job five");
        let error = workers.run(numbers(100), work, |()| Ok(())).unwrap_err();
        assert!(error.to_string().contains("job five"), "{error}");
        assert_eq!(workers.stop.running.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn an_error_and_a_panic_of_the_host_stop_workers_in_the_middle_of_a_job() {
        for (threads, by_panic) in [(1, false), (1, true), (4, false), (4, true)] {
            let host = Cancelling {
                left: Cell::new(20),
                by_panic,
            };
            let workers = Workers::new(&host, threads);
            let stop = workers.stop.clone();
            let run = || workers.run(numbers(100), |_| endless(&stop), |()| Ok(()));
            let ended = catch_unwind(AssertUnwindSafe(run));
            match ended {
                Ok(result) => assert!(!by_panic && matches!(result, Err(Error::Full))),
                Err(payload) => assert!(by_panic && payload.downcast_ref::<u8>() == Some(&7)),
            }
            assert_eq!(workers.stop.running.load(Ordering::Relaxed), 0);
        }
    }

    #[test]
    fn an_error_of_jobs_or_of_the_sink_stops_workers() {
        let workers = Workers::new(&(), 3);
        let stop = workers.stop.clone();
        let mut left = 3;
        let jobs = || {
            left -= 1;
            if left > 0 {
                Ok(Some(()))
            } else {
                Err(Error::Full)
            }
        };
        assert!(workers.run(jobs, |()| endless(&stop), |()| Ok(())).is_err());
        let workers = Workers::new(&(), 3);
        let stop = workers.stop.clone();
        let work = |x: u32| {
            if x > 1 {
                endless(&stop)
            }
        };
        assert!(
            workers
                .run(numbers(9), work, |()| Err(Error::Full))
                .is_err()
        );
    }

    /// What the host of a process that ends has in its hands.
    #[test]
    fn a_stop_raised_from_outside_ends_workers_busy_or_idle() {
        struct Ending(Mutex<Option<Arc<Stop>>>);
        impl BuildHost for Ending {
            fn check_interrupts(&self) -> Result<()> {
                let stop = self.0.lock().unwrap().clone().unwrap();
                stop.raise();
                stop.wait(|| 0);
                assert_eq!(stop.running.load(Ordering::Relaxed), 0);
                Err(Error::Full)
            }
            fn start_threads(&self, stop: &Arc<Stop>, spawn: &mut dyn FnMut()) {
                *self.0.lock().unwrap() = Some(stop.clone());
                spawn();
            }
        }
        let host = Ending(Mutex::new(None));
        let workers = Workers::new(&host, 4);
        let stop = workers.stop.clone();
        let ended = workers.run(numbers(2), |_| endless(&stop), |()| Ok(()));
        assert!(ended.is_err());
    }
}
