-- Browsers that signed in, one row for each. The secret is in the browser alone, here is its SHA-256.
--
-- `token` is the id of the token that the session was made with. There is no reference to its row: a
-- session whose token is gone is over, which the reader finds out when it looks for the token.
CREATE TABLE session (
    space      bigint NOT NULL REFERENCES space (id),
    id         text COLLATE "C" NOT NULL,
    revision   bigint NOT NULL,
    token      text COLLATE "C" NOT NULL,
    epoch      text COLLATE "C" NOT NULL,
    hash       text COLLATE "C" NOT NULL,
    created_at text COLLATE "C" NOT NULL,
    expires_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (space, id)
);
COMMENT ON TABLE session IS 'Browsers that signed in; a session whose token is gone is over.';
