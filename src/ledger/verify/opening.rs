//! What a generation's first record says of the generation before, held against that one.

use std::path::Path;

use super::super::error::{Error, Result};
use super::super::files::GenerationFile;
use super::super::frame::{OPENING, RECORD};
use super::super::generation::{Opening, file_hash};
use super::super::open::HeadFile;
use super::super::scan::{Item, Position};
use super::super::storage::{OpenMode, Storage};
use super::super::{DamageKind, Finding, LedgerId};
use super::GenerationReport;
use crate::ledger::header::Header;

/// A first record of a later generation: whose, which record, and what it says.
pub(super) struct Said {
    pub(super) by: u64,
    seq: u64,
    offset: u64,
    opening: Opening,
}

impl Said {
    pub(super) fn of(by: u64, report: &GenerationReport, (offset, opening): (u64, Opening)) -> Said {
        Said { by, seq: report.first_seq, offset, opening }
    }

    pub(super) fn is_of(&self, generation: u64) -> bool {
        self.opening.before == generation
    }

    /// One more than the number of the last record that the generation before is known by this to have had.
    pub(super) fn vouches(&self, first_seq: u64) -> u64 {
        first_seq.saturating_add(self.opening.size)
    }

    /// What the generation before is not, as it lies here and ends at `end`.
    pub(super) fn compare(
        &self,
        storage: &dyn Storage,
        before: &GenerationReport,
        end: &Position,
        id: &LedgerId,
        public_key: &[u8; 32],
    ) -> Result<Option<Finding>> {
        let said = &self.opening;
        let closing = HeadFile::parse(&said.closing, id, public_key)
            .is_some_and(|head| head.generation == said.before && head.size == said.size && head.root == said.root);
        let last = before.size == 0 || said.last_hash == end.hash;
        let differs = [
            ("file", self.is_other_file(storage, &before.path)?),
            ("tree", said.size != before.size || said.root != before.root || !last),
            ("numbers", before.first_seq.checked_add(said.size) != Some(self.seq)),
            ("closing head", !closing),
        ];
        let differs: Vec<&str> = differs.iter().filter(|(_, differs)| *differs).map(|(what, _)| *what).collect();
        Ok((!differs.is_empty()).then(|| self.differs(&differs.join(", "))))
    }

    /// The same of a generation that no key at hand opens: what needs none.
    pub(super) fn compare_file(&self, storage: &dyn Storage, before: &GenerationFile) -> Result<Option<Finding>> {
        Ok(self.is_other_file(storage, &before.path)?.then(|| self.differs("file")))
    }

    fn is_other_file(&self, storage: &dyn Storage, path: &Path) -> Result<bool> {
        let hash = storage.open(path, OpenMode::Read).and_then(|file| file_hash(&*file));
        Ok(self.opening.file_hash != hash.map_err(|err| Error::io(&err, "reading", path))?)
    }

    fn differs(&self, what: &str) -> Finding {
        let text = format!(
            "generation {} is not as it was closed when generation {} followed it: its {what} differ",
            self.opening.before, self.by
        );
        Finding::damaged(Some(self.seq), self.offset, DamageKind::OtherHistory, text)
    }
}

/// The first record of a later generation says what was before, and no other record does.
pub(super) fn misplaced(header: &Header, items: &[Item]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for item in items {
        let Item::Record(found) = item else { continue };
        let first = header.generation > 0 && found.seq == header.first_seq;
        let text = match found.kind {
            RECORD if first => format!("record {} does not say from what its generation goes on", found.seq),
            OPENING if !first => format!("record {} begins a generation where none begins", found.seq),
            _ => continue,
        };
        findings.push(Finding::damaged(Some(found.seq), found.offset, DamageKind::Opening, text));
    }
    findings
}
