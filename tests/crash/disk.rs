//! A simulated disk under the `Storage` trait: what processes see, what the platter holds, and what is on its way.
//!
//! Of each file it keeps the durable bytes and the writes since the last sync, of each folder the durable names and the
//! changes since the last sync. A sync that fails marks what was on its way as clean, as Linux does: it is seen by all until
//! the power goes, and lost then unless it is written again; the handles open at that time are told at their next sync,
//! later ones never. Folders are durable once made, and lock files are no files here: nothing is ever read from them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use reprieve::ledger::{OpenMode, Storage, StorageFile, StorageLock};

use crate::oracle::Told;

pub type Names = BTreeMap<PathBuf, usize>;

/// A call that a process makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Open,
    Create,
    Read,
    Write(usize),
    Sync,
    SyncFolder,
    Rename,
    Remove,
    Lock,
    Look,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Go,
    Fail(io::ErrorKind),
    /// At most so many bytes are read or written.
    Short(usize),
    /// The sync fails; of what was on its way this landed.
    Lose(Landed),
}

/// What lands of the writes under way when a sync fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landed {
    Nothing,
    FirstHalves,
    All,
}

pub type Plan = Box<dyn FnMut(Call) -> Act + Send>;

/// One process's view of the disk.
#[derive(Clone)]
pub struct Disk {
    state: Arc<Mutex<State>>,
    process: Arc<Process>,
}

#[derive(Default)]
struct Process {
    calls: AtomicU64,
    dead: AtomicBool,
    plan: Mutex<Option<Plan>>,
}

#[derive(Clone, Debug, Default)]
pub struct State {
    pub inodes: Vec<Inode>,
    names: Names,
    pub durable_names: Names,
    pub changes: Vec<Change>,
    pub folders: BTreeSet<PathBuf>,
    locks: BTreeSet<PathBuf>,
    pub told: Told,
}

#[derive(Clone, Debug, Default)]
pub struct Inode {
    seen: Arc<Vec<u8>>,
    pub durable: Arc<Vec<u8>>,
    pub pending: Vec<Arc<Write>>,
    /// How many syncs have failed; a handle that has not been told of all is told at its next.
    failures: u64,
}

#[derive(Debug)]
pub struct Write {
    pub offset: usize,
    pub bytes: Vec<u8>,
}

/// A change of names. A rename is one change: it is seen whole or not at all.
#[derive(Clone, Debug)]
pub struct Change {
    pub gone: Option<PathBuf>,
    pub set: Option<(PathBuf, usize)>,
}

impl Change {
    pub fn apply(&self, names: &mut Names) {
        if let Some(path) = &self.gone {
            names.remove(path);
        }
        if let Some((path, inode)) = &self.set {
            names.insert(path.clone(), *inode);
        }
    }

    fn is_in(&self, folder: &Path) -> bool {
        let paths = self.gone.iter().chain(self.set.iter().map(|(path, _)| path));
        paths.into_iter().any(|path| path.parent() == Some(folder))
    }
}

/// Where the power could go: the disk and what had been promised by then.
#[derive(Clone, Debug)]
pub struct Point {
    pub what: String,
    pub state: State,
}

/// What is found on a disk when the power comes back.
#[derive(Clone, Debug, Default)]
pub struct Image {
    pub files: BTreeMap<PathBuf, Arc<Vec<u8>>>,
    pub folders: BTreeSet<PathBuf>,
}

thread_local! {
    /// The points of the run that this thread is recording.
    static POINTS: std::cell::RefCell<Option<Vec<Point>>> = const { std::cell::RefCell::new(None) };
}

/// Runs `work` and returns each point at which the power could have gone: the beginning, and after every call that
/// changed something on the disk or in what was promised. Between two points nothing differs.
pub fn record(disk: &Disk, work: impl FnOnce()) -> Vec<Point> {
    POINTS.with(|points| {
        *points.borrow_mut() = Some(vec![Point { what: "the beginning".into(), state: disk.state().clone() }])
    });
    work();
    POINTS.with(|points| points.borrow_mut().take()).unwrap()
}

fn point(state: &State, what: impl FnOnce() -> String) {
    POINTS.with(|points| {
        if let Some(points) = &mut *points.borrow_mut() {
            let what = format!("point {}, {}", points.len(), what());
            points.push(Point { what, state: state.clone() });
        }
    });
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disk")
    }
}

impl Default for Disk {
    fn default() -> Disk {
        Disk::of(&Image::default())
    }
}

impl Disk {
    /// The disk as a crash left it.
    pub fn of(image: &Image) -> Disk {
        let mut state = State { folders: image.folders.clone(), ..State::default() };
        for (path, bytes) in &image.files {
            state.names.insert(path.clone(), state.inodes.len());
            state.inodes.push(Inode { seen: bytes.clone(), durable: bytes.clone(), ..Inode::default() });
        }
        state.durable_names = state.names.clone();
        Disk { state: Arc::new(Mutex::new(state)), process: Arc::default() }
    }

    /// The same disk as another process has it: with calls and a fate of its own.
    pub fn process(&self) -> Disk {
        Disk { state: self.state.clone(), process: Arc::default() }
    }

    pub fn storage(&self) -> Arc<dyn Storage> {
        Arc::new(self.clone())
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Notes a promise; from here on the power may go with it made.
    pub fn tell(&self, tell: impl FnOnce(&mut Told)) {
        let mut state = self.state();
        tell(&mut state.told);
        point(&state, || "a promise".into());
    }

    pub fn told(&self) -> Told {
        self.state().told.clone()
    }

    /// What is to become of this process's calls.
    pub fn plan(&self, plan: impl FnMut(Call) -> Act + Send + 'static) {
        *self.process.plan.lock().unwrap() = Some(Box::new(plan));
    }

    pub fn no_plan(&self) {
        *self.process.plan.lock().unwrap() = None;
    }

    pub fn calls(&self) -> u64 {
        self.process.calls.load(Ordering::Relaxed)
    }

    /// The process is no more: none of its calls does anything.
    pub fn kill(&self) {
        self.process.dead.store(true, Ordering::Relaxed);
    }

    /// The disk with all that was seen on it.
    pub fn seen(&self) -> Image {
        let state = self.state();
        let files = state.names.iter().map(|(path, inode)| (path.clone(), state.inodes[*inode].seen.clone()));
        Image { files: files.collect(), folders: state.folders.clone() }
    }

    /// Lets the last byte that was written to a file be another, as a process leaves it that dies while it writes.
    pub fn tear_seen(&self, path: &Path) {
        let mut state = self.state();
        let inode = state.names[path];
        let inode = &mut state.inodes[inode];
        let mut write =
            inode.pending.pop().map(|write| Write { offset: write.offset, bytes: write.bytes.clone() }).unwrap();
        *write.bytes.last_mut().unwrap() ^= 1;
        put(Arc::make_mut(&mut inode.seen), write.offset, &write.bytes);
        inode.pending.push(Arc::new(write));
    }

    /// Whether the file and its name are on the disk as they are seen, and nothing is on its way there.
    pub fn is_durable(&self, path: &Path) -> bool {
        let state = self.state();
        let Some(inode) = state.durable_names.get(path).filter(|inode| state.names.get(path) == Some(*inode)) else {
            return false;
        };
        let inode = &state.inodes[*inode];
        inode.pending.is_empty() && inode.durable == inode.seen
    }

    fn call(&self, call: Call) -> io::Result<Act> {
        if self.process.dead.load(Ordering::Relaxed) {
            return Err(io::Error::other("the process was killed"));
        }
        self.process.calls.fetch_add(1, Ordering::Relaxed);
        // The plan is away while it runs, for what it does may be calls of other processes.
        let plan = self.process.plan.lock().unwrap().take();
        let Some(mut plan) = plan else { return Ok(Act::Go) };
        let act = plan(call);
        self.process.plan.lock().unwrap().get_or_insert(plan);
        match act {
            _ if self.process.dead.load(Ordering::Relaxed) => Err(io::Error::other("the process was killed")),
            Act::Fail(kind) => Err(kind.into()),
            act => Ok(act),
        }
    }

    fn change(&self, what: impl FnOnce() -> String, change: Change) {
        let mut state = self.state();
        change.apply(&mut state.names);
        state.changes.push(change);
        point(&state, what);
    }
}

#[derive(Debug)]
struct DiskFile {
    disk: Disk,
    inode: usize,
    told_of: AtomicU64,
    writable: bool,
}

#[derive(Debug)]
struct DiskLock(Disk, PathBuf);

impl StorageLock for DiskLock {}

impl Drop for DiskLock {
    fn drop(&mut self) {
        self.0.state().locks.remove(&self.1);
    }
}

impl Storage for Disk {
    fn open(&self, path: &Path, mode: OpenMode<'_>) -> io::Result<Box<dyn StorageFile>> {
        let creates = matches!(mode, OpenMode::CreateNew { .. });
        self.call(if creates { Call::Create } else { Call::Open })?;
        let known = self.state().names.get(path).copied();
        let inode = match (known, creates) {
            (Some(_), true) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Some(inode), false) => inode,
            (None, true) => {
                let inode = {
                    let mut state = self.state();
                    if !path.parent().is_some_and(|folder| state.folders.contains(folder)) {
                        return Err(io::ErrorKind::NotFound.into());
                    }
                    state.inodes.push(Inode::default());
                    state.inodes.len() - 1
                };
                let change = Change { gone: None, set: Some((path.into(), inode)) };
                self.change(|| format!("{} made", path.display()), change);
                inode
            }
            (None, false) => return Err(io::ErrorKind::NotFound.into()),
        };
        let told_of = self.state().inodes[inode].failures.into();
        let writable = !matches!(mode, OpenMode::Read);
        Ok(Box::new(DiskFile { disk: self.clone(), inode, told_of, writable }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(Call::Rename)?;
        let inode = self.state().names.get(from).copied().ok_or(io::ErrorKind::NotFound)?;
        let change = Change { gone: Some(from.into()), set: Some((to.into(), inode)) };
        self.change(|| format!("{} named", to.display()), change);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call(Call::Remove)?;
        if !self.state().names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.change(|| format!("{} removed", path.display()), Change { gone: Some(path.into()), set: None });
        Ok(())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.call(Call::Look)?;
        let state = self.state();
        Ok(state.names.contains_key(path) || state.folders.contains(path))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.call(Call::Look)?;
        let state = self.state();
        if !state.folders.contains(folder) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = state.names.keys().filter(|path| path.parent() == Some(folder));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_str()?.to_string())).collect())
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.call(Call::Look)?;
        let ancestors = folder.ancestors().map(Path::to_path_buf);
        self.state().folders.extend(ancestors);
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.call(Call::SyncFolder)?;
        let mut state = self.state();
        let state = &mut *state;
        let (now, later) = state.changes.drain(..).partition(|change: &Change| change.is_in(folder));
        state.changes = later;
        for change in now {
            change.apply(&mut state.durable_names);
        }
        point(state, || format!("{} synced", folder.display()));
        Ok(())
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn StorageLock>>> {
        self.call(Call::Lock)?;
        let free = self.state().locks.insert(path.into());
        Ok(free.then(|| Box::new(DiskLock(self.clone(), path.into())) as Box<dyn StorageLock>))
    }
}

impl StorageFile for DiskFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let act = self.disk.call(Call::Read)?;
        let bytes = self.disk.state().inodes[self.inode].seen.clone();
        let from = (offset as usize).min(bytes.len());
        let mut n = buf.len().min(bytes.len() - from);
        if let Act::Short(most) = act {
            n = n.min(most);
        }
        buf[..n].copy_from_slice(&bytes[from..from + n]);
        Ok(n)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        let act = self.disk.call(Call::Write(buf.len()))?;
        if !self.writable {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let n = if let Act::Short(most) = act { buf.len().min(most) } else { buf.len() };
        let mut state = self.disk.state();
        let write = Write { offset: offset as usize, bytes: buf[..n].to_vec() };
        let inode = &mut state.inodes[self.inode];
        put(Arc::make_mut(&mut inode.seen), write.offset, &write.bytes);
        inode.pending.push(Arc::new(write));
        point(&state, || format!("{n} bytes written at {offset}"));
        Ok(n)
    }

    fn sync_data(&self) -> io::Result<()> {
        let act = self.disk.call(Call::Sync)?;
        let mut state = self.disk.state();
        let inode = &mut state.inodes[self.inode];
        let pending = std::mem::take(&mut inode.pending);
        let landed = if let Act::Lose(landed) = act { landed } else { Landed::All };
        for write in pending {
            let n = match landed {
                Landed::Nothing => 0,
                Landed::FirstHalves => write.bytes.len() / 2,
                Landed::All => write.bytes.len(),
            };
            if n > 0 {
                put(Arc::make_mut(&mut inode.durable), write.offset, &write.bytes[..n]);
            }
        }
        if matches!(act, Act::Lose(_)) {
            inode.failures += 1;
        }
        let failures = inode.failures;
        point(&state, || "a file synced".into());
        if self.told_of.swap(failures, Ordering::Relaxed) < failures {
            return Err(io::Error::other("the disk did not take it"));
        }
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        self.disk.call(Call::Look)?;
        Ok(self.disk.state().inodes[self.inode].seen.len() as u64)
    }

    fn is_named(&self, path: &Path) -> io::Result<bool> {
        self.disk.call(Call::Look)?;
        Ok(self.disk.state().names.get(path) == Some(&self.inode))
    }
}

/// Lays bytes over others, which grow with zeros as needed.
pub fn put(bytes: &mut Vec<u8>, offset: usize, new: &[u8]) {
    let to = offset + new.len();
    if bytes.len() < to {
        bytes.resize(to, 0);
    }
    bytes[offset..to].copy_from_slice(new);
}
