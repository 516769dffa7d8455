-- Every restore: who asked, from what, to what, and what came of it. `report` is the whole.
CREATE TABLE restore (
    number      INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    task        TEXT    NOT NULL,
    by_whom     TEXT    NOT NULL,
    started_at  TEXT    NOT NULL,
    finished_at TEXT,
    outcome     TEXT,
    problem     TEXT,
    source      TEXT,
    target      TEXT,
    rows        INTEGER NOT NULL,
    report      TEXT    NOT NULL
) STRICT;
