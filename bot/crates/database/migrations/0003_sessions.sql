-- Who is signed in. Only hashes of secrets are kept; unlike the journal, rows come and go.
CREATE TABLE sessions (
    hash     {name} NOT NULL PRIMARY KEY,
    identity {name} NOT NULL,
    begun    BIGINT NOT NULL,
    seen     BIGINT NOT NULL
);

CREATE INDEX sessions_identity ON sessions (identity);

-- Links that sign somebody in once.
CREATE TABLE sign_in_links (
    hash     {name} NOT NULL PRIMARY KEY,
    identity {name} NOT NULL,
    until    BIGINT NOT NULL
);
