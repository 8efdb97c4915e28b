"""The log of a disk, in the format of dm-log-writes, and the states that a power cut may leave of that disk."""

import mmap
import os
import random
import struct

from guest import BLOCK, CLAIMS, FILE_SYSTEM, SECTOR

MAGIC = 0x6A736677736872
FLUSH, FUA = 1, 2


class Entry:
    __slots__ = ("offset", "data", "flags", "claim", "lane")

    def __init__(self, offset, data, flags):
        self.offset, self.data, self.flags = offset, data, flags
        behind = data is not None and offset >= FILE_SYSTEM
        self.claim = data[6:].split(b"\n")[0].decode() if behind and data[:6] == b"claim " else None
        self.lane = (offset - FILE_SYSTEM) // (CLAIMS * SECTOR)


def read(path):
    """The entries up to the last flush: so far the log's own head counts them."""
    if os.path.getsize(path) == 0:
        return []
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as log:
        magic, version, count, size = struct.unpack_from("<QQQL", log)
        if (magic, version) != (MAGIC, 1):
            raise ValueError(f"{path} is no log of a disk")
        entries, at = [], size
        for _ in range(count):
            sector, sectors, flags, _ = struct.unpack_from("<QQQQ", log, at)
            at += size
            if flags & ~(FLUSH | FUA):
                # Discards and marks: nothing here gives any.
                raise ValueError(f"{path}: an entry with the flags {flags}")
            data = log[at:at + sectors * size] if sectors else None
            if data is not None and len(data) != sectors * size:
                raise ValueError(f"{path}: the log is cut short")
            at += sectors * size
            entries.append(Entry(sector * size, data, flags))
        return entries


class Disk:
    """A disk with a volatile cache, to which the log is played."""

    def __init__(self, image):
        self.seen = bytearray(image)
        # Without what was written since the last flush.
        self.durable = bytearray(image)
        self.pending = []
        self.claims = claims(image)

    def play(self, entry):
        """A flush makes durable what was logged before it: a write that was still under way beside it counts as covered."""
        if entry.data is not None:
            self.seen[entry.offset:entry.offset + len(entry.data)] = entry.data
        if entry.flags & FLUSH:
            for before in self.pending:
                self.durable[before.offset:before.offset + len(before.data)] = before.data
            self.pending.clear()
        if entry.data is not None:
            if entry.flags & FUA:
                self.durable[entry.offset:entry.offset + len(entry.data)] = entry.data
            else:
                self.pending.append(entry)
        if entry.claim is not None:
            self.claims.append(entry.claim)

    def torn(self, dice):
        """Any of the writes since the last flush, each whole, torn between sectors, or not at all."""
        image = bytearray(self.durable)
        mood = dice.choice(("some", "most", "few", "sectors", "sectors", "mixed"))
        for write in self.pending:
            kind = dice.choice(("some", "sectors")) if mood == "mixed" else mood
            if kind == "sectors" and write.offset >= BLOCK:
                for at in range(0, len(write.data), SECTOR):
                    if dice.random() < 0.5:
                        image[write.offset + at:write.offset + at + SECTOR] = write.data[at:at + SECTOR]
            # The first block is never torn: ext4's superblock has one checksum over two sectors, and no second chance.
            elif dice.random() < {"few": 0.15, "most": 0.85}.get(kind, 0.5):
                image[write.offset:write.offset + len(write.data)] = write.data
        return image


def crashes(entries):
    """After which entries the power may go, and what is left of what was not flushed: all, a part, or, just before a flush, nothing."""
    for number, entry in enumerate(entries):
        if entry.data is not None:
            yield number, "all"
            if not entry.flags & FUA:
                yield number, "in part"
                if number + 1 < len(entries) and entries[number + 1].flags & FLUSH:
                    yield number, "flushed only"


def states(base, entries, seed, most=None):
    """Image, claims and name of each state that a power cut may leave; or of so many, at random. The same log and seed give the same."""
    wanted = list(crashes(entries))
    wanted = set(random.Random(seed).sample(wanted, min(most or len(wanted), len(wanted))))
    disk = Disk(base)
    for number, entry in enumerate(entries):
        disk.play(entry)
        for how in ("all", "in part", "flushed only"):
            if (number, how) in wanted:
                torn = disk.torn(random.Random(f"{seed} {number}")) if how == "in part" else None
                yield torn or (disk.seen if how == "all" else disk.durable), disk.claims.copy(), f"entry {number}, {how}"


def claims(image):
    """The claims that an image bears."""
    found = []
    for at in range(FILE_SYSTEM, len(image), SECTOR):
        if image[at:at + 6] == b"claim ":
            found.append(bytes(image[at + 6:at + SECTOR]).split(b"\n")[0].decode())
    return found


def replayed(base, entries):
    disk = Disk(base)
    for entry in entries:
        disk.play(entry)
    return disk.seen


def behind_its_claims(base, entries, dice, most):
    """States from before a record was written, with the claim that it is there: a test that lets one pass tests nothing."""
    marks = [number for number, entry in enumerate(entries) if entry.claim is not None]
    wanted = [number for number in marks if entries[number].claim.split()[0] in ("record", "words", "lease")]
    found = []
    for number in dice.sample(wanted, len(wanted)):
        # At most three records are acknowledged by one sync, so the fourth claim before was made before this record was written.
        before = [mark for mark in marks if mark < number and entries[mark].lane == entries[number].lane][-4:]
        if len(before) == 4 and len(found) < most:
            found.append((before[0], number))
    for cut, number in found:
        disk = Disk(base)
        for entry in entries[:cut]:
            disk.play(entry)
        claimed = claims(base) + [entries[mark].claim for mark in marks if mark <= number]
        yield disk.seen, claimed, f"entry {cut}, claims to {number}"
