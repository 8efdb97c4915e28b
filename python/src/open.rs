//! How a ledger is opened.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use reprieve::client::{App, Builder, Error, ErrorKind, Upkeep};

use crate::client::PyClient;
use crate::guard::{answer, detached, no_word, text};

/// Where, and how, a ledger is opened.
pub struct Wish {
    pub folder: Option<PathBuf>,
    pub witness: Option<PathBuf>,
    pub in_memory: bool,
    pub upkeep: String,
    pub lock_timeout: f64,
    pub create: bool,
}

impl Wish {
    /// Applies it to a builder.
    pub fn on(self, mut builder: Builder) -> Result<Builder, Error> {
        let timeout = Duration::try_from_secs_f64(self.lock_timeout).map_err(|_| {
            let text = format!("a lock timeout of {} s; use seconds from 0 on", self.lock_timeout);
            Error::new(ErrorKind::Argument, text)
        })?;
        let upkeep = match self.upkeep.as_str() {
            "in_checks" => Upkeep::InChecks,
            "own" => Upkeep::Own,
            other => return Err(no_word("way of upkeep", other, "\"in_checks\" or \"own\"")),
        };
        if let Some(folder) = self.folder {
            if self.in_memory {
                return Err(Error::new(ErrorKind::Argument, "a folder and a ledger in memory; choose one"));
            }
            builder = builder.folder(folder);
        }
        if let Some(witness) = self.witness {
            builder = builder.witness(witness);
        }
        if self.in_memory {
            builder = builder.in_memory();
        }
        Ok(builder.upkeep(upkeep).lock_timeout(timeout).create(self.create))
    }
}

/// Opens a ledger, by an application file or by its text.
#[pyfunction]
#[pyo3(name = "open")]
#[allow(clippy::too_many_arguments, reason = "called by `reprieve.open` alone, which has their names and defaults")]
pub fn open_ledger(
    py: Python<'_>,
    app_file: Option<PathBuf>,
    toml: Option<&Bound<'_, PyString>>,
    folder: Option<PathBuf>,
    witness: Option<PathBuf>,
    in_memory: bool,
    upkeep: &Bound<'_, PyString>,
    lock_timeout: f64,
    create: bool,
) -> PyResult<PyClient> {
    if app_file.is_none() && toml.is_none() {
        return Err(PyTypeError::new_err("an application file is a path, or its text a str; got None"));
    }
    let toml = toml.map(text).unwrap_or_default();
    let wish = Wish { folder, witness, in_memory, upkeep: text(upkeep), lock_timeout, create };
    let opened = detached(py, move || {
        let app = match app_file {
            Some(file) => App::from_file(&file)?,
            None => App::from_toml(&toml)?,
        };
        wish.on(Builder::new(app))?.open()
    });
    answer(py, opened).map(|client| PyClient::new(client, Arc::default(), None))
}
