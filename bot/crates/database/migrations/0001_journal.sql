-- {name} is TEXT in byte order, whatever the database's own collation is.
CREATE TABLE journal (
    position  BIGINT NOT NULL PRIMARY KEY,
    stream    {name} NOT NULL,
    seq       BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    actor     TEXT   NOT NULL,
    event     TEXT   NOT NULL,
    prev_hash TEXT   NOT NULL,
    hash      TEXT   NOT NULL,
    UNIQUE (stream, seq)
);

-- One row per stream: lists streams without reading their entries.
CREATE INDEX journal_first ON journal (stream) WHERE seq = 1;

-- Whoever updates this row writes next; it makes positions free of gaps and their order that of the commits.
CREATE TABLE journal_turn (
    id    BIGINT NOT NULL PRIMARY KEY,
    turns BIGINT NOT NULL
);

INSERT INTO journal_turn (id, turns) VALUES (1, 0);
