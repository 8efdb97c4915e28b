-- What people decide: extensions that several sign, and appeals with what was found of them. The journal holds every step.

CREATE TABLE extension_requests (
    id TEXT PRIMARY KEY,
    license TEXT NOT NULL REFERENCES licenses (id),
    -- The very text that is signed: who signs another one signs nothing of ours.
    claims TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    why TEXT NOT NULL,
    created BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    state TEXT NOT NULL,
    document TEXT
);
CREATE INDEX extension_requests_state ON extension_requests (state, created);

CREATE TABLE extension_signatures (
    request TEXT NOT NULL REFERENCES extension_requests (id),
    -- The public key in base64: one key is one signature, whatever it is called.
    x TEXT NOT NULL,
    kid TEXT NOT NULL,
    token TEXT NOT NULL,
    signed_by TEXT NOT NULL,
    place BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (request, x)
);

-- The id is made of the ledger, the licence, the words and when they were filed, so that one that arrives twice, on whatever way, is one.
CREATE TABLE appeals (
    id TEXT PRIMARY KEY,
    license TEXT,
    ledger TEXT NOT NULL,
    words TEXT NOT NULL,
    head TEXT NOT NULL,
    content TEXT NOT NULL,
    way TEXT NOT NULL,
    known BIGINT NOT NULL,
    received BIGINT NOT NULL,
    state TEXT NOT NULL,
    findings TEXT,
    found_by TEXT,
    document TEXT
);
CREATE INDEX appeals_state ON appeals (state, received);
CREATE INDEX appeals_ledger ON appeals (ledger);

-- The ledger's files that came with an appeal, in parts, in base64.
CREATE TABLE appeal_files (
    appeal TEXT NOT NULL REFERENCES appeals (id),
    name TEXT NOT NULL,
    part BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (appeal, name, part)
);
