"""Reads and verifies a ledger from docs/ledger-format.md alone. Exit codes: 0 whole, 1 damaged (and where), 2 unreadable or locked in part."""

import argparse, base64, hashlib, hmac, re, struct, sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

COPY, LOG, FRAME, TAG, MOST = 4096, 8192, 48, 16, 16 << 20
SLOT_KINDS, CAUSES = {1: "application", 2: "caller", 3: "audit"}, {1: "damage", 2: "archive", 3: "new data key"}


class Refused(Exception):
    """Why a file is not read, by number: 1 damaged, 2 no key opens it, 3 a later format; and a text."""


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def mac(key, data):
    return hmac.digest(key, data, "sha256")


def hkdf(secret, salt, info):
    return mac(mac(salt, secret), info + b"\x01")


def unsealed(key, sealed, with_):
    """What was sealed (nonce, ciphertext, tag), or None."""
    try:
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], with_)
    except InvalidTag:
        return None


def root_of(leaves):
    """RFC 6962's tree: whole subtrees are kept like the digits of a binary counter, then joined from the right."""
    stack = []
    for index, leaf in enumerate(leaves):
        while index & 1:
            leaf, index = sha(b"\x01", stack.pop(), leaf), index >> 1
        stack.append(leaf)
    root = stack.pop() if stack else sha()
    while stack:
        root = sha(b"\x01", stack.pop(), root)
    return root


def sized(data, at):
    """A `u32` length and as many bytes, and where they end."""
    end = at + 4 + struct.unpack_from("<I", data, at)[0]
    if end > len(data):
        raise ValueError("a length goes beyond the end")
    return data[at + 4 : end], end


class Header:
    """One copy of the header, of which only the plain hash is known to hold."""

    def __init__(self, copy):
        self.copy, self.public, self.identity = copy, copy[64:96], copy[96:188]
        self.format, _, self.number, self.id, self.generation, self.first, _, self.slots = struct.unpack_from("<IIQ16sQQII", copy, 8)

    def data_key(self, secrets, others):
        """The data key that a slot, or else a later generation, gives and under which the header is authentic; and by what."""
        keys, kinds = set(), []
        for at in range(188, 188 + 160 * min(self.slots, 16), 160):
            kind, _, salt, recipient, ephemeral, sealed = struct.unpack_from("<HH32s32s32s60s", self.copy, at)
            secret, label = secrets.get(kind), b"reprieve/1 slot" + struct.pack("<H", kind)
            if secret and kind == 3:
                secret = X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(ephemeral))
            key = secret and unsealed(hkdf(secret, salt, label + recipient + ephemeral), sealed, label + self.id)
            if key and self.holds(key):
                keys.add(key)
                kinds.append(SLOT_KINDS[kind])
        if not keys:
            keys, kinds = {key for key in others if self.holds(key)}, ["a later generation's"]
        return (keys.pop(), kinds) if len(keys) == 1 else (None, [])

    def holds(self, key):
        return mac(hkdf(key, self.id, b"reprieve/1 header"), self.copy[:4032]) == self.copy[4032:4064]


class Generation:
    """One file: `damage` and `notes` are texts, `leaves` the tree's, `records` what stands in it."""

    def __init__(self, path, number, secrets, others=()):
        self.number, self.data = number, path.read_bytes()
        self.damage, self.notes, self.records, self.leaves, self.opening, self.torn = [], [], [], [], None, None
        self.header = self.open_header(secrets, others)
        self.label = self.header.id + struct.pack("<Q", number)
        self.frames_key = hkdf(self.key, self.label, b"reprieve/1 frames")

    def open_header(self, secrets, others):
        copies, good = (self.data[:COPY], self.data[COPY : 2 * COPY]), []
        copies = [Header(copy) if copy[:8] == b"REPRIEVE" and sha(copy[:4064]) == copy[4064:] else None for copy in copies]
        if not any(copies):
            raise Refused(1, "both copies of the header are damaged")
        if any(copy and copy.format > 1 for copy in copies):
            raise Refused(3, "a later format")
        for index, copy in enumerate(copies):
            key, kinds = copy.data_key(secrets, others) if copy else (None, [])
            if key:
                good.append((copy.number, -index, copy, key, kinds))
            else:
                self.damage.append(f"header copy {index} is not authentic")
        if not good:
            raise Refused(2, "the secret opens no copy of the header")
        number, _, header, self.key, kinds = max(good)
        self.notes.append(f"header {number}, {header.slots} slots, opened: {', '.join(kinds)}")
        if header.generation != self.number:
            raise Refused(1, f"it is generation {header.generation}, under another's name")
        identity = unsealed(hkdf(self.key, header.id, b"reprieve/1 identity"), header.identity, header.id)
        if not identity or Ed25519PrivateKey.from_private_bytes(identity[:32]).public_key().public_bytes_raw() != header.public:
            self.damage.append("the sealed identity is not the public key's")
        return header

    def frame(self, at):
        """The frame at an offset if its seal holds: where it begins and ends, type, number, durable, link, payload."""
        data = self.data
        if at + FRAME + TAG > len(data):
            return None
        length, type_, low, durable, link = struct.unpack_from("<IHIQ16s", data, at + 2)
        if length > MOST or (end := at + FRAME + length + TAG) > len(data):
            return None
        payload = unsealed(self.frames_key, data[at + 36 : end], self.label + data[at : at + FRAME])
        return None if payload is None else (at, end, type_, low, durable, link, payload)

    def search(self, at):
        """All frames from an offset on whose seal holds."""
        while (at := self.data.find(b"RF", at)) >= 0:
            if frame := self.frame(at):
                yield frame
            at = frame[1] if frame else at + 1

    def read(self, said=0):
        """Judges the frames in their order. The next one, `next_`, should begin at `place`; `said` is how many there were."""
        first = self.header.first
        place, next_, link = LOG, first, sha(b"reprieve/1 first", self.label, struct.pack("<Q", first))
        frames, strays, highest = list(self.search(LOG)), [], 0
        stated = [highest := max(highest, frame[4]) for frame in reversed(frames)][::-1]
        for (start, end, type_, low, durable, before, payload), beyond in zip(frames, stated):
            number = next_ + (low - next_ + (1 << 31)) % (1 << 32) - (1 << 31)
            if number < next_:
                self.damage.append(f"record {number}: at byte {start}, out of its place")
                strays.append((number, start, type_, payload))
                place = end
                continue
            if (number > next_ or start > place) and beyond <= place and first + max(said, 1) <= next_:
                break
            if number > next_ or start > place:
                self.damage += [f"record {lost}: lost at byte {place}" for lost in range(next_, number)]
                self.damage += [f"record {number}: bytes that are no frame stand before it"] if number == next_ else []
                self.leaves += [sha(b"reprieve/1 lost", struct.pack("<Q", lost)) for lost in range(next_, number)]
            elif link[:16] != before:
                self.damage.append(f"record {number}: its link does not name the frame before it")
            self.damage += [f"record {number}: it says that bytes behind its beginning were synced"] if durable > start else []
            link, place, next_ = sha(b"\0", self.data[start:end]), end, number + 1
            self.leaves.append(link)
            self.take(number, start, type_, payload)
        self.damage += [] if self.leaves else [f"record {first}: no file is without its first record"]
        rest = max(len(self.data.rstrip(b"\0")), frames[-1][1] if frames else 0)
        if rest > place:
            self.torn = (place, rest - place)
            self.notes.append(f"a torn tail of {rest - place} bytes from byte {place} on")
        for stray in (stray for stray in strays if first <= stray[0] < next_):
            if all(stray[0] != record[0] for record in self.records):
                self.take(*stray)
        self.records.sort()

    def take(self, number, start, type_, payload):
        """Decodes a record's payload by its type."""
        batch = None
        try:
            if (type_ == 2) != (number == self.header.first and self.number > 0):
                raise ValueError("an opening in another's place, or none in its own")
            if type_ == 1:
                batch = read_batch(payload)
            elif type_ == 2:
                version, cause, before, size, root, last, file = struct.unpack_from("<HBQQ32s32s32s", payload)
                self.opening = (cause, before, size, root, last, file, sized(payload, 115)[0].decode())
                if version != 1 or before >= self.number:
                    raise ValueError(f"an opening of version {version} after generation {before}")
        except (ValueError, struct.error) as error:
            self.damage.append(f"record {number}: {error}")
        self.records.append((number, start, type_, len(payload), batch))

    def check_opening(self, generations, locked):
        """What this generation says of the one before, if that one is here; of a locked one there is only the file."""
        if self.opening is None:
            return
        (cause, before, size, root, last, file, note), wrong = self.opening, []
        self.notes.append(f"opened for {CAUSES.get(cause, cause)} after {size} records of generation {before}")
        if before in locked:
            wrong = [] if file == sha(locked[before].read_bytes()) else ["file is not the one"]
            self.notes.append(f"generation {before}, which is locked, is {'another file than' if wrong else 'the file'} that was closed")
        elif old := generations.get(before):
            tree = (len(old.leaves), root_of(old.leaves), old.leaves[-1] if old.leaves else last)
            wrong = [] if file == sha(old.data) else ["file is not the one"]
            wrong += [] if tree == (size, root, last) else ["tree is not the one"]
            wrong += [] if old.header.first + size == self.header.first else ["numbers are not those"]
            wrong += [] if read_note(note, old.header) == (before, size, root) else ["closing head is not the one"]
        self.damage += [f"record {self.header.first}: generation {before}'s {what} that was closed" for what in wrong]


def read_batch(payload):
    """A batch: its head, and each event's kind, flags and length."""
    head, at = sized(payload, 1)
    (count,) = struct.unpack_from("<I", payload, at)
    at, events = at + 4, []
    for _ in range(count if count <= 65_536 else 0):
        kind_flags, (body, at) = struct.unpack_from("<HB", payload, at), sized(payload, at + 3)
        events.append((*kind_flags, len(body)))
    if payload[0] != 1 or at != len(payload) or any(event[1] > 1 for event in events):
        raise ValueError("it is no batch")
    return head, events


def read_note(text, header):
    """The generation, size and root of a note, if this ledger's key signed it."""
    match = re.fullmatch(r"((reprieve/ledger/[0-9a-f]{32})/(\d+)\n(\d+)\n(\S+)\n(?:.+\n)*)\n((?:\u2014 \S+ \S+\n)+)", text)
    if not match or match[2] != f"reprieve/ledger/{header.id.hex()}":
        return None
    name, key = f"{match[2]}/{match[3]}", Ed25519PublicKey.from_public_bytes(header.public)
    for signer, signature in re.findall(r"\u2014 (\S+) (\S+)\n", match[6]):
        try:
            raw = base64.b64decode(signature, validate=True)
            if signer == name and raw[:4] == sha(name.encode(), b"\n\x01", header.public)[:4]:
                key.verify(raw[4:], match[1].encode())
                return int(match[3]), int(match[4]), base64.b64decode(match[5], validate=True)
        except (InvalidSignature, ValueError):
            break
    return None


def check_head(path, generations, highest):
    """What the head beside the ledger gives away, and a note. One that is not signed says nothing."""
    text = path.read_bytes().decode(errors="replace") if path.exists() else None
    head = text is not None and read_note(text, generations[max(generations)].header)
    if not head:
        return [], "head: none" if text is None else "head: passed over: the ledger's key has not signed it"
    number, size, root = head
    wrong, leaves = "", generations[number].leaves if number in generations else None
    if number > highest:
        wrong = "it is gone, and a head of it is here"
    elif leaves is not None and size > len(leaves):
        wrong = f"the last {size - len(leaves)} records are missing, as a head was signed of {size}"
    elif leaves is not None and root_of(leaves[:size]) != root:
        wrong = f"its first {size} records are not those of the signed head"
    return [f"generation {number}: {wrong}"] if wrong else [], f"head: of {size} records of generation {number}"


def verify(folder, name, secret, caller=None, audit=None):
    """The exit code, the lines to say, and the generations by number: None for one that cannot be read."""
    pattern = re.compile(re.escape(name) + r"\.g(0|[1-9][0-9]*)\.ledger")
    files = sorted((int(m[1]), path) for path in Path(folder).iterdir() if (m := pattern.fullmatch(path.name)))
    secrets, installation = {2: caller, 3: audit}, Path(folder, f"{name}.secret")
    if secret is not None and installation.exists():
        secrets[1] = b"".join(struct.pack("<I", len(part)) + part for part in (secret, installation.read_bytes()))
    said, locked, every, good, bad, unread, lines, codes = {}, {}, dict.fromkeys(number for number, _ in files), {}, [], [], [], set()
    for number, path in reversed(files):
        try:
            every[number] = good[number] = Generation(path, number, secrets, {one.key for one in good.values()})
            good[number].read(said.get(number, 0))
            if opening := good[number].opening:
                said[opening[1]] = max(opening[2], said.get(opening[1], 0))
        except Refused as error:
            codes.add(min(error.args[0], 2))
            (unread if error.args[0] == 2 else bad).append(f"generation {number}: {error.args[1]}")
            locked.update({number: path} if error.args[0] == 2 else {})
    good = dict(sorted(good.items()))
    for one in good.values():
        one.check_opening(good, locked)
    if not good:
        return min(codes, default=2), bad + unread or ["no ledger"], every
    bad += ["the generations are of several ledgers"] if len({one.header.id for one in good.values()}) > 1 else []
    wrong, note = check_head(Path(folder, f"{name}.head"), good, max(every))
    for number, one in good.items():
        lines.append(f"generation {number}: {len(one.leaves)} records from {one.header.first} on, root {root_of(one.leaves).hex()}")
        lines += [f"  {text}" for text in one.notes] + [f"  DAMAGE {text}" for text in one.damage]
    lines += [f"LOCKED {text}" for text in unread] + [note] + [f"DAMAGE {text}" for text in bad + wrong]
    damaged = any(bad + wrong) or any(one.damage for one in good.values())
    return 1 if damaged else 2 if locked else 0, lines, every


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, epilog="The secrets are hexadecimal.")
    for what in ("folder", "name", "--secret", "--caller", "--audit"):
        parser.add_argument(what, type=bytes.fromhex if what[0] == "-" else str)
    code, lines, generations = verify(**vars(parser.parse_args()))
    for number, one in generations.items():
        for sequence, at, type_, length, batch in one.records if one else ():
            events = f", head {len(batch[0])}, events {[event[0] for event in batch[1]]}" if batch else ""
            print(f"{number}/{sequence} at {at}: type {type_}, {length} bytes{events}")
    print(*lines, ("whole", "damaged", "unreadable")[code], sep="\n")
    sys.exit(code)
