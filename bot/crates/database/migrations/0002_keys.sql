-- Keys of people and streams, each wrapped by a master key that is not in the database. Deleting a row erases what it sealed.
CREATE TABLE journal_keys (
    id      TEXT   NOT NULL PRIMARY KEY,
    subject TEXT   NOT NULL UNIQUE,
    master  TEXT   NOT NULL,
    wrapped TEXT   NOT NULL,
    created BIGINT NOT NULL
);
