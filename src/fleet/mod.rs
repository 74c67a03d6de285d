//! Many hosts at once: what is kept of each, and what stands out among them.
//!
//! *Invariant:* of a host that was judged a few hundred bytes are kept, so that thousands fit.

mod facts;
mod kept;
mod question;
mod tally;

pub use facts::{Fact, Wants, labels};
pub use kept::Kept;
pub use question::Question;
pub use tally::{Difference, Mixed, Outlier, Tally};
