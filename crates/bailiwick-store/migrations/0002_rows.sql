-- Rows that follow from the ledger. `ledger fsck` makes them again from the leaves and compares.
-- Lists are JSON arrays of strings. Flags are 0 or 1.

-- Changes as lists show them. The request itself is the leaf `opened_idx`.
CREATE TABLE change (
    id         TEXT   NOT NULL PRIMARY KEY,
    opened_idx BIGINT NOT NULL,
    service    TEXT,
    kind       TEXT   NOT NULL,             -- of its first step; empty until there is a plan
    state      TEXT   NOT NULL,
    events     BIGINT NOT NULL,             -- how many it has
    updated_at BIGINT NOT NULL,
    expires_at BIGINT                       -- until when it can be approved
);
CREATE INDEX change_by_update ON change (updated_at, id);
CREATE INDEX change_by_state ON change (state, updated_at, id);
CREATE INDEX change_by_service ON change (service, updated_at, id);

-- What the policy decided, with what it was made from.
CREATE TABLE decision (
    id      TEXT   NOT NULL PRIMARY KEY,
    at      BIGINT NOT NULL,
    action  TEXT   NOT NULL,
    allowed BIGINT NOT NULL,
    policy  BYTES  NOT NULL,
    facts   TEXT   NOT NULL,
    reasons TEXT   NOT NULL,
    rule    TEXT   NOT NULL
);
CREATE INDEX decision_by_time ON decision (at, id);

-- External account binding credentials; their sealed keys are in credential_secret.
CREATE TABLE credential (
    id           TEXT   NOT NULL PRIMARY KEY,
    service      TEXT   NOT NULL,
    environment  TEXT   NOT NULL,
    namespace    TEXT,
    attestations TEXT   NOT NULL,
    created_by   TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    revoked_at   BIGINT,
    account      TEXT                       -- the one account that it bound
);
CREATE INDEX credential_by_service ON credential (service, id);

-- ACME accounts (RFC 8555, 7.1.2).
CREATE TABLE account (
    id           TEXT   NOT NULL PRIMARY KEY,
    thumbprint   TEXT   NOT NULL UNIQUE,    -- of its key (RFC 7638)
    jwk          TEXT   NOT NULL,
    contacts     TEXT   NOT NULL,
    status       TEXT   NOT NULL,
    credential   TEXT   NOT NULL,
    made_by      TEXT   NOT NULL,
    service      TEXT   NOT NULL,
    environment  TEXT   NOT NULL,
    namespace    TEXT,
    attestations TEXT   NOT NULL,
    binding      TEXT   NOT NULL,
    created_at   BIGINT NOT NULL
);
CREATE INDEX account_by_service ON account (service, id);

-- Control of names, as it was shown.
CREATE TABLE validation (
    authorization_id TEXT   NOT NULL PRIMARY KEY,
    account          TEXT   NOT NULL,
    name             TEXT   NOT NULL,
    wildcard         BIGINT NOT NULL,
    kind             TEXT   NOT NULL,
    seen_at          TEXT   NOT NULL,
    at               BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL
);
CREATE INDEX validation_by_account ON validation (account, name, at);

-- Certificates we issued. A certificate is its bytes; (issuer, serial) names it too (RFC 5280, 4.1.2.2).
CREATE TABLE certificate (
    fingerprint BYTES  NOT NULL PRIMARY KEY,
    issuer      TEXT   NOT NULL,
    serial      BYTES  NOT NULL,
    spki        BYTES  NOT NULL,            -- hash of the public key
    names       TEXT   NOT NULL,
    not_before  BIGINT NOT NULL,
    not_after   BIGINT NOT NULL,
    profile     TEXT   NOT NULL,
    service     TEXT   NOT NULL,
    account     TEXT,
    order_id    TEXT,
    envelope    TEXT,
    change      TEXT   NOT NULL,
    der         BYTES  NOT NULL,
    issued_at   BIGINT NOT NULL,
    UNIQUE (issuer, serial)
);
CREATE INDEX certificate_by_serial ON certificate (serial);
CREATE INDEX certificate_by_issue ON certificate (issued_at, fingerprint);
CREATE INDEX certificate_by_end ON certificate (not_after, fingerprint);
CREATE INDEX certificate_by_start ON certificate (not_before);
CREATE INDEX certificate_by_service ON certificate (service, issued_at, fingerprint);
CREATE INDEX certificate_by_change ON certificate (change);

-- Each name of each certificate, its labels from the right, so that a suffix is a range.
CREATE TABLE certificate_name (
    reversed    TEXT  NOT NULL,             -- com.example.www, com.example.*
    fingerprint BYTES NOT NULL,
    PRIMARY KEY (reversed, fingerprint)
);

-- What is revoked. Once revoked it stays so.
CREATE TABLE revocation (
    issuer      TEXT   NOT NULL,
    serial      BYTES  NOT NULL,
    fingerprint BYTES,                      -- nothing where the certificate never reached us
    reason      TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    change      TEXT   NOT NULL,            -- the change that did it
    PRIMARY KEY (issuer, serial)
);

-- Standing approvals for orders of one service.
CREATE TABLE envelope (
    id         TEXT   NOT NULL PRIMARY KEY,
    change     TEXT   NOT NULL,
    service    TEXT   NOT NULL,
    names      TEXT   NOT NULL,
    issuer     TEXT   NOT NULL,
    profiles   TEXT   NOT NULL,
    account    TEXT,
    granted_at BIGINT NOT NULL,
    until      BIGINT NOT NULL,
    uses_max   BIGINT,
    uses       BIGINT NOT NULL,
    ended_at   BIGINT,
    ended_why  TEXT
);
CREATE INDEX envelope_by_service ON envelope (service, id);

-- Which estate was the active one since when; the last row is the one now.
CREATE TABLE estate (
    n      BIGINT NOT NULL PRIMARY KEY,     -- from 1, without gaps
    digest BYTES  NOT NULL,
    at     BIGINT NOT NULL,
    change TEXT   NOT NULL
);

-- Sign-ins; the hash of each secret is in session_secret.
CREATE TABLE session (
    id         TEXT   NOT NULL PRIMARY KEY,
    person     TEXT   NOT NULL,
    chain      TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended      BIGINT NOT NULL
);
CREATE INDEX session_by_person ON session (person, id);

-- API tokens; the hash of each secret is in token_secret.
CREATE TABLE token (
    id         TEXT   NOT NULL PRIMARY KEY,
    person     TEXT   NOT NULL,
    chain      TEXT   NOT NULL,
    scopes     TEXT   NOT NULL,
    purpose    TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX token_by_person ON token (person, id);

-- Published CRLs; their octets are evidence.
CREATE TABLE crl (
    issuer      TEXT   NOT NULL,
    number      BIGINT NOT NULL,
    digest      BYTES  NOT NULL,
    at          BIGINT NOT NULL,
    next_update BIGINT NOT NULL,
    PRIMARY KEY (issuer, number)
);
