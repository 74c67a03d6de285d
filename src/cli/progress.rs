//! That the work goes on, for a person who waits for it, and what it waits for where it does not.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::args::Global;
use crate::host::Watch;
use crate::report::paint::escaped;

/// Work that takes no longer says nothing.
const STEP: Duration = Duration::from_secs(1);
/// A read that has not returned after so many steps is named.
const PATIENCE: u32 = 5;

/// Does the work; from a second on a line on standard error tells how long it has taken, where that
/// is a terminal. The line is gone at the end. A read that does not return is named there wherever
/// it leads, and is still waited for: nothing can be known instead of it.
pub fn shown<T>(global: &Global, words: &str, work: impl FnOnce(Option<&Watch>) -> T) -> T {
    let line = |seconds| format!("{words} ({seconds} s)");
    told(global, Some(line), 1, |watches| work(watches.first()))
}

/// The same of many like parts, with a bar where there are words for it: the work counts those that
/// are done, and has a watch for each thread that reads (none where nobody is to be told).
pub fn counted<T>(
    global: &Global,
    words: Option<&str>,
    total: usize,
    threads: usize,
    work: impl FnOnce(&AtomicUsize, &[Watch]) -> T,
) -> T {
    let done = AtomicUsize::new(0);
    let line =
        words.map(|words| |seconds| bar(words, done.load(Ordering::Relaxed), total, seconds));
    told(global, line, threads.min(total), |watches| work(&done, watches))
}

fn bar(words: &str, done: usize, total: usize, seconds: u32) -> String {
    const CELLS: usize = 24;
    let full = (done * CELLS).checked_div(total).unwrap_or(CELLS).min(CELLS);
    let (full, empty) = ("#".repeat(full), ".".repeat(CELLS - full));
    format!("{words} [{full}{empty}] {done} of {total} ({seconds} s)")
}

fn told<T>(
    global: &Global,
    words: Option<impl Fn(u32) -> String + Send>,
    threads: usize,
    work: impl FnOnce(&[Watch]) -> T,
) -> T {
    if global.quiet {
        return work(&[]);
    }
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    // Lines of the log would run into it.
    let logs = tracing::enabled!(tracing::Level::INFO);
    let line = words.filter(|_| !dumb && !logs && std::io::stderr().is_terminal());
    let watches: Vec<Watch> = (0..threads).map(|_| Watch::default()).collect();
    let watches = &watches;
    let (done, waiting) = channel::<()>();
    thread::scope(|scope| {
        let teller = move || tell(line.as_ref(), watches, &waiting, STEP, &mut std::io::stderr());
        // Who may have no more threads is told nothing, and answered all the same.
        let _ = thread::Builder::new().spawn_scoped(scope, teller);
        let result = work(watches);
        drop(done);
        result
    })
}

/// Until the other end is dropped. That nobody reads it is no error.
fn tell(
    line: Option<&impl Fn(u32) -> String>,
    watches: &[Watch],
    waiting: &Receiver<()>,
    step: Duration,
    out: &mut impl Write,
) {
    let mut steps = 0_u32;
    let mut each: Vec<(&Watch, Hanging)> =
        watches.iter().map(|watch| (watch, Hanging::default())).collect();
    while waiting.recv_timeout(step) == Err(RecvTimeoutError::Timeout) {
        steps += 1;
        let mut said = String::new();
        for path in each.iter_mut().filter_map(|(watch, hanging)| hanging.look(watch)) {
            let clear = if line.is_some() { CLEAR } else { "" };
            said += &format!(
                "{clear}ai-how: still reading {} after {PATIENCE} s: what is behind it may not answer; Ctrl-C ends the run\n",
                escaped(&path)
            );
        }
        if let Some(words) = line {
            said += &format!("\r{}", words(steps));
        }
        if !said.is_empty() {
            let _ = out.write_all(said.as_bytes()).and_then(|()| out.flush());
        }
    }
    if steps > 0 && line.is_some() {
        let _ = out.write_all(CLEAR.as_bytes()).and_then(|()| out.flush());
    }
}

const CLEAR: &str = "\r\u{1b}[K";

/// A read that was there at the last steps too.
#[derive(Default)]
struct Hanging {
    turn: u64,
    steps: u32,
    told: BTreeSet<String>,
}

impl Hanging {
    /// What is to be named now: each path once.
    fn look(&mut self, watch: &Watch) -> Option<String> {
        let Some((turn, path)) = watch.current() else {
            self.steps = 0;
            return None;
        };
        self.steps = if turn == self.turn { self.steps + 1 } else { 0 };
        self.turn = turn;
        (self.steps == PATIENCE && self.told.insert(path.clone())).then_some(path)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Sender;

    use super::*;
    use crate::host::fake::FakeHost;
    use crate::host::{Fault, Faults, Host, Need, Root, Step};

    /// Ends the work as soon as these words were said of it.
    struct Screen {
        text: Vec<u8>,
        words: &'static str,
        work: Option<Sender<()>>,
    }

    impl Screen {
        fn new(words: &'static str, work: Sender<()>) -> Self {
            Self { text: Vec::new(), words, work: Some(work) }
        }
    }

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.text.extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            if String::from_utf8_lossy(&self.text).contains(self.words) {
                self.work = None;
            }
            Ok(())
        }
    }

    #[test]
    fn long_work_is_told_of_and_short_work_is_not() {
        let words = |seconds| format!("Reading the host ({seconds} s)");
        let (work, waiting) = channel();
        let mut screen = Screen::new("(1 s)", work);
        tell(Some(&words), &[Watch::default()], &waiting, Duration::ZERO, &mut screen);
        assert_eq!(screen.text, b"\rReading the host (1 s)\r\x1b[K");
        let (work, waiting) = channel::<()>();
        drop(work);
        let mut screen = Vec::new();
        tell(Some(&words), &[Watch::default()], &waiting, STEP, &mut screen);
        assert_eq!(screen, b"");
    }

    #[test]
    fn each_of_several_readers_is_watched() {
        let (work, waiting) = channel();
        let mut screen = Screen::new("/b.snap", work);
        let watches = [Watch::default(), Watch::default(), Watch::default()];
        let _turns = [watches[0].begin("", &["/a.snap"]), watches[2].begin("", &["/b.snap"])];
        tell(None::<&fn(u32) -> String>, &watches, &waiting, Duration::ZERO, &mut screen);
        let said = String::from_utf8(screen.text).unwrap();
        let names = ["still reading /a.snap after 5 s", "still reading /b.snap after 5 s"];
        assert!(names.iter().all(|name| said.matches(name).count() == 1), "{said}");
    }

    #[test]
    fn a_bar_is_full_when_all_is_done() {
        let quarter = "Judging [######..................] 3 of 12 (2 s)";
        assert_eq!(bar("Judging", 3, 12, 2), quarter);
        assert_eq!(bar("Judging", 12, 12, 9), "Judging [########################] 12 of 12 (9 s)");
    }

    #[test]
    fn a_read_is_named_once_it_was_there_for_long_and_only_once() {
        let watch = Watch::default();
        let mut hanging = Hanging::default();
        let mut looks = |times: u32| -> Vec<String> {
            (0..times).filter_map(|_| hanging.look(&watch)).collect()
        };
        assert!(looks(20).is_empty(), "nothing is read");
        for _ in 0..20 {
            let _turn = watch.begin("", &["/proc/cmdline"]);
            assert!(looks(PATIENCE).is_empty(), "each read is another");
        }
        let turn = watch.begin("/mnt", &["/sys/class/iommu"]);
        assert_eq!(looks(20), ["/mnt/sys/class/iommu"]);
        drop(turn);
        let _again = watch.begin("/mnt", &["/sys/class/iommu"]);
        assert!(looks(20).is_empty(), "it was named");
    }

    const STUCK: &str = "/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/uevent";
    const NAMED: &str = "ai-how: still reading /sys/bus/pci/devices/0000:01:00.0/uevent after 5 s: what is behind it may not answer; Ctrl-C ends the run\n";

    /// Does not return before somebody has been told of it.
    struct Stuck(Receiver<()>);

    impl Faults for Stuck {
        fn strike(&self, step: Step, place: &str) -> Option<Fault> {
            if (step, place) == (Step::Kind, STUCK) {
                let _ = self.0.recv();
            }
            None
        }
    }

    #[test]
    fn a_read_that_hangs_is_named_and_waited_for() {
        let (told, waits) = channel();
        let (done, waiting) = channel::<()>();
        let mut screen = Screen::new(NAMED, told);
        let watch = Watch::default();
        let read = thread::scope(|scope| {
            let watch = &watch;
            let reader = scope.spawn(move || {
                let root = Root::memory(FakeHost::workstation().tree())
                    .with_faults(Stuck(waits))
                    .watched(watch);
                let host = Host::read(&root, &Need::everything());
                drop(done);
                host.devices.len()
            });
            tell(
                None::<&fn(u32) -> String>,
                std::slice::from_ref(watch),
                &waiting,
                Duration::from_millis(1),
                &mut screen,
            );
            reader.join().unwrap()
        });
        assert_eq!(read, 8, "the rest was read once it returned");
        let said = String::from_utf8(screen.text).unwrap();
        assert_eq!(said.matches(NAMED).count(), 1, "{said}");
    }
}
