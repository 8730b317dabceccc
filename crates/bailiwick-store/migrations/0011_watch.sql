-- What was seen and who answers for it. All but the last table follow from the ledger.

-- What one server said about one name from one moment to another; the leaf that says so is the key.
CREATE TABLE observation (
    idx     BIGINT NOT NULL PRIMARY KEY,
    zone    TEXT   NOT NULL,
    owner   TEXT   NOT NULL,
    asked   TEXT   NOT NULL,
    vantage TEXT   NOT NULL,
    seen    TEXT   NOT NULL,
    since   BIGINT NOT NULL,
    until   BIGINT
);
CREATE INDEX observation_by_name ON observation (owner, asked, vantage, since);
CREATE INDEX observation_now ON observation (zone, until);

CREATE TABLE finding (
    id          TEXT   NOT NULL PRIMARY KEY,
    idx         BIGINT NOT NULL,
    kind        TEXT   NOT NULL,
    zone        TEXT   NOT NULL,
    subject     TEXT   NOT NULL,
    vantage     TEXT,
    team        TEXT   NOT NULL,
    assignee    TEXT   NOT NULL,
    next        TEXT,
    due         BIGINT NOT NULL,
    says        TEXT   NOT NULL,
    remedy      TEXT   NOT NULL,
    diff        TEXT   NOT NULL,
    evidence    TEXT   NOT NULL,
    opened_at   BIGINT NOT NULL,
    handed_on   BIGINT NOT NULL,
    closed_at   BIGINT,
    closed_by   TEXT,
    note        TEXT
);
CREATE INDEX finding_open ON finding (zone, closed_at);
CREATE INDEX finding_recent ON finding (opened_at);

-- How each point of the control stands: zone, issuer, point.
CREATE TABLE control_point (
    zone      TEXT   NOT NULL,
    issuer    TEXT   NOT NULL,
    point     TEXT   NOT NULL,
    idx       BIGINT NOT NULL,
    stands    TEXT   NOT NULL,
    says      TEXT   NOT NULL,
    evidence  TEXT   NOT NULL,
    judged_at BIGINT NOT NULL,
    PRIMARY KEY (zone, issuer, point)
);

-- The newest canary of each sense.
CREATE TABLE canary (
    issuer      TEXT   NOT NULL,
    zone        TEXT   NOT NULL,
    permitted   BIGINT NOT NULL,
    idx         BIGINT NOT NULL,
    name        TEXT   NOT NULL,
    stands      TEXT   NOT NULL,
    says        TEXT   NOT NULL,
    certificate BYTES,
    revoked     BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (issuer, zone, permitted)
);

CREATE TABLE incident (
    id                   TEXT   NOT NULL PRIMARY KEY,
    idx                  BIGINT NOT NULL,
    zone                 TEXT   NOT NULL,
    subject              TEXT   NOT NULL,
    says                 TEXT   NOT NULL,
    source               TEXT   NOT NULL,
    record               TEXT   NOT NULL,
    enforcement          TEXT   NOT NULL,
    owner                TEXT   NOT NULL,
    due                  BIGINT NOT NULL,
    evidence             TEXT   NOT NULL,
    opened_at            BIGINT NOT NULL,
    record_answered      BIGINT,
    record_says          TEXT,
    enforcement_answered BIGINT,
    enforcement_says     TEXT,
    reviewed_at          BIGINT,
    conclusion           TEXT
);

-- Working state: when each zone was last looked at.
CREATE TABLE watch_look (
    zone TEXT   NOT NULL PRIMARY KEY,
    at   BIGINT NOT NULL
);
