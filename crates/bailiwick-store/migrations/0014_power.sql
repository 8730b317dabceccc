-- Emergencies, execution that was delegated for them, delegations of zones as they were seen, and the
-- list of acts on keys, accounts, zones and registrations. All four follow from the ledger.

CREATE TABLE emergency (
    change       TEXT   NOT NULL PRIMARY KEY,
    service      TEXT   NOT NULL,
    accountable  TEXT   NOT NULL,
    delegated_by TEXT,
    until        BIGINT NOT NULL,
    reviewer     TEXT   NOT NULL,
    review_by    BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    reviewed_at  BIGINT,
    reviewed_by  TEXT,
    justified    BIGINT,
    note         TEXT
);
CREATE INDEX emergency_open ON emergency (review_by) WHERE reviewed_at IS NULL;

CREATE TABLE delegated_execution (
    service     TEXT   NOT NULL,
    person      TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    accountable TEXT   NOT NULL,
    until       BIGINT NOT NULL,
    reason      TEXT   NOT NULL,
    PRIMARY KEY (service, person, at)
);

-- What the parent of a zone and its registrar say: as it was seen first, and last.
CREATE TABLE delegation (
    zone       TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    first_seen TEXT   NOT NULL,             -- a list
    last_seen  TEXT   NOT NULL,             -- a list
    at         BIGINT NOT NULL,             -- since when it is so
    PRIMARY KEY (zone, kind)
);

CREATE TABLE act (
    idx   BIGINT NOT NULL PRIMARY KEY,      -- of its leaf
    class TEXT   NOT NULL,
    about TEXT   NOT NULL,
    what  TEXT   NOT NULL,
    actor TEXT   NOT NULL,
    at    BIGINT NOT NULL
);
CREATE INDEX act_by_about ON act (about, idx);
