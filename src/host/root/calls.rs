//! System calls as the root on disk makes them: once more where a signal came in between. Tests put
//! what a kernel may answer in the place of its answers here.

use std::os::fd::AsFd;

use rustix::io::Errno;

/// A call that changes nothing where it is interrupted.
pub(super) fn again<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match injected::instead().map_or_else(&mut call, Err) {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

/// As many bytes as the kernel gives at once, which tells nothing of how many there are.
pub(super) fn read(file: impl AsFd, buffer: &mut [u8]) -> Result<usize, Errno> {
    let most = injected::shortened(buffer.len());
    read_whole(file, &mut buffer[..most])
}

/// Of what is given whole where the buffer is large enough.
pub(super) fn read_whole(file: impl AsFd, buffer: &mut [u8]) -> Result<usize, Errno> {
    again(|| rustix::io::read(&file, &mut *buffer))
}

pub(super) fn read_at(file: impl AsFd, buffer: &mut [u8], at: u64) -> Result<usize, Errno> {
    again(|| rustix::io::pread(&file, &mut *buffer, at))
}

/// The kernel answers for itself.
#[cfg(not(test))]
mod injected {
    use rustix::io::Errno;

    pub(super) fn instead() -> Option<Errno> {
        None
    }

    pub(super) fn shortened(length: usize) -> usize {
        length
    }
}

/// Of the thread that asks.
#[cfg(test)]
pub mod injected {
    use std::cell::RefCell;

    use rustix::io::Errno;

    /// What fails, and how much less is read than was asked for.
    pub struct Injected {
        pub instead: Box<dyn FnMut() -> Option<Errno>>,
        pub shortened: Box<dyn FnMut(usize) -> usize>,
    }

    thread_local! {
        static INJECTED: RefCell<Option<Injected>> = const { RefCell::new(None) };
    }

    /// While `work` is done.
    pub fn with<T>(injected: Injected, work: impl FnOnce() -> T) -> T {
        INJECTED.set(Some(injected));
        let result = work();
        INJECTED.set(None);
        result
    }

    pub(super) fn instead() -> Option<Errno> {
        INJECTED.with_borrow_mut(|injected| (injected.as_mut()?.instead)())
    }

    pub(super) fn shortened(length: usize) -> usize {
        INJECTED.with_borrow_mut(|injected| match injected {
            Some(injected) => (injected.shortened)(length).clamp(length.min(1), length),
            None => length,
        })
    }
}
