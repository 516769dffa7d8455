-- Alerts that are still to be sent, each by one way out of the shop. `message` is the whole.
CREATE TABLE alert (
    number  INTEGER PRIMARY KEY,
    at      TEXT    NOT NULL,
    channel TEXT    NOT NULL,
    tries   INTEGER NOT NULL,
    message TEXT    NOT NULL
) STRICT;

-- What people were told of, and what is awaited before they are: so that nothing is told twice, nor again after a restart.
CREATE TABLE told (
    topic TEXT PRIMARY KEY,
    since TEXT,
    at    TEXT,
    open  INTEGER NOT NULL
) STRICT;
