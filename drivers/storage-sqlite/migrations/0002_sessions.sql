-- Browsers that signed in, one row for each. The secret is in the browser alone, here is its SHA-256.
--
-- `token` is the id of the token that the session was made with. There is no reference to its row: a
-- session whose token is gone is over, which the reader finds out when it looks for the token.
CREATE TABLE session (
    row        INTEGER PRIMARY KEY,
    space      INTEGER NOT NULL REFERENCES space (id),
    id         TEXT NOT NULL,
    revision   INTEGER NOT NULL,
    token      TEXT NOT NULL,
    epoch      TEXT NOT NULL,
    hash       TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
);
CREATE UNIQUE INDEX session_by_id ON session (space, id);
