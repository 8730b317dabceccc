-- How far the orders at CAs behind ACME got, as far as a CA alone cannot be trusted to say so later.
-- Working state; gone once the change is over. A certificate is too long for a key: its digest is in it.
CREATE TABLE order_mark (
    change TEXT   NOT NULL,
    kind   TEXT   NOT NULL,
    digest BYTES  NOT NULL,
    value  BYTES  NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (change, kind, digest)
);
