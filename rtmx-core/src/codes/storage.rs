//! Codes of storage: records, change sets, feeds, schema, files.

crate::code::codes! {
    RECORD_NOT_FOUND = "record_not_found", NotFound, 404, exit 1,
        "the record does not exist",
        "No record of this kind has this id in this project, or it was deleted.",
        "Check the id; deleted records are still in the project's history.";
    RECORD_EXISTS = "record_exists", AlreadyExists, 409, exit 1,
        "a record with this id exists already",
        "The change expected the id to be free.",
        "Choose another id, or edit the existing record.";
    STALE_REVISION = "stale_revision", Conflict, 412, exit 1,
        "the record was changed by somebody else in the meantime",
        "The change names the revision it was based on, and the record has moved on since. Nothing of the change was applied.",
        "Read the record again, merge, and send the change with the new revision.";
    HEAD_MOVED = "head_moved", Conflict, 409, exit 1,
        "the project was changed by somebody else in the meantime",
        "The change set was based on a head that is no longer the newest. Nothing of it was applied.",
        "Read the project's head again and repeat the change.";
    EPOCH_CHANGED = "epoch_changed", Conflict, 409, exit 1,
        "the data was restored from a backup since this was read",
        "A restore starts a new epoch, so revisions, ETags and cursors from before it mean nothing any more.",
        "Read again from the beginning.";
    CHANGE_SET_REUSED = "change_set_reused", Conflict, 409, exit 1,
        "the change set id was used before for a different change",
        "An id stands for one change for ever, so that a retry after a lost answer is safe.",
        "Send the change with a new id.";
    CHANGE_SET_INVALID = "change_set_invalid", InvalidInput, 422, exit 1,
        "the change set contradicts itself",
        "It touches one record twice, puts a body of the wrong kind, names an id that cannot be stored, or is empty.",
        "Correct the change set; nothing of it was applied.";
    CHANGE_SET_TOO_LARGE = "change_set_too_large", InvalidInput, 413, exit 1,
        "the change set is larger than one change may be",
        "One change set holds at most 250,000 records and 64 MiB.",
        "Split the import into several files.";
    QUERY_INVALID = "query_invalid", InvalidInput, 400, exit 2,
        "the query cannot be answered as it stands",
        "A filter or sort key is not one of the columns, or a limit is out of range.",
        "Use one of the column names that the message lists.";
    CURSOR_INVALID = "cursor_invalid", InvalidInput, 400, exit 2,
        "the cursor does not belong to this query",
        "A cursor continues exactly the query that returned it: same filters, search and sort.",
        "Start again without a cursor.";
    LEASE_HELD = "lease_held", Conflict, 409, exit 9,
        "another process holds the lease",
        "What must happen once is guarded by a lease with an owner and an expiry.",
        "Wait until it expires, or stop its holder.";
    DRIVER_UNKNOWN = "driver_unknown", InvalidConfig, 500, exit 1,
        "no driver has this name",
        "The name is not registered in this build.",
        "Use one of the drivers that the message lists.";
    DRIVER_ABSENT = "driver_absent", Unsupported, 501, exit 1,
        "the driver was left out of this build",
        "Drivers are cargo features, and this binary was built without the one that was asked for.",
        "Use a build that has the feature that the message names.";
    NOT_SUPPORTED = "not_supported", Unsupported, 501, exit 1,
        "this driver does not offer the operation",
        "The driver's capability says so.",
        "Use a driver that offers it; `rtmxctl driver list` will show which.";
    SCHEMA_BEHIND = "schema_behind", Incompatible, 503, exit 1,
        "the database schema is older than this server needs",
        "The migrations of this version were not run.",
        "Run `rtmx-server migrate`.";
    SCHEMA_AHEAD = "schema_ahead", Incompatible, 503, exit 1,
        "the database schema is newer than this version can use",
        "A newer version has migrated the database beyond what this one understands.",
        "Start the newer version again, or restore the backup taken before the upgrade.";
    SCHEMA_EDITED = "schema_edited", Corrupt, 503, exit 1,
        "an applied migration is not the one that this version contains",
        "The checksum recorded in the database differs, so the schema may not be what the code expects.",
        "Use the version that migrated this database.";
    MIGRATION_FAILED = "migration_failed", Internal, 500, exit 1,
        "a migration failed and was rolled back",
        "The database is as it was before the migration that the message names.",
        "Correct the cause that is named and run `rtmx-server migrate` again.";
    MIGRATION_LOCKED = "migration_locked", Unavailable, 503, exit 9,
        "another process is migrating the database",
        "Migrations are run by one process at a time.",
        "Wait for it to end; if none runs, the lock ends with its connection.";
    STORAGE_SETTINGS_INVALID = "storage_settings_invalid", InvalidConfig, 500, exit 2,
        "the settings of the storage driver do not fit",
        "A setting is missing, unknown or out of range, or the database URL is not one that the driver can open.",
        "Correct the setting that the message names, such as `database.url`.";
    STORAGE_UNAVAILABLE = "storage_unavailable", Unavailable, 503, exit 1,
        "the storage does not answer",
        "The database could not be reached, or is shutting down.",
        "See the cause; the server retries by itself.";
    STORAGE_DENIED = "storage_denied", Denied, 503, exit 1,
        "the database server refused the login, or the role may do too little",
        "The password, the role, the client certificate or the server's `pg_hba.conf` does not let this server in, or the role lacks a privilege on the database or its schema.",
        "Correct what the message names, in the settings or on the database server.";
    STORAGE_UNSUPPORTED = "storage_unsupported", Incompatible, 503, exit 1,
        "the database server is of a version that is not served",
        "The SQL that this version uses needs a newer database server.",
        "Upgrade the database server to the version that the message names, or use another one.";
    STORAGE_FULL = "storage_full", Unavailable, 507, exit 1,
        "the disk under the database is full",
        "The write was rolled back; reads go on.",
        "Free space on the disk that the message names; writing works again without a restart.";
    STORAGE_READ_ONLY = "storage_read_only", Denied, 503, exit 1,
        "the database cannot be written",
        "The file or its folder is read-only, or was replaced while it was open.",
        "Make the data folder writable for the server's user and restart the server.";
    STORAGE_FOREIGN = "storage_foreign", InvalidConfig, 503, exit 1,
        "the database is not one of RTMX",
        "It holds something else, and RTMX leaves files and tables of others alone.",
        "Set `database.url` to a new database, or to the right one.";
    STORAGE_CORRUPT = "storage_corrupt", Corrupt, 503, exit 1,
        "the database file is damaged",
        "The integrity check found pages that contradict each other.",
        "Keep the file, and restore the newest proven backup.";
    STORAGE_SYNC_FAILED = "storage_sync_failed", Corrupt, 503, exit 1,
        "the disk refused to make a write durable",
        "After a failed sync nobody knows what the disk holds, so the server does not write again until it has been restarted and the file checked.",
        "Check the disk's health, then restart the server; it checks the file at start.";
    STORAGE_LOCKED = "storage_locked", Unavailable, 503, exit 9,
        "another process has the database open for writing",
        "SQLite has one writer, and the lock file names the process that is it.",
        "Stop that process, or talk to it: `rtmxctl` does so through its admin socket.";
    STORAGE_NETWORK_FS = "storage_network_fs", InvalidConfig, 503, exit 5,
        "SQLite must not be kept on a network file system",
        "Locks on network file systems are unreliable, and a lost lock loses data.",
        "Put the data folder on a local disk, or use PostgreSQL.";
    STORAGE_HARD_LINK = "storage_hard_link", InvalidConfig, 503, exit 1,
        "the database file has a second name",
        "Two names for one file lead to two write-ahead logs, and to damage.",
        "Remove the hard link that the message names the count of.";
    STORAGE_BUSY = "storage_busy", Timeout, 503, exit 1,
        "the operation did not finish before its deadline",
        "The storage was busy for longer than the request may take; nothing was applied.",
        "Try again; if it stays so, look at the server's load.";
    DATA_GONE = "data_gone", Corrupt, 503, exit 1,
        "this installation had data, and the data is gone",
        "The marker in the data folder names an installation that the database does not hold. Starting would look like a fresh and empty installation.",
        "See that the section `database` names the right database, or restore it from a backup; to begin anew on purpose, remove the file `installation` from the data folder.";
    ARCHIVE_INVALID = "archive_invalid", Corrupt, 422, exit 7,
        "the archive is not whole",
        "It is cut short, changed, or of a format that this version does not read. Nothing was restored.",
        "Use another backup.";
    RESTORE_NOT_EMPTY = "restore_not_empty", Conflict, 409, exit 1,
        "a restore needs an empty database",
        "The database holds data already, and a restore would mix the two.",
        "Restore into a new database.";
    INTERNAL = "internal", Internal, 500, exit 1,
        "something went wrong that should not have",
        "This is a defect; the cause is in the server's log under the request id.",
        "Report it with the request id and the log lines around it.";
}
