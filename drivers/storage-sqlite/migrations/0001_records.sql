-- Records, their history, the feed, counts and search.
--
-- Nothing here is newer than SQLite 3.35, and nothing needs a function that a plain sqlite3 lacks.
-- Text is UTF-8 and compares by its bytes. Times are RFC 3339 text. Sets of ids, extra columns and
-- history bodies are JSON text. A column named `..._given` holds the text of the imported file where
-- it was not the canonical form of the value beside it.

-- Facts of the database as a whole: `epoch`, a random UUID that a restore replaces.
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Where records live, each with the number of its newest change set.
CREATE TABLE space (
    id       INTEGER PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,
    revision INTEGER NOT NULL CHECK (revision >= 0)
);

-- Every change set that was applied. `id` is its UUID, `fingerprint` the SHA-256 of its content.
CREATE TABLE change_set (
    id          TEXT NOT NULL PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    space       INTEGER NOT NULL REFERENCES space (id),
    revision    INTEGER NOT NULL,
    actor       TEXT NOT NULL,
    at          TEXT NOT NULL,
    note        TEXT NOT NULL,
    UNIQUE (space, revision)
) WITHOUT ROWID;

-- What every record was after each of its writes; a deletion has no body. Also the change feed.
CREATE TABLE history (
    row      INTEGER PRIMARY KEY,
    space    INTEGER NOT NULL REFERENCES space (id),
    revision INTEGER NOT NULL,
    ordinal  INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    id       TEXT NOT NULL,
    body     TEXT
);
CREATE UNIQUE INDEX history_by_place ON history (space, revision, ordinal);
CREATE UNIQUE INDEX history_by_record ON history (space, kind, id, revision);

-- How many requirements share these four; rows at zero are removed. Phase -1 stands for none.
CREATE TABLE tally (
    space    INTEGER NOT NULL REFERENCES space (id),
    status   INTEGER NOT NULL,
    phase    INTEGER NOT NULL,
    category TEXT NOT NULL,
    priority INTEGER NOT NULL,
    count    INTEGER NOT NULL CHECK (count >= 0),
    PRIMARY KEY (space, status, phase, category, priority)
) WITHOUT ROWID;

CREATE TABLE lease (
    name       TEXT NOT NULL PRIMARY KEY,
    holder     TEXT NOT NULL,
    fence      INTEGER NOT NULL,
    expires_at TEXT NOT NULL
) WITHOUT ROWID;

-- The matrix. Status: 0 COMPLETE, 1 PARTIAL, 2 MISSING, 3 NOT_STARTED. Priority: 0 P0, 1 HIGH,
-- 2 MEDIUM, 3 LOW. A column named `..._folded` is the trimmed lower case that filters compare.
CREATE TABLE requirement (
    row                INTEGER PRIMARY KEY,
    space              INTEGER NOT NULL REFERENCES space (id),
    id                 TEXT NOT NULL,
    revision           INTEGER NOT NULL,
    category           TEXT NOT NULL,
    category_folded    TEXT NOT NULL,
    subcategory        TEXT NOT NULL,
    subcategory_folded TEXT NOT NULL,
    status             INTEGER NOT NULL CHECK (status BETWEEN 0 AND 3),
    status_given       TEXT,
    priority           INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
    priority_given     TEXT,
    phase              INTEGER,
    phase_given        TEXT,
    effort_weeks       REAL,
    effort_weeks_given TEXT,
    assignee           TEXT NOT NULL,
    assignee_folded    TEXT NOT NULL,
    sprint             TEXT NOT NULL,
    sprint_folded      TEXT NOT NULL,
    started_date       TEXT NOT NULL,
    completed_date     TEXT NOT NULL,
    requirement_text   TEXT NOT NULL,
    target_value       TEXT NOT NULL,
    test_module        TEXT NOT NULL,
    test_function      TEXT NOT NULL,
    validation_method  TEXT NOT NULL,
    notes              TEXT NOT NULL,
    dependencies       TEXT NOT NULL,
    dependencies_given TEXT,
    blocks             TEXT NOT NULL,
    blocks_given       TEXT,
    requirement_file   TEXT NOT NULL,
    external_id        TEXT NOT NULL,
    extra              TEXT,
    placement_rank     INTEGER,
    placement_raw      TEXT,
    placement_surplus  TEXT
);
CREATE UNIQUE INDEX requirement_by_id ON requirement (space, id);
-- Each holds what the others find by, so that filters together are answered from one of them alone.
CREATE INDEX requirement_by_category
    ON requirement (space, category_folded, id, category, status, priority, phase);
CREATE INDEX requirement_by_status
    ON requirement (space, status, id, category_folded, priority, phase);
CREATE INDEX requirement_by_priority
    ON requirement (space, priority, id, category_folded, status, phase);
-- A missing phase sorts after every real one; the number is the largest that JSON carries exactly.
CREATE INDEX requirement_by_phase
    ON requirement (space, ifnull(phase, 9007199254740991), id, category_folded, status, priority, phase);

-- The search terms of each requirement, as they were indexed: taking a row out of the index needs
-- exactly the terms that went in. The first term names the space.
CREATE TABLE requirement_terms (
    row   INTEGER PRIMARY KEY,
    terms TEXT NOT NULL
);
CREATE VIRTUAL TABLE requirement_search USING fts5 (
    terms,
    content = 'requirement_terms',
    content_rowid = 'row',
    detail = 'none',
    columnsize = 0,
    tokenize = "ascii tokenchars '-_./@'"
);

CREATE TABLE requirement_text (
    row      INTEGER PRIMARY KEY,
    space    INTEGER NOT NULL REFERENCES space (id),
    id       TEXT NOT NULL,
    revision INTEGER NOT NULL,
    markdown TEXT NOT NULL
);
CREATE UNIQUE INDEX requirement_text_by_id ON requirement_text (space, id);

CREATE TABLE test_link (
    row               INTEGER PRIMARY KEY,
    space             INTEGER NOT NULL REFERENCES space (id),
    id                TEXT NOT NULL,
    revision          INTEGER NOT NULL,
    req_id            TEXT NOT NULL,
    test_module       TEXT NOT NULL,
    test_function     TEXT NOT NULL,
    validation_method TEXT NOT NULL,
    extra             TEXT
);
CREATE UNIQUE INDEX test_link_by_id ON test_link (space, id);

CREATE TABLE baseline (
    row         INTEGER PRIMARY KEY,
    space       INTEGER NOT NULL REFERENCES space (id),
    id          TEXT NOT NULL,
    revision    INTEGER NOT NULL,
    at_revision INTEGER NOT NULL,
    note        TEXT NOT NULL,
    actor       TEXT NOT NULL,
    created_at  TEXT NOT NULL
);
CREATE UNIQUE INDEX baseline_by_id ON baseline (space, id);

CREATE TABLE layout (
    row      INTEGER PRIMARY KEY,
    space    INTEGER NOT NULL REFERENCES space (id),
    id       TEXT NOT NULL,
    revision INTEGER NOT NULL,
    bom      INTEGER NOT NULL,
    crlf     INTEGER NOT NULL,
    header   TEXT NOT NULL,
    columns  TEXT NOT NULL,
    trailer  TEXT NOT NULL
);
CREATE UNIQUE INDEX layout_by_id ON layout (space, id);

CREATE TABLE project (
    row        INTEGER PRIMARY KEY,
    space      INTEGER NOT NULL REFERENCES space (id),
    id         TEXT NOT NULL,
    revision   INTEGER NOT NULL,
    name       TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE UNIQUE INDEX project_by_id ON project (space, id);

CREATE TABLE token (
    row        INTEGER PRIMARY KEY,
    space      INTEGER NOT NULL REFERENCES space (id),
    id         TEXT NOT NULL,
    revision   INTEGER NOT NULL,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL,
    project    TEXT,
    hash       TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    revoked_at TEXT
);
CREATE UNIQUE INDEX token_by_id ON token (space, id);

CREATE TABLE setting (
    row      INTEGER PRIMARY KEY,
    space    INTEGER NOT NULL REFERENCES space (id),
    id       TEXT NOT NULL,
    revision INTEGER NOT NULL,
    value    TEXT NOT NULL
);
CREATE UNIQUE INDEX setting_by_id ON setting (space, id);
