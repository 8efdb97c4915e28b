//! A feature that a product asks about again and again.

use std::sync::Arc;

use super::{Brief, Cell, Client, Decision, Error, check_name};
use crate::terms::is_name;

/// A feature of a product, of one client: what a product keeps to ask about it in every frame. It keeps the client's ledger
/// open.
///
/// ```no_run
/// use reprieve::client::Client;
/// let client = Client::open("reprieve.toml")?;
/// let core = client.feature("cad", "core")?;
/// if core.allowed() { /* work */ }
/// # Ok::<(), reprieve::client::Error>(())
/// ```
#[derive(Clone)]
pub struct Feature {
    cell: Option<&'static Cell>,
    held: Arc<Held>,
}

struct Held {
    client: Client,
    sku: String,
    feature: String,
    cell: Option<&'static Cell>,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(cell) = self.cell {
            self.client.shared.cells.remove(&self.sku, &self.feature, cell);
        }
    }
}

impl Client {
    /// A feature, to ask about again and again without naming it each time. Whether any licence has it is asked by each check.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](super::ErrorKind::Argument) if a text is no name.
    pub fn feature(&self, sku: &str, feature: &str) -> Result<Feature, Error> {
        check_name("SKU", sku)?;
        check_name("feature", feature)?;
        let cell = self.shared.cell(sku, feature, 0);
        let held = Held { client: self.clone(), sku: sku.to_owned(), feature: feature.to_owned(), cell };
        Ok(Feature { cell, held: Arc::new(held) })
    }

    /// For a binding that is asked by name: [`read_named`](super::read_named) finds the feature by this tag from now on, a number
    /// that nobody else in the process uses and that is not 0, until [`Client::unname`].
    pub fn name(&self, tag: u64, sku: &str, feature: &str) {
        if is_name(sku) && is_name(feature) && tag != 0 {
            self.shared.cell(sku, feature, tag);
        }
    }

    /// Nothing is found by this tag any longer.
    pub fn unname(&self, tag: u64) {
        self.shared.cells.unname(tag);
    }
}

impl Feature {
    /// May the product use it now? As [`Client::check`], in brief. Between two looks at the ledger it reads one clock and copies
    /// the decision: no lock, no allocation, no system call.
    #[inline]
    pub fn check(&self) -> Brief {
        match self.cell.and_then(Cell::read) {
            Some(brief) => brief,
            None => self.ask(),
        }
    }

    /// Whether access is limited or full. That it is not does not say that it is denied.
    #[inline]
    pub fn allowed(&self) -> bool {
        self.check().allowed()
    }

    #[cold]
    fn ask(&self) -> Brief {
        // To decide takes locks and memory, which a frame has no time for where only its moment was bad.
        self.cell.and_then(Cell::read_again).unwrap_or_else(|| Brief::of(&self.explain()))
    }

    /// The same with all that stands behind it: [`Client::check`].
    pub fn explain(&self) -> Arc<Decision> {
        self.held.client.check(&self.held.sku, &self.held.feature)
    }

    /// Where the newest decision lies, for a binding: good as long as the feature is. None if there is none, as in a drill, whose
    /// clock is its own, and in a child of a fork.
    pub fn cell(&self) -> Option<&'static Cell> {
        self.cell
    }

    /// Marks the cell, so that a binding that comes upon it later knows that it is still this feature's.
    pub fn set_tag(&self, tag: u64) {
        if let Some(cell) = self.cell {
            self.held.client.shared.cells.set_tag(cell, tag);
        }
    }

    /// The product.
    pub fn sku(&self) -> &str {
        &self.held.sku
    }

    /// The feature's name.
    pub fn name(&self) -> &str {
        &self.held.feature
    }
}

impl std::fmt::Debug for Feature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feature").field("sku", &self.sku()).field("name", &self.name()).finish_non_exhaustive()
    }
}
