//! That the work goes on, for a person who waits for it.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::args::Global;

/// Work that takes no longer says nothing.
const STEP: Duration = Duration::from_secs(1);

/// Does the work; from a second on a line on standard error tells how long it has taken, where that
/// is a terminal. The line is gone at the end.
pub fn shown<T>(global: &Global, words: &str, work: impl FnOnce() -> T) -> T {
    told(global, |seconds| format!("{words} ({seconds} s)"), work)
}

/// The same of many like parts, with a bar: the work counts those that are done.
pub fn counted<T>(
    global: &Global,
    words: &str,
    total: usize,
    work: impl FnOnce(&AtomicUsize) -> T,
) -> T {
    let done = AtomicUsize::new(0);
    let line = |seconds| bar(words, done.load(Ordering::Relaxed), total, seconds);
    told(global, line, || work(&done))
}

fn bar(words: &str, done: usize, total: usize, seconds: u32) -> String {
    const CELLS: usize = 24;
    let full = (done * CELLS).checked_div(total).unwrap_or(CELLS).min(CELLS);
    let (full, empty) = ("#".repeat(full), ".".repeat(CELLS - full));
    format!("{words} [{full}{empty}] {done} of {total} ({seconds} s)")
}

fn told<T>(global: &Global, words: impl Fn(u32) -> String + Send, work: impl FnOnce() -> T) -> T {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    // Lines of the log would run into it.
    let logs = tracing::enabled!(tracing::Level::INFO);
    if global.quiet || dumb || logs || !std::io::stderr().is_terminal() {
        return work();
    }
    let (done, waiting) = channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || tell(&words, &waiting, STEP, &mut std::io::stderr()));
        let result = work();
        drop(done);
        result
    })
}

/// Until the other end is dropped. That nobody reads it is no error.
fn tell(
    words: &impl Fn(u32) -> String,
    waiting: &Receiver<()>,
    step: Duration,
    out: &mut impl Write,
) {
    let mut steps = 0_u32;
    while waiting.recv_timeout(step) == Err(RecvTimeoutError::Timeout) {
        steps += 1;
        let _ = write!(out, "\r{}", words(steps)).and_then(|()| out.flush());
    }
    if steps > 0 {
        let _ = write!(out, "\r\u{1b}[K").and_then(|()| out.flush());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Sender;

    use super::*;

    /// Ends the work as soon as something was said of it.
    struct Screen {
        text: Vec<u8>,
        work: Option<Sender<()>>,
    }

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.text.extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            self.work = None;
            Ok(())
        }
    }

    #[test]
    fn long_work_is_told_of_and_short_work_is_not() {
        let (work, waiting) = channel();
        let mut screen = Screen { text: Vec::new(), work: Some(work) };
        let words = |seconds| format!("Reading the host ({seconds} s)");
        tell(&words, &waiting, Duration::ZERO, &mut screen);
        assert_eq!(screen.text, b"\rReading the host (1 s)\r\x1b[K");
        let (work, waiting) = channel::<()>();
        drop(work);
        let mut screen = Vec::new();
        tell(&words, &waiting, STEP, &mut screen);
        assert_eq!(screen, b"");
    }

    #[test]
    fn a_bar_is_full_when_all_is_done() {
        let quarter = "Judging [######..................] 3 of 12 (2 s)";
        assert_eq!(bar("Judging", 3, 12, 2), quarter);
        assert_eq!(bar("Judging", 12, 12, 9), "Judging [########################] 12 of 12 (9 s)");
    }
}
