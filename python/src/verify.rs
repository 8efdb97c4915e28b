//! The whole ledger, verified: for `python -m reprieve verify`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use reprieve::client::{Builder, Error};
use reprieve::drill::Drill;
use reprieve::ledger::{self, Disk};

use crate::guard::{answer, detached};

/// A generation: number, file, records, number of the first, root, torn bytes, findings, why it is locked.
type GenerationValue = (u64, PathBuf, u64, u64, String, u64, Vec<String>, Option<String>);

/// Verifies every generation of a ledger, and changes nothing: the ledger's id, whether it is clean, its generations.
#[pyfunction]
pub fn verify(
    py: Python<'_>,
    app_file: Option<PathBuf>,
    folder: Option<PathBuf>,
    drill: Option<PathBuf>,
) -> PyResult<(String, bool, Vec<GenerationValue>)> {
    let verified = detached(py, || {
        let builder = match drill {
            Some(drill) => Drill::builder_of(&drill)?,
            None => Builder::from_file(app_file.unwrap_or_default())?,
        };
        let builder = match folder {
            Some(folder) => builder.folder(folder),
            None => builder,
        };
        let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        ledger::verify_with(Arc::new(Disk), &builder.config()?, threads).map_err(Error::from)
    });
    let verified = answer(py, verified)?;
    let clean = verified.is_clean();
    let generations = verified.generations.into_iter().map(|report| {
        let root = report.root.iter().map(|byte| format!("{byte:02x}")).collect();
        let findings = report.findings.iter().map(ToString::to_string).collect();
        let torn = report.torn.map_or(0, |(_, bytes)| bytes);
        let locked = report.locked.map(|locked| locked.why);
        (report.generation, report.path, report.records, report.first_seq, root, torn, findings, locked)
    });
    Ok((verified.id.to_string(), clean, generations.collect()))
}
