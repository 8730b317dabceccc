-- Working state: needed while a protocol runs, no part of the ledger.

-- ACME orders as they stand (RFC 8555, 7.1.3). The columns beside `body` are for look-ups.
CREATE TABLE acme_order (
    id         TEXT   NOT NULL PRIMARY KEY,
    account    TEXT   NOT NULL,
    status     TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    change     TEXT,
    body       BYTES  NOT NULL              -- canonical JSON
);
CREATE INDEX acme_order_by_account ON acme_order (account, id);
CREATE INDEX acme_order_by_status ON acme_order (status, id);
CREATE INDEX acme_order_by_change ON acme_order (change) WHERE change IS NOT NULL;

-- ACME authorizations as they stand (RFC 8555, 7.1.4).
CREATE TABLE acme_authorization (
    id         TEXT   NOT NULL PRIMARY KEY,
    account    TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    wildcard   BIGINT NOT NULL,
    status     TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    body       BYTES  NOT NULL              -- canonical JSON
);
CREATE INDEX acme_authorization_by_name ON acme_authorization (account, name, status, expires_at);

-- Certificates that are being issued under an envelope: they count against its uses until they are
-- issued or their change is over, so that two orders cannot take the last use.
CREATE TABLE envelope_hold (
    envelope TEXT NOT NULL,
    change   TEXT NOT NULL,
    PRIMARY KEY (envelope, change)
);
CREATE INDEX envelope_hold_by_change ON envelope_hold (change);

-- Sealed MAC keys of credentials.
CREATE TABLE credential_secret (
    credential TEXT  NOT NULL PRIMARY KEY,
    sealed     BYTES NOT NULL
);

-- SHA-256 of session secrets.
CREATE TABLE session_secret (
    hash    BYTES NOT NULL PRIMARY KEY,
    session TEXT  NOT NULL
);

-- SHA-256 of token secrets.
CREATE TABLE token_secret (
    hash  BYTES NOT NULL PRIMARY KEY,
    token TEXT  NOT NULL
);

-- One-time sign-in links, by the SHA-256 of their secret.
CREATE TABLE link (
    hash       BYTES  NOT NULL PRIMARY KEY,
    person     TEXT   NOT NULL,
    chain      TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    spent      BIGINT NOT NULL
);

-- What is too large for a leaf, named by its SHA-256, which stands in one.
CREATE TABLE evidence (
    digest BYTES NOT NULL PRIMARY KEY,
    kind   TEXT  NOT NULL,
    octets BYTES NOT NULL
);

-- Notices to people, written together with what they are about.
CREATE TABLE outbox (
    id      BIGINT NOT NULL PRIMARY KEY,    -- from 1, in order of commit
    at      BIGINT NOT NULL,
    person  TEXT   NOT NULL,
    subject TEXT   NOT NULL,
    page    TEXT   NOT NULL,
    sent_at BIGINT
);
CREATE INDEX outbox_unsent ON outbox (id) WHERE sent_at IS NULL;

-- Who may do what alone, until when. A row stays when it is released, so that its number only grows.
CREATE TABLE lease (
    name   TEXT   NOT NULL PRIMARY KEY,
    holder TEXT   NOT NULL,
    fence  BIGINT NOT NULL,
    until  BIGINT NOT NULL                  -- by the database's clock
);
