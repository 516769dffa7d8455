-- Extra copies that the terminal lacks. They stand outside the rotation: an hour may have several.
CREATE TABLE pending_extra (
    sequence INTEGER PRIMARY KEY,
    hour     INTEGER NOT NULL
) STRICT;
