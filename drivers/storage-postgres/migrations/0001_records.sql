-- Records, their history, the feed, counts and search.
--
-- Every statement runs with the product's own schema first in `search_path`, and uses nothing that
-- PostgreSQL 12 lacks: no extension, no function of ours, no superuser. Text compares by its bytes
-- (`COLLATE "C"`), so that order is the same on every machine and as in the other engines. Times are
-- RFC 3339 text in UTC, because `timestamptz` would cut nanoseconds and a hash taken over the content
-- would change; `at::timestamptz` reads them. A column named `..._given` holds the text of the imported
-- file where it was not the canonical form of the value beside it.

CREATE TABLE meta (
    name  text COLLATE "C" PRIMARY KEY,
    value text COLLATE "C" NOT NULL
);
COMMENT ON TABLE meta IS 'Facts of the database as a whole: epoch, a random UUID that a restore replaces.';

CREATE TABLE space (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     text COLLATE "C" NOT NULL UNIQUE,
    revision bigint NOT NULL CHECK (revision >= 0)
);
COMMENT ON TABLE space IS 'Where records live: a project or the system. Its row is locked by every write.';
COMMENT ON COLUMN space.revision IS 'The number of the newest change set.';

CREATE TABLE change_set (
    id          uuid PRIMARY KEY,
    fingerprint text COLLATE "C" NOT NULL,
    space       bigint NOT NULL REFERENCES space (id),
    revision    bigint NOT NULL,
    actor       text COLLATE "C" NOT NULL,
    at          text COLLATE "C" NOT NULL,
    note        text COLLATE "C" NOT NULL,
    CONSTRAINT change_set_by_revision UNIQUE (space, revision)
);
COMMENT ON TABLE change_set IS 'Every change set that was applied.';
COMMENT ON COLUMN change_set.fingerprint IS 'SHA-256 of its content: tells a retry from a second use of the id.';
COMMENT ON COLUMN change_set.at IS 'RFC 3339, UTC, to the nanosecond, by the clock of the server that wrote.';

CREATE TABLE history (
    space    bigint NOT NULL REFERENCES space (id),
    revision bigint NOT NULL,
    ordinal  bigint NOT NULL,
    kind     text COLLATE "C" NOT NULL,
    id       text COLLATE "C" NOT NULL,
    body     json,
    PRIMARY KEY (space, revision, ordinal),
    CONSTRAINT history_by_record UNIQUE (space, kind, id, revision)
);
COMMENT ON TABLE history IS 'What every record was after each of its writes; also the change feed.';
COMMENT ON COLUMN history.body IS 'The whole record; null where it was deleted.';

CREATE TABLE tally (
    space    bigint NOT NULL REFERENCES space (id),
    status   smallint NOT NULL,
    phase    bigint NOT NULL,
    category text COLLATE "C" NOT NULL,
    priority smallint NOT NULL,
    count    bigint NOT NULL CHECK (count >= 0)
);
-- A category can be longer than an index entry.
CREATE UNIQUE INDEX tally_by_all ON tally (space, status, phase, priority, md5(category));
COMMENT ON TABLE tally IS 'How many requirements share these four; rows at zero are removed.';
COMMENT ON COLUMN tally.phase IS '-1 stands for none.';

CREATE TABLE lease (
    name       text COLLATE "C" PRIMARY KEY,
    holder     text COLLATE "C" NOT NULL,
    fence      bigint NOT NULL,
    expires_at text COLLATE "C" NOT NULL
);
COMMENT ON TABLE lease IS 'Who does what must happen once, and until when.';

CREATE TABLE requirement (
    space              bigint NOT NULL REFERENCES space (id),
    id                 text COLLATE "C" NOT NULL,
    revision           bigint NOT NULL,
    category           text COLLATE "C" NOT NULL,
    category_folded    text COLLATE "C" NOT NULL,
    subcategory        text COLLATE "C" NOT NULL,
    subcategory_folded text COLLATE "C" NOT NULL,
    status             smallint NOT NULL CHECK (status BETWEEN 0 AND 3),
    status_given       text COLLATE "C",
    priority           smallint NOT NULL CHECK (priority BETWEEN 0 AND 3),
    priority_given     text COLLATE "C",
    phase              bigint CHECK (phase >= 0),
    phase_given        text COLLATE "C",
    effort_weeks       double precision,
    effort_weeks_given text COLLATE "C",
    assignee           text COLLATE "C" NOT NULL,
    assignee_folded    text COLLATE "C" NOT NULL,
    sprint             text COLLATE "C" NOT NULL,
    sprint_folded      text COLLATE "C" NOT NULL,
    started_date       text COLLATE "C" NOT NULL,
    completed_date     text COLLATE "C" NOT NULL,
    requirement_text   text COLLATE "C" NOT NULL,
    target_value       text COLLATE "C" NOT NULL,
    test_module        text COLLATE "C" NOT NULL,
    test_function      text COLLATE "C" NOT NULL,
    validation_method  text COLLATE "C" NOT NULL,
    notes              text COLLATE "C" NOT NULL,
    dependencies       text[] COLLATE "C" NOT NULL,
    dependencies_given text COLLATE "C",
    blocks             text[] COLLATE "C" NOT NULL,
    blocks_given       text COLLATE "C",
    requirement_file   text COLLATE "C" NOT NULL,
    external_id        text COLLATE "C" NOT NULL,
    extra              json,
    placement_rank     bigint,
    placement_raw      text COLLATE "C",
    placement_surplus  json,
    dependency_keys    text[] COLLATE "C" NOT NULL,
    search             tsvector NOT NULL,
    PRIMARY KEY (space, id)
);
COMMENT ON TABLE requirement IS 'The matrix.';
COMMENT ON COLUMN requirement.revision IS 'The revision of its space at its last write.';
COMMENT ON COLUMN requirement.status IS '0 COMPLETE, 1 PARTIAL, 2 MISSING, 3 NOT_STARTED.';
COMMENT ON COLUMN requirement.priority IS '0 P0, 1 HIGH, 2 MEDIUM, 3 LOW.';
COMMENT ON COLUMN requirement.category_folded IS 'Trimmed and in lower case by Unicode, as filters compare it.';
COMMENT ON COLUMN requirement.extra IS 'Columns of the imported file beyond these, by name.';
COMMENT ON COLUMN requirement.placement_rank IS 'The place in the exported file.';
COMMENT ON COLUMN requirement.placement_raw IS 'The row of the imported file where export would write it differently.';
COMMENT ON COLUMN requirement.dependency_keys IS 'The dependencies that can be ids, those of at most 512 bytes.';
COMMENT ON COLUMN requirement.search IS 'The terms it is found by, which the product makes; the first names the space.';
-- Each gives the order of a filtered page. A text can be longer than an index entry, and its beginning
-- is enough to find by.
CREATE INDEX requirement_by_category ON requirement (space, left(category_folded, 256), id);
CREATE INDEX requirement_by_status ON requirement (space, status, id);
CREATE INDEX requirement_by_urgency ON requirement (space, status, priority, id);
CREATE INDEX requirement_by_priority ON requirement (space, priority, id);
-- A missing phase sorts after every real one; the number is the largest that JSON carries exactly.
CREATE INDEX requirement_by_phase ON requirement (space, coalesce(phase, 9007199254740991), id);
CREATE INDEX requirement_by_dependency ON requirement USING gin (dependency_keys);
CREATE INDEX requirement_by_term ON requirement USING gin (search);

CREATE TABLE requirement_text (
    space    bigint NOT NULL REFERENCES space (id),
    id       text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    markdown text COLLATE "C" NOT NULL,
    PRIMARY KEY (space, id)
);
COMMENT ON TABLE requirement_text IS 'The document of a requirement.';

CREATE TABLE test_link (
    space             bigint NOT NULL REFERENCES space (id),
    id                text COLLATE "C" NOT NULL,
    revision          bigint NOT NULL,
    req_id            text COLLATE "C" NOT NULL,
    test_module       text COLLATE "C" NOT NULL,
    test_function     text COLLATE "C" NOT NULL,
    validation_method text COLLATE "C" NOT NULL,
    extra             json,
    PRIMARY KEY (space, id)
);
COMMENT ON TABLE test_link IS 'One test that proves a requirement.';

CREATE TABLE baseline (
    space       bigint NOT NULL REFERENCES space (id),
    id          text COLLATE "C" NOT NULL,
    revision    bigint NOT NULL,
    at_revision bigint NOT NULL,
    note        text COLLATE "C" NOT NULL,
    actor       text COLLATE "C" NOT NULL,
    created_at  text COLLATE "C" NOT NULL,
    PRIMARY KEY (space, id)
);
COMMENT ON TABLE baseline IS 'A named revision.';

CREATE TABLE layout (
    space    bigint NOT NULL REFERENCES space (id),
    id       text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    bom      boolean NOT NULL,
    crlf     boolean NOT NULL,
    header   text COLLATE "C" NOT NULL,
    columns  json NOT NULL,
    trailer  text COLLATE "C" NOT NULL,
    PRIMARY KEY (space, id)
);
COMMENT ON TABLE layout IS 'How the imported file was laid out, so that export gives it back.';

CREATE TABLE project (
    space      bigint NOT NULL REFERENCES space (id),
    id         text COLLATE "C" NOT NULL,
    revision   bigint NOT NULL,
    name       text COLLATE "C" NOT NULL,
    created_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (space, id)
);
COMMENT ON TABLE project IS 'A matrix of its own, with its own space.';

CREATE TABLE token (
    space      bigint NOT NULL REFERENCES space (id),
    id         text COLLATE "C" NOT NULL,
    revision   bigint NOT NULL,
    name       text COLLATE "C" NOT NULL,
    role       text COLLATE "C" NOT NULL,
    project    text COLLATE "C",
    hash       text COLLATE "C" NOT NULL,
    created_at text COLLATE "C" NOT NULL,
    expires_at text COLLATE "C",
    revoked_at text COLLATE "C",
    PRIMARY KEY (space, id)
);
COMMENT ON TABLE token IS 'Access tokens; the secret itself is nowhere, here is its SHA-256.';

CREATE TABLE setting (
    space    bigint NOT NULL REFERENCES space (id),
    id       text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    value    json NOT NULL,
    PRIMARY KEY (space, id)
);
COMMENT ON TABLE setting IS 'A named value.';
