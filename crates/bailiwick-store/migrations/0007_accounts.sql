-- What an account and a credential went through. Both tables follow from the ledger.

-- The terms of service that the holder of an account agreed to last.
CREATE TABLE account_terms (
    account TEXT   NOT NULL PRIMARY KEY,
    terms   TEXT   NOT NULL,
    at      BIGINT NOT NULL
);

-- Which credential took the place of which, and until when the one before could still register.
CREATE TABLE credential_rotation (
    credential TEXT   NOT NULL PRIMARY KEY,
    successor  TEXT   NOT NULL,
    until      BIGINT NOT NULL,
    at         BIGINT NOT NULL
);

-- What an account got.
CREATE INDEX certificate_by_account ON certificate (account, issued_at) WHERE account IS NOT NULL;
