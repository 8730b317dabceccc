-- When an issuer was last used for something below a name, to the hour. It is asked for every zone at every look, and
-- the certificates of a zone are too many to be read for it. A name itself has no row: there would be as many as names.
CREATE TABLE issuer_use (
    reversed TEXT   NOT NULL,               -- com.example above com.example.www
    issuer   TEXT   NOT NULL,
    hour     BIGINT NOT NULL,               -- its first millisecond
    PRIMARY KEY (reversed, issuer)
);
INSERT INTO issuer_use (reversed, issuer, hour)
    WITH RECURSIVE above (reversed, issuer, hour) AS (
        SELECT rtrim(rtrim(n.reversed, replace(n.reversed, '.', '')), '.'), c.issuer,
            c.issued_at - c.issued_at % 3600000
        FROM certificate_name AS n JOIN certificate AS c ON c.fingerprint = n.fingerprint
        WHERE n.reversed LIKE '%.%'
        UNION
        SELECT rtrim(rtrim(reversed, replace(reversed, '.', '')), '.'), issuer, hour
        FROM above WHERE reversed LIKE '%.%'
    )
    SELECT reversed, issuer, MAX(hour) FROM above GROUP BY reversed, issuer;
