//! A process at work on the ledger that says what it begins before it begins it, and what it was promised after.

use std::sync::Arc;

use reprieve::ledger::{Error, GenerationCause, Ledger, Witness};

use crate::disk::Disk;
use crate::oracle::{FOLD, ID, Payload, SIDE, config, key};

pub struct Hand {
    pub disk: Disk,
    pub ledger: Ledger,
    name: u8,
    count: u8,
}

/// A record that no other equals.
pub fn payload(name: u8, count: u8, size: usize) -> Payload {
    let mut bytes: Vec<u8> = (0..size).map(|i| (i as u8).wrapping_mul(name | 1).wrapping_add(count)).collect();
    let unique = [name, count, b'!'];
    let n = unique.len().min(size);
    bytes[..n].copy_from_slice(&unique[..n]);
    Arc::new(bytes)
}

/// Makes a ledger; record 0 is said to be begun.
pub fn create(disk: &Disk) -> Result<Hand, Error> {
    let genesis: Payload = Arc::new(b"genesis".to_vec());
    disk.tell(|told| {
        // One that failed before may have left its own.
        told.begun = vec![genesis.clone()];
        told.level = (1, 1);
        told.keys = vec![0];
    });
    let ledger = Ledger::create(disk.storage(), &config(0, FOLD), ID, 1, &genesis)?;
    disk.tell(|told| {
        told.created = true;
        told.ack(1);
    });
    Ok(Hand { disk: disk.clone(), ledger, name: b'a', count: 0 })
}

/// A new disk with a ledger on it that has nothing on its way.
pub fn created() -> Hand {
    create(&Disk::default()).unwrap()
}

/// Another process.
pub fn open(disk: &Disk, name: u8) -> Result<Hand, Error> {
    open_with(disk, name, 0)
}

pub fn open_with(disk: &Disk, name: u8, which: usize) -> Result<Hand, Error> {
    let disk = disk.process();
    let opened = Ledger::open(disk.storage(), &config(which, FOLD))?;
    assert!(opened.findings.iter().all(|finding| !finding.is_damage()), "{:?}", opened.findings);
    Ok(Hand { disk, ledger: opened.ledger, name, count: 0 })
}

impl Hand {
    pub fn next(&mut self, size: usize) -> Payload {
        self.count += 1;
        payload(self.name, self.count, size)
    }

    /// Looks at what is there after something that failed or a process that was killed: what has not become whole is not
    /// going to. A header is one and the same in both copies after that.
    pub fn resume(&mut self) -> Result<(), Error> {
        let lock = self.ledger.lock()?;
        let new = self.ledger.settle(&lock)?;
        assert!(new.findings.iter().all(|finding| !finding.is_damage()), "{:?}", new.findings);
        let (next, level) = (self.ledger.next_seq(), self.ledger.level());
        self.disk.tell(|told| {
            assert!(next as usize >= told.acked, "something acknowledged is gone");
            told.begun.truncate(next as usize);
            told.level = (level, level);
        });
        Ok(())
    }

    /// Appends a record of this size, not synced.
    pub fn append(&mut self, size: usize) -> Result<(), Error> {
        let payload = self.next(size);
        let lock = self.ledger.lock()?;
        let new = self.ledger.settle(&lock)?;
        assert!(new.findings.iter().all(|finding| !finding.is_damage()), "{:?}", new.findings);
        let seq = self.ledger.next_seq();
        self.disk.tell(|told| told.begin(seq, &payload));
        let appended = self.ledger.append(&lock, &payload);
        if appended.is_err() {
            // It was never whole, so it may never be seen.
            self.disk.tell(|told| told.begun.truncate(seq as usize));
        }
        appended.map(drop)
    }

    /// A sync covers what this process has read and written.
    pub fn sync(&mut self) -> Result<(), Error> {
        self.ledger.sync()?;
        let (next, generation) = (self.ledger.next_seq(), self.ledger.generation());
        self.disk.tell(|told| {
            told.created = true;
            told.ack(next);
            told.generation = told.generation.max(generation);
        });
        Ok(())
    }

    pub fn generation(&mut self, cause: GenerationCause) -> Result<(), Error> {
        let opening = self.next(24);
        let lock = self.ledger.lock()?;
        self.ledger.settle(&lock)?;
        let seq = self.ledger.next_seq();
        self.disk.tell(|told| told.begin(seq, &opening));
        self.ledger.next_generation(&lock, cause, &opening)?;
        let generation = self.ledger.generation();
        self.disk.tell(|told| {
            told.ack(seq + 1);
            told.generation = generation;
        });
        Ok(())
    }

    pub fn raise_level(&mut self, level: u32) -> Result<(), Error> {
        let lock = self.ledger.lock()?;
        self.ledger.settle(&lock)?;
        self.disk.tell(|told| told.level.1 = level);
        self.ledger.raise_level(&lock, level)?;
        self.disk.tell(|told| told.level.0 = level);
        Ok(())
    }

    pub fn rekey(&mut self, which: usize) -> Result<(), Error> {
        let lock = self.ledger.lock()?;
        self.ledger.settle(&lock)?;
        self.disk.tell(|told| told.keys.push(which));
        self.ledger.rekey(&lock, &key(which))?;
        self.disk.tell(|told| told.keys = vec![which]);
        Ok(())
    }

    pub fn snapshot(&mut self) -> Result<(), Error> {
        let next = self.ledger.next_seq();
        self.ledger.save_snapshot(&next.to_le_bytes(), FOLD)?;
        self.disk.tell(|told| told.ack(next));
        Ok(())
    }

    /// After the sync, as the rules say.
    pub fn witness(&mut self) -> Result<(), Error> {
        let (seq, hash) = self.ledger.newest();
        let generation = self.ledger.generation();
        let body = vec![self.count; 9];
        self.ledger.witness_write(&Witness { ledger: ID, generation, seq, hash, body }, false)?;
        Ok(())
    }

    pub fn side(&mut self, value: u8) -> Result<(), Error> {
        self.disk.tell(|told| told.side.1 = Some(value));
        self.ledger.side_file_write(SIDE, &[value])?;
        self.disk.tell(|told| told.side.0 = Some(value));
        Ok(())
    }
}
