-- What was issued under an envelope, and when last. Most certificates need none and cost nothing here.
CREATE INDEX certificate_by_envelope ON certificate (envelope, issued_at) WHERE envelope IS NOT NULL;
