-- CAs behind ACME. The first three tables follow from the ledger, the last two are working state.

-- Our account at each of them; one that ended stays, so that nobody takes its key for another's.
CREATE TABLE upstream_account (
    issuer TEXT   NOT NULL PRIMARY KEY,
    uri    TEXT   NOT NULL,
    spki   BYTES  NOT NULL,
    change TEXT   NOT NULL,
    at     BIGINT NOT NULL,
    ended  BIGINT NOT NULL
);

-- The order that a change placed there. One for each change: a second is refused.
CREATE TABLE upstream_order (
    change TEXT   NOT NULL PRIMARY KEY,
    issuer TEXT   NOT NULL,
    url    TEXT   NOT NULL,
    at     BIGINT NOT NULL
);

-- What is served behind a certificate; its octets are evidence under the digest.
CREATE TABLE certificate_chain (
    fingerprint BYTES NOT NULL PRIMARY KEY,
    digest      BYTES NOT NULL
);

-- Secrets of the house: keys of accounts at CAs, of their bindings, of the ways into zones.
CREATE TABLE sealed_secret (
    purpose TEXT  NOT NULL,
    name    TEXT  NOT NULL,
    sealed  BYTES NOT NULL,
    PRIMARY KEY (purpose, name)
);

-- Records that we wrote, or are about to write, into somebody's zone and have to take away again.
CREATE TABLE placed_record (
    change TEXT NOT NULL,
    owner  TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (change, owner, value)
);
