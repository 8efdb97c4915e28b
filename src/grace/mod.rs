//! The heart: what a decision is. Pure: no I/O, no clock, no locks.
//!
//! The ledger's records are folded into a [`State`] ([`State::apply`]); a [`State`] decides ([`State::decide`]); an
//! [`Operation`] is what one call of a product does with both: a reading, what is due, the product's wish, and what is to be
//! recorded of all that, in one record.

mod admit;
mod alarms;
mod appeals;
mod covers;
mod decide;
mod event;
mod heads;
mod intervals;
mod operate;
mod saved;
mod state;

pub use admit::{Answer, Pending};
pub use appeals::{Appeals, OpenAppeal, appeal_id};
pub use covers::{Cover, Source};
pub use decide::{Decision, Evidence, Explanation, Flags, Holds, Now, WayOut};
pub use event::{Alarm, Event, Machine, Record, Suspect};
pub use heads::{Heads, Sent};
pub use intervals::Intervals;
pub use operate::{Finished, Live, Opening, Operation, Quiet, WitnessFacts};
pub use saved::Saved;
pub use state::{Brought, Held, Licence, Standing, State};
