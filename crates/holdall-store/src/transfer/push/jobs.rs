//! Files that wait to be sent.

use super::Job;
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// So many files may wait for a lane.
const MOST: usize = 4096;

/// A queue between one survey and many lanes. Nobody is woken while lanes find work and the survey finds room: a wake-up
/// for every file costs more than a small file's own work.
#[derive(Default)]
pub(in crate::transfer) struct Jobs {
    state: Mutex<State>,
    news: Notify,
    room: Notify,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// How many lanes are to be woken for a file.
    idle: usize,
    /// Whether the survey waits until half of them are gone.
    is_full: bool,
    is_over: bool,
}

/// What a lane is to do.
enum Next {
    Send(Job),
    Wait,
    End,
}

impl Jobs {
    /// Adds a file; waits while too many wait.
    pub(in crate::transfer) async fn add(&self, job: Job) {
        if self.is_full() {
            self.room.notified().await;
        }
        let mut state = self.lock();
        state.jobs.push_back(job);
        if state.idle > 0 {
            state.idle -= 1;
            self.news.notify_one();
        }
    }

    fn is_full(&self) -> bool {
        let mut state = self.lock();
        state.is_full = state.jobs.len() >= MOST;
        state.is_full
    }

    /// Lets lanes end when they have sent what waits.
    pub(in crate::transfer) fn end(&self) {
        self.lock().is_over = true;
        self.news.notify_waiters();
    }

    /// The next file; none after the last.
    pub(in crate::transfer) async fn next(&self) -> Option<Job> {
        loop {
            match self.take(0) {
                Next::Send(job) => return Some(job),
                Next::End => return None,
                Next::Wait => {}
            }
            let mut news = pin!(self.news.notified());
            // From here on no file that is added goes unnoticed.
            news.as_mut().enable();
            match self.take(1) {
                Next::Send(job) => return Some(job),
                Next::End => return None,
                Next::Wait => news.await,
            }
        }
    }

    /// Takes a file, or counts lanes as idle.
    fn take(&self, idle: usize) -> Next {
        let mut state = self.lock();
        let Some(job) = state.jobs.pop_front() else {
            if state.is_over {
                return Next::End;
            }
            state.idle += idle;
            return Next::Wait;
        };
        if state.is_full && state.jobs.len() <= MOST / 2 {
            state.is_full = false;
            self.room.notify_one();
        }
        Next::Send(job)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::State;
    use crate::transfer::sync::Verdict;
    use std::sync::Arc;
    use std::time::Duration;

    fn job(n: usize) -> Job {
        let (seen, verdict) = (Default::default(), Verdict::Move);
        Job { relative: n.to_string(), seen, verdict, etag: None, state: State::Stored }
    }

    fn start(jobs: &Arc<Jobs>, lanes: usize) -> tokio::task::JoinSet<Vec<String>> {
        let mut set = tokio::task::JoinSet::new();
        for lane in 0..lanes {
            let jobs = jobs.clone();
            set.spawn(async move {
                let mut mine = Vec::new();
                while let Some(job) = jobs.next().await {
                    mine.push(job.relative);
                    if mine.len() % (lane + 2) == 0 {
                        tokio::task::yield_now().await;
                    }
                }
                mine
            });
        }
        set
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn each_file_is_taken_once_and_all_lanes_end() {
        const ALL: usize = 5 * MOST;
        let jobs = Arc::new(Jobs::default());
        let lanes = start(&jobs, 7);
        for n in 0..ALL {
            jobs.add(job(n)).await;
            if n % 1000 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        jobs.end();
        let ended = tokio::time::timeout(Duration::from_secs(60), lanes.join_all()).await;
        let mut taken: Vec<usize> =
            ended.unwrap().into_iter().flatten().map(|name| name.parse().unwrap()).collect();
        taken.sort_unstable();
        assert!(taken.into_iter().eq(0..ALL));
    }

    #[tokio::test]
    async fn who_adds_waits_until_half_of_them_are_gone() {
        let jobs = Jobs::default();
        for n in 0..MOST {
            jobs.add(job(n)).await;
        }
        let mut adding = pin!(jobs.add(job(MOST)));
        for _ in 0..MOST / 2 {
            assert!(futures_util::poll!(adding.as_mut()).is_pending());
            jobs.next().await.unwrap();
        }
        tokio::time::timeout(Duration::from_secs(60), adding).await.unwrap();
        assert_eq!(jobs.lock().jobs.len(), MOST / 2 + 1);
    }

    #[tokio::test]
    async fn a_lane_that_was_woken_and_went_leaves_its_file_to_another() {
        let jobs = Arc::new(Jobs::default());
        let mut first = Box::pin(jobs.next());
        let mut second = Box::pin(jobs.next());
        assert!(futures_util::poll!(&mut first).is_pending());
        assert!(futures_util::poll!(&mut second).is_pending());
        jobs.add(job(1)).await;
        drop(first);
        let taken = tokio::time::timeout(Duration::from_secs(60), second).await.unwrap();
        assert_eq!(taken.unwrap().relative, "1");
    }
}
