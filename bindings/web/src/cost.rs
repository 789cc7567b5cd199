//! What texts take: operations, counted, and their energy at the constants `45nm`. A module without the feature `cost` says that it
//! counts nothing.

#[cfg(feature = "cost")]
mod counted;

#[cfg(feature = "cost")]
pub(crate) use counted::{Meter, Taken};

#[cfg(not(feature = "cost"))]
pub(crate) use absent::{Meter, Taken};

#[cfg(not(feature = "cost"))]
mod absent {
    use bitspike::{Encoding, Model};
    use serde::Serialize;

    use crate::fault::Fault;

    /// Nothing.
    #[derive(Debug, Serialize)]
    pub(crate) struct Taken {}

    /// Refuses.
    #[derive(Debug, Default)]
    pub(crate) struct Meter;

    impl Meter {
        pub(crate) fn measure(&self, _: &Model, _: &Encoding) -> Result<Taken, Fault> {
            Err(Fault::value("cost", "this build of the engine counts no costs"))
        }
    }
}
