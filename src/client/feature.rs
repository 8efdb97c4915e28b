//! A feature that a product asks about again and again.

use std::sync::Arc;

use super::{Brief, Client, Decision, Error, check_name};

/// A feature of a product, of one client: what a product keeps to ask about it in every frame. It keeps the client's ledger
/// open.
///
/// ```no_run
/// use reprieve::client::Client;
/// use reprieve::terms::Access;
/// let client = Client::open("reprieve.toml")?;
/// let core = client.feature("cad", "core")?;
/// if core.check().access >= Access::Limited { /* work */ }
/// # Ok::<(), reprieve::client::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Feature {
    client: Client,
    sku: String,
    feature: String,
}

impl Client {
    /// A feature, to ask about again and again without naming it each time. Whether any licence has it is asked by each check.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](super::ErrorKind::Argument) if a text is no name.
    pub fn feature(&self, sku: &str, feature: &str) -> Result<Feature, Error> {
        check_name("SKU", sku)?;
        check_name("feature", feature)?;
        Ok(Feature { client: self.clone(), sku: sku.to_owned(), feature: feature.to_owned() })
    }
}

impl Feature {
    /// May the product use it now? As [`Client::check`], in brief.
    pub fn check(&self) -> Brief {
        self.explain().brief()
    }

    /// The same with all that stands behind it: [`Client::check`].
    pub fn explain(&self) -> Arc<Decision> {
        self.client.check(&self.sku, &self.feature)
    }

    /// The product.
    pub fn sku(&self) -> &str {
        &self.sku
    }

    /// The feature's name.
    pub fn name(&self) -> &str {
        &self.feature
    }
}
