//! Worker threads that never touch the store: the calling thread makes jobs, workers do them, it takes the results.
//!
//! The calling thread alone calls the host (which may be a database backend). It waits in short naps between checks for
//! a cancel; on a cancel or an error it raises a flag, lets the workers finish the job at hand and joins them before it
//! returns, so no worker outlives the call.

use crate::error::Result;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel, sync_channel};
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

    /// Calls `spawn`, which starts threads, with all signals blocked, so that the threads never get one.
    fn with_signals_blocked(&self, spawn: &mut dyn FnMut()) {
        spawn();
    }
}

/// A host without wishes.
impl BuildHost for () {}

const NAP: Duration = Duration::from_millis(10);

/// How many threads, and who to ask.
pub(crate) struct Workers<'h> {
    pub host: &'h dyn BuildHost,
    pub threads: usize,
    /// Raised when the workers should give up the job at hand.
    pub cancel: AtomicBool,
}

impl<'h> Workers<'h> {
    pub(crate) fn new(host: &'h dyn BuildHost, threads: usize) -> Self {
        Self {
            host,
            threads,
            cancel: AtomicBool::new(false),
        }
    }

    /// Runs `work` on every job that `jobs` yields and hands each result to `sink`, in the order of completion.
    pub(crate) fn run<J: Send, R: Send>(
        &self,
        mut jobs: impl FnMut() -> Result<Option<J>>,
        work: impl Fn(J) -> R + Sync,
        mut sink: impl FnMut(R) -> Result<()>,
    ) -> Result<()> {
        if self.threads <= 1 {
            while let Some(job) = jobs()? {
                self.host.check_interrupts()?;
                sink(work(job))?;
            }
            return Ok(());
        }
        let (job_sender, job_receiver) = sync_channel::<J>(self.threads);
        let (result_sender, results) = channel::<R>();
        let job_receiver = Mutex::new(job_receiver);
        std::thread::scope(|scope| {
            self.host.with_signals_blocked(&mut || {
                for _ in 0..self.threads {
                    let (job_receiver, result_sender, work) =
                        (&job_receiver, result_sender.clone(), &work);
                    scope.spawn(move || {
                        loop {
                            let job = match job_receiver.lock() {
                                Ok(receiver) => receiver.recv(),
                                Err(_) => return,
                            };
                            let Ok(job) = job else { return };
                            if result_sender.send(work(job)).is_err() {
                                return;
                            }
                        }
                    });
                }
            });
            drop(result_sender);
            let mut outstanding = 0;
            let mut exhausted = false;
            let mut drive = || -> Result<bool> {
                self.host.check_interrupts()?;
                if !exhausted && outstanding < 2 * self.threads {
                    match jobs()? {
                        Some(job) => match job_sender.send(job) {
                            Ok(()) => outstanding += 1,
                            Err(_) => exhausted = true,
                        },
                        None => exhausted = true,
                    }
                    return Ok(true);
                }
                if outstanding == 0 {
                    return Ok(false);
                }
                match results.recv_timeout(NAP) {
                    Ok(result) => {
                        outstanding -= 1;
                        sink(result)?;
                        Ok(true)
                    }
                    Err(RecvTimeoutError::Timeout) => Ok(true),
                    // A worker has panicked; the scope passes that on.
                    Err(RecvTimeoutError::Disconnected) => Ok(false),
                }
            };
            let result = loop {
                match drive() {
                    Ok(true) => {}
                    Ok(false) => break Ok(()),
                    Err(e) => {
                        self.cancel.store(true, Ordering::Relaxed);
                        break Err(e);
                    }
                }
            };
            drop(job_sender);
            result
        })
    }
}
