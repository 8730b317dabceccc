-- Which credential of ours is in force at a server or a CA since when; the newest row of one counts.
-- One without a row is as it was first handed in or registered.
CREATE TABLE held_key (
    n             BIGINT NOT NULL PRIMARY KEY,
    kind          TEXT   NOT NULL,
    owner         TEXT   NOT NULL,
    before_name   TEXT   NOT NULL,
    before_digest BYTES  NOT NULL,
    name          TEXT   NOT NULL,
    digest        BYTES  NOT NULL,
    at            BIGINT NOT NULL,
    change        TEXT   NOT NULL
);
CREATE INDEX held_key_by_owner ON held_key (kind, owner, n);
