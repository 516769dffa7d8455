-- Every run and attempt. The columns are for looking things up and for people with an SQLite tool; `report` is the whole.
CREATE TABLE run (
    number      INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    sequence    INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,
    hour        INTEGER NOT NULL,
    started_at  TEXT    NOT NULL,
    finished_at TEXT,
    outcome     TEXT,
    problem     TEXT,
    database    TEXT    NOT NULL,
    bak_bytes   INTEGER NOT NULL,
    zip_bytes   INTEGER NOT NULL,
    bak_sha256  TEXT    NOT NULL,
    zip_sha256  TEXT    NOT NULL,
    report      TEXT    NOT NULL
) STRICT;
CREATE INDEX run_by_outcome ON run (outcome, number);

-- What happened besides.
CREATE TABLE event (
    number INTEGER PRIMARY KEY,
    at     TEXT NOT NULL,
    kind   TEXT NOT NULL,
    pt     TEXT NOT NULL,
    en     TEXT NOT NULL
) STRICT;

-- Backups that the terminal lacks.
CREATE TABLE pending (
    hour     INTEGER PRIMARY KEY,
    sequence INTEGER NOT NULL
) STRICT;

-- The highest sequence number that was given out.
CREATE TABLE sequence (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    last INTEGER NOT NULL
) STRICT;
