-- What every order writes, written less often: a row that repeats a leaf points to it, an index that
-- nobody asks is gone, and one that is asked about few rows holds those only.

-- Decisions. Facts and reasons stand in the leaf.
CREATE TABLE decision_lean (
    idx     BIGINT NOT NULL PRIMARY KEY,    -- the leaf that holds it whole
    id      TEXT   NOT NULL UNIQUE,
    at      BIGINT NOT NULL,
    action  TEXT   NOT NULL,
    allowed BIGINT NOT NULL,
    policy  BYTES  NOT NULL,
    rule    TEXT   NOT NULL,
    kept    TEXT                            -- digest of its facts, where they are evidence
);
INSERT INTO decision_lean (idx, id, at, action, allowed, policy, rule, kept)
    SELECT e.idx, d.id, d.at, d.action, d.allowed, d.policy, d.rule,
        CASE WHEN d.facts LIKE '{"v":1,"kept":"%' THEN SUBSTR(d.facts, 16, 64) END
    FROM entry AS e JOIN decision AS d ON d.id = DECIDED_IN(e.body)
    WHERE e.kind IN ('policy.decided', 'order.accepted', 'order.refused', 'workload.enrolled', 'workload.refused')
    ORDER BY e.idx;
DROP TABLE decision;
ALTER TABLE decision_lean RENAME TO decision;
CREATE INDEX decision_kept ON decision (idx) WHERE kept IS NOT NULL;

-- Changes. Nearly all are closed, and lists of those go by when they moved.
DROP INDEX change_by_state;
CREATE INDEX change_not_closed ON change (state, updated_at, id) WHERE state <> 'closed';

-- Certificates. One index finds a serial, whoever gave it, and keeps it unique; which ones a change
-- issued, its leaves say.
CREATE TABLE certificate_lean (
    fingerprint BYTES  NOT NULL PRIMARY KEY,
    issuer      TEXT   NOT NULL,
    serial      BYTES  NOT NULL,
    spki        BYTES  NOT NULL,
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
    UNIQUE (serial, issuer)
);
INSERT INTO certificate_lean (fingerprint, issuer, serial, spki, names, not_before, not_after,
        profile, service, account, order_id, envelope, change, der, issued_at)
    SELECT fingerprint, issuer, serial, spki, names, not_before, not_after,
        profile, service, account, order_id, envelope, change, der, issued_at
    FROM certificate ORDER BY issued_at, fingerprint;
DROP TABLE certificate;
ALTER TABLE certificate_lean RENAME TO certificate;
CREATE INDEX certificate_by_issue ON certificate (issued_at, fingerprint);
CREATE INDEX certificate_by_end ON certificate (not_after, fingerprint);
CREATE INDEX certificate_by_start ON certificate (not_before);
CREATE INDEX certificate_by_service ON certificate (service, issued_at, fingerprint);
CREATE INDEX certificate_by_envelope ON certificate (envelope, issued_at) WHERE envelope IS NOT NULL;
CREATE INDEX certificate_by_account ON certificate (account, issued_at) WHERE account IS NOT NULL;

-- Orders and authorizations.
DROP INDEX acme_order_by_status;
DROP INDEX acme_order_by_change;
DROP INDEX acme_authorization_by_name;
DROP INDEX acme_authorization_by_status;
DROP INDEX acme_authorization_by_account;
CREATE INDEX acme_authorization_valid ON acme_authorization (account, name, expires_at) WHERE status = 'valid';
CREATE INDEX acme_authorization_pending ON acme_authorization (id) WHERE status = 'pending';
CREATE INDEX acme_authorization_invalid ON acme_authorization (account, id) WHERE status = 'invalid';
