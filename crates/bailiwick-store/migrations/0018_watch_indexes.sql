-- Indexes for what is asked at every look, round and page about a few rows among many: those that stand,
-- those that are open, those of one zone. The many others are in none of them.
CREATE INDEX observation_current ON observation (zone, owner, asked, vantage) WHERE until IS NULL;
CREATE INDEX finding_now ON finding (due, id) WHERE closed_at IS NULL;
CREATE INDEX incident_open ON incident (zone, opened_at, id) WHERE reviewed_at IS NULL;
CREATE INDEX canary_by_zone ON canary (zone);
CREATE INDEX envelope_open ON envelope (until, id) WHERE ended_at IS NULL;
CREATE INDEX upstream_order_by_url ON upstream_order (url);
CREATE INDEX revocation_by_time ON revocation (issuer, at);

-- Changes that write records: those that begin with it, and those that issue a certificate for no account.
CREATE INDEX change_by_kind ON change (kind, updated_at, id) WHERE kind <> 'issue-certificate';
CREATE INDEX certificate_for_a_change ON certificate (issued_at, fingerprint) WHERE account IS NULL;

-- Who made accounts that are valid (few people made many), and of which of them somebody stands behind the maker.
CREATE INDEX account_valid ON account (service, made_by) WHERE status = 'valid';
CREATE INDEX account_vouched ON account (service) WHERE status = 'valid' AND chain <> '[]';
