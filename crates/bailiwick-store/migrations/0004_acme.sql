-- What the rest of ACME remembers. The first two follow from the ledger.

-- Which order replaces which certificate (RFC 9773, 5).
CREATE TABLE replacement (
    order_id    TEXT   NOT NULL PRIMARY KEY,
    certificate BYTES  NOT NULL,
    at          BIGINT NOT NULL
);
CREATE INDEX replacement_by_certificate ON replacement (certificate);

-- Standing validation records as they were last seen (draft-ietf-acme-dns-persist).
CREATE TABLE standing_record (
    name       TEXT   NOT NULL,             -- the name it stands for
    account    TEXT   NOT NULL,
    service    TEXT   NOT NULL,
    issuer     TEXT   NOT NULL,
    wildcard   BIGINT NOT NULL,
    until      BIGINT,
    text       TEXT   NOT NULL,
    first_at   BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    gone_at    BIGINT,
    PRIMARY KEY (name, account)
);

-- Authorizations left processing by a killed server are found by their state.
CREATE INDEX acme_authorization_by_status ON acme_authorization (status, id);
-- How many an account failed lately is counted.
CREATE INDEX acme_authorization_by_account ON acme_authorization (account, status, id);
