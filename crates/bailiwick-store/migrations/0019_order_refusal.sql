-- Orders that were turned away: each counts, and says which change was opened for it. No part of the ledger, which
-- has the refusals as leaves.
CREATE TABLE order_refusal (
    decision TEXT   NOT NULL PRIMARY KEY,   -- its id tells the time, as the ids of authorizations do
    account  TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    wanted   BYTES  NOT NULL,               -- hash of names, issuer and profile
    change   TEXT                           -- where one was opened for it
);
CREATE INDEX order_refusal_by_account ON order_refusal (account, decision);
CREATE INDEX order_refusal_opened ON order_refusal (account, wanted) WHERE change IS NOT NULL;
