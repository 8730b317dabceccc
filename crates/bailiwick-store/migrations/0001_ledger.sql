-- The ledger: what was written stays written.
-- Times are milliseconds since 1970-01-01T00:00:00Z. Hashes are 32 octets.
-- BYTES is spelled BLOB or BYTEA, BIGINT is SQLite's INTEGER, TEXT compares by octets on both.

-- One row: how far the ledger is. Whoever writes locks it first, so there is one order of leaves.
CREATE TABLE ledger_head (
    one      BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    size     BIGINT NOT NULL,               -- how many leaves
    frontier BYTES  NOT NULL,               -- roots of the full subtrees, the largest first
    last_at  BIGINT NOT NULL                -- time of the last leaf; the next is never earlier
);
INSERT INTO ledger_head (one, size, frontier, last_at) VALUES (1, 0, CAST('' AS BYTES), 0);

-- The leaves. `kind` and `subject` repeat what stands in `body`, for look-ups; fsck compares them.
CREATE TABLE entry (
    idx       BIGINT NOT NULL PRIMARY KEY,  -- position of the leaf, from 0, without gaps
    at        BIGINT NOT NULL,
    kind      TEXT   NOT NULL,
    subject   TEXT,                         -- such as change/<id>
    body      BYTES  NOT NULL,              -- canonical JSON; these octets are the leaf
    leaf_hash BYTES  NOT NULL               -- SHA-256 of 0x00 and the body (RFC 6962, 2.1)
);
CREATE INDEX entry_by_subject ON entry (subject, idx) WHERE subject IS NOT NULL;

-- Full tiles of 256 hashes (c2sp.org/tlog-tiles). Partial ones are put together when read.
CREATE TABLE tile (
    level  BIGINT NOT NULL,
    idx    BIGINT NOT NULL,
    hashes BYTES  NOT NULL,                 -- 256 hashes
    root   BYTES  NOT NULL,                 -- their root: one hash of the level above
    PRIMARY KEY (level, idx)
);

-- Every signed head, one per group of commits.
CREATE TABLE checkpoint (
    size BIGINT NOT NULL PRIMARY KEY,
    root BYTES  NOT NULL,
    note BYTES  NOT NULL,                   -- the signed note
    at   BIGINT NOT NULL,                   -- time of its last leaf
    n    BIGINT NOT NULL UNIQUE             -- from 1, without gaps: none can be taken out unseen
);

-- How many groups each writing process committed: an unknown COMMIT is looked up here.
CREATE TABLE writer (
    id      TEXT   NOT NULL PRIMARY KEY,
    commits BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);
