//! Many like pieces of work, by several threads, with the results in the order of the pieces.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, Scope};

use crate::cli::exit::CliError;

/// How far, for each thread, one piece that takes long lets the others run ahead: as many results
/// wait for it in memory.
const AHEAD: usize = 8;

/// What was worked on, and what came of it; none where the work failed.
type Done<R> = (usize, Option<R>);

/// Hands each result to `each` in its turn, and none for a piece whose work panicked, until `each`
/// says false (then the answer is false) or fails. The work is told which thread does it, from 0.
pub fn in_order<T: Sync, R: Send>(
    pieces: &[T],
    threads: usize,
    work: impl Fn(usize, &T) -> R + Sync,
    mut each: impl FnMut(usize, Option<R>) -> Result<bool, CliError>,
) -> Result<bool, CliError> {
    let threads = threads.clamp(1, pieces.len().max(1));
    let (give, tasks) = channel::<usize>();
    let (done, results) = channel::<Done<R>>();
    let tasks = Mutex::new(tasks);
    let work = |thread: usize, number: usize| work(thread, &pieces[number]);
    thread::scope(|scope| {
        // Moved in, so that it is dropped on every way out: threads without a task end.
        let (give, results) = (give, results);
        start(scope, threads, &tasks, &done, &work)?;
        drop(done);
        let mut waiting = BTreeMap::new();
        let (mut given, mut next) = (0, 0);
        while next < pieces.len() {
            while given < pieces.len() && given < next + threads * AHEAD {
                // Nobody takes it where all threads have ended, which is seen below.
                let _ = give.send(given);
                given += 1;
            }
            let Ok((number, result)) = results.recv() else {
                return each(next, None);
            };
            waiting.insert(number, result);
            while let Some(result) = waiting.remove(&next) {
                if !each(next, result)? {
                    return Ok(false);
                }
                next += 1;
            }
        }
        Ok(true)
    })
}

/// As many threads as the system grants.
fn start<'scope, R: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    threads: usize,
    tasks: &'scope Mutex<Receiver<usize>>,
    done: &Sender<Done<R>>,
    work: &'scope (impl Fn(usize, usize) -> R + Sync),
) -> Result<(), CliError> {
    for number in 0..threads {
        let done = done.clone();
        let started = thread::Builder::new().spawn_scoped(scope, move || {
            while let Some(task) = next_of(tasks) {
                // Whoever waits for the result has to hear of it, or waits for ever.
                let result = catch_unwind(AssertUnwindSafe(|| work(number, task))).ok();
                if done.send((task, result)).is_err() {
                    return;
                }
            }
        });
        match started {
            Err(error) if number == 0 => {
                return Err(CliError::Thread { error: error.to_string() });
            }
            Err(_) => break,
            Ok(_) => {}
        }
    }
    Ok(())
}

fn next_of(tasks: &Mutex<Receiver<usize>>) -> Option<usize> {
    tasks.lock().ok()?.recv().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_pieces() {
        let pieces: Vec<usize> = (0..1000).collect();
        for threads in [1, 4, 2000] {
            let mut seen = Vec::new();
            // The first of every ten takes longest.
            let work = |piece: &usize| (0..(10 - piece % 10) * 1000).fold(*piece, |a, b| a ^ b);
            let expected: Vec<usize> = pieces.iter().map(work).collect();
            let work = |thread: usize, piece: &usize| {
                assert!(thread < threads);
                work(piece)
            };
            let whole = in_order(&pieces, threads, work, |number, result| {
                assert_eq!(number, seen.len());
                seen.extend(result);
                Ok(true)
            });
            assert!(whole.unwrap());
            assert_eq!(seen, expected);
        }
        assert!(in_order(&[], 4, |_, piece: &usize| *piece, |_, _| Ok(true)).unwrap());
    }

    #[test]
    fn a_failure_is_told_in_its_turn_and_hangs_nothing() {
        let pieces: Vec<usize> = (0..1000).collect();
        for threads in [1, 2, 8] {
            let mut last = 0;
            let work = |_, piece: &usize| assert_ne!(*piece, 500, "this panic is asked for");
            let ended = in_order(&pieces, threads, work, |number, result| {
                last = number;
                result.map(|()| true).ok_or(CliError::NoSnapshot)
            });
            assert!(matches!(ended, Err(CliError::NoSnapshot)));
            assert_eq!(last, 500);
        }
    }

    #[test]
    fn who_has_seen_enough_ends_it() {
        let pieces: Vec<usize> = (0..100_000).collect();
        let done = std::sync::atomic::AtomicUsize::new(0);
        let work = |_, _: &usize| done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let ended = in_order(&pieces, 2, work, |number, _| Ok(number < 10)).unwrap();
        assert!(!ended);
        assert!(done.into_inner() <= 11 + 2 * AHEAD, "no more was begun than may wait");
    }
}
