-- Canaries of CAs behind ACME: one newest for each name that was agreed.
ALTER TABLE canary RENAME TO canary_before;
CREATE TABLE canary (
    issuer      TEXT   NOT NULL,
    zone        TEXT   NOT NULL,
    permitted   BIGINT NOT NULL,
    name        TEXT   NOT NULL,
    idx         BIGINT NOT NULL,
    stands      TEXT   NOT NULL,
    says        TEXT   NOT NULL,
    certificate BYTES,
    revoked     BIGINT NOT NULL,
    placed      TEXT,
    caa         BYTES,
    at          BIGINT NOT NULL,
    PRIMARY KEY (issuer, zone, permitted, name)
);
INSERT INTO canary (issuer, zone, permitted, name, idx, stands, says, certificate, revoked, at)
    SELECT issuer, zone, permitted, name, idx, stands, says, certificate, revoked, at FROM canary_before;
DROP TABLE canary_before;

-- Working state: canaries that were sent and not answered yet. Its marks and records stand under the run.
CREATE TABLE canary_flight (
    run    TEXT   NOT NULL PRIMARY KEY,
    issuer TEXT   NOT NULL,
    zone   TEXT   NOT NULL,
    name   TEXT   NOT NULL,
    sense  TEXT   NOT NULL,
    csr    BYTES  NOT NULL,
    spki   BYTES  NOT NULL,
    caa    BYTES  NOT NULL,
    at     BIGINT NOT NULL
);
