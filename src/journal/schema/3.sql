-- What the last deep check found at each place. `bytes` and `modified` tell whether the file is still the one that was read.
CREATE TABLE checked (
    side     TEXT NOT NULL,
    file     TEXT NOT NULL,
    at       TEXT NOT NULL,
    bytes    INTEGER NOT NULL,
    modified TEXT NOT NULL,
    problem  TEXT,
    PRIMARY KEY (side, file)
) STRICT;
