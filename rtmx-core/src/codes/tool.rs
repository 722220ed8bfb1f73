//! Codes of the tool area.

crate::code::codes! {
    USAGE = "usage", InvalidInput, 400, exit 2,
        "the command line cannot be understood",
        "A command, an option or a value is missing, unknown or contradicts another.",
        "See `rtmxctl help` or `rtmxctl help COMMAND`.";
    INSTALLATION_NOT_FOUND = "installation_not_found", NotFound, 404, exit 1,
        "there is no installation of this name",
        "Installations are looked for under `--home` or `RTMX_HOME`, or else in `/var/lib/rtmx` and in the user's own folder, also in that of the user who called `sudo`.",
        "Make one with `rtmxctl deploy`, or say where it is with `--home DIR` and `--name NAME`.";
    INSTALLATION_AMBIGUOUS = "installation_ambiguous", Conflict, 409, exit 1,
        "there are several installations of this name",
        "The same name is used in the machine's home and in a user's, and the tool does not guess.",
        "Say which one is meant with `--home DIR`.";
    CONFIRMATION_NEEDED = "confirmation_needed", InvalidInput, 400, exit 2,
        "the command destroys data and was not confirmed",
        "What cannot be brought back needs the installation's name typed out; `--yes` is not enough.",
        "Add `--confirm NAME` with the name of the installation.";
    CODE_UNKNOWN = "code_unknown", NotFound, 404, exit 1,
        "there is no error code of this name",
        "Codes are words such as `port_in_use`, as errors show them in brackets.",
        "See all codes with `rtmxctl explain`.";
    FILE_UNREADABLE = "file_unreadable", InvalidInput, 400, exit 1,
        "a file that was named cannot be read",
        "The file is missing, or this user may not read it, or it is not text where text is needed.",
        "Check the path; the cause says what the system refused.";
    FILE_UNWRITABLE = "file_unwritable", Unavailable, 503, exit 1,
        "the output cannot be written",
        "The disk is full, the folder is missing, or this user may not write there.",
        "Correct the cause, or write somewhere else.";
    CONTENT_DIFFERS = "content_differs", Corrupt, 500, exit 7,
        "what was written is not what was read",
        "After a restore or a transfer the content of the target is hashed and compared with the archive. The two differ.",
        "Do not use the target. Keep the archive and report it with both hashes.";
    PLAN_INVALID = "plan_invalid", InvalidInput, 422, exit 1,
        "the file is not a plan for this installation",
        "A plan is written by `rtmxctl plan --out FILE`, for one installation on one target.",
        "Make a new plan with `rtmxctl plan --out FILE`.";
    ASSIGNMENT_INVALID = "assignment_invalid", InvalidInput, 400, exit 2,
        "a setting cannot be read as it was given",
        "`--set` takes `key=value`, `--set-file` takes `key=FILE`, `--set-env` takes `key=VARIABLE`, and the file or variable must hold text.",
        "Write it as the message says; `rtmxctl help environment` has examples.";
}
