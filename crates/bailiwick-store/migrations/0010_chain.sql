-- Everybody behind the sign-in with which a credential was made: nobody of them is independent of what
-- is asked for with it. Both columns follow from the ledger.
ALTER TABLE credential ADD COLUMN chain TEXT NOT NULL DEFAULT '[]';
ALTER TABLE account ADD COLUMN chain TEXT NOT NULL DEFAULT '[]';
