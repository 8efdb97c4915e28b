-- Whole numbers and text alone, so that SQLite and PostgreSQL read the same. Instants are seconds since 1970; hashes are base64.

-- One row. Whoever issues anything holds its lock first: so the log has one order, however many instances there are.
CREATE TABLE log_state (
    id BIGINT PRIMARY KEY,
    size BIGINT NOT NULL,
    checkpoint TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    journal_size BIGINT NOT NULL
);
INSERT INTO log_state (id, size, checkpoint, issued_at, journal_size) VALUES (1, 0, '', 0, 0);

CREATE TABLE log_tiles (
    level BIGINT NOT NULL,
    place BIGINT NOT NULL,
    hashes TEXT NOT NULL,
    PRIMARY KEY (level, place)
);

-- Every document that was ever issued, byte for byte; seq is its leaf in the log.
CREATE TABLE documents (
    seq BIGINT PRIMARY KEY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    license TEXT,
    ledger TEXT,
    name TEXT,
    iat BIGINT NOT NULL,
    token TEXT NOT NULL,
    in_force BIGINT NOT NULL
);
CREATE UNIQUE INDEX documents_id ON documents (id);
CREATE INDEX documents_common ON documents (seq) WHERE in_force = 1 AND license IS NULL;
CREATE INDEX documents_license ON documents (license) WHERE kind <> 'lease';

CREATE TABLE products (
    sku TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE licenses (
    id TEXT PRIMARY KEY,
    sku TEXT NOT NULL REFERENCES products (sku),
    customer TEXT NOT NULL,
    seats BIGINT NOT NULL,
    lease_seconds BIGINT,
    ends BIGINT,
    suspended BIGINT NOT NULL,
    code TEXT,
    created BIGINT NOT NULL
);
CREATE UNIQUE INDEX licenses_code ON licenses (code);

CREATE TABLE license_features (
    license TEXT NOT NULL REFERENCES licenses (id),
    feature TEXT NOT NULL,
    ends BIGINT,
    PRIMARY KEY (license, feature)
);

-- What is known of a ledger: its key, the newest request, and which documents it is known to have.
CREATE TABLE ledgers (
    id TEXT PRIMARY KEY,
    key TEXT NOT NULL,
    head TEXT NOT NULL,
    chain TEXT NOT NULL,
    heard BIGINT NOT NULL,
    offered_head TEXT,
    offered BIGINT NOT NULL,
    has BIGINT NOT NULL,
    put_back BIGINT,
    put_back_why TEXT
);

CREATE TABLE seats (
    license TEXT NOT NULL REFERENCES licenses (id),
    ledger TEXT NOT NULL REFERENCES ledgers (id),
    since BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    PRIMARY KEY (license, ledger)
);
CREATE INDEX seats_ledger ON seats (ledger);

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    hash TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    revoked BIGINT
);
CREATE UNIQUE INDEX tokens_hash ON tokens (hash);

-- Who did what, when, and why.
CREATE TABLE journal (
    seq BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    subject TEXT NOT NULL,
    why TEXT NOT NULL,
    details TEXT NOT NULL
);
CREATE INDEX journal_subject ON journal (subject);
