-- Which generation of an issuer issues since when; the newest row of an issuer counts. An issuer
-- without a row is in its first.
CREATE TABLE issuer_generation (
    n           BIGINT NOT NULL PRIMARY KEY,
    issuer      TEXT   NOT NULL,
    generation  BIGINT NOT NULL,
    certificate BYTES  NOT NULL,
    at          BIGINT NOT NULL,
    change      TEXT   NOT NULL
);
CREATE INDEX issuer_generation_by_issuer ON issuer_generation (issuer, n);
