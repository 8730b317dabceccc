-- What is attested about the workloads that hold credentials; it follows from the ledger.
CREATE TABLE attestation (
    credential  TEXT   NOT NULL PRIMARY KEY,
    attestor    TEXT   NOT NULL,
    subject     TEXT   NOT NULL,
    -- Each as name=value.
    claims      TEXT   NOT NULL,
    token       BYTES  NOT NULL UNIQUE,
    verified_at BIGINT NOT NULL,
    until       BIGINT NOT NULL
);
