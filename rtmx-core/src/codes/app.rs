//! Codes of application specs, releases and what is rendered of them.

crate::code::codes! {
    APP_INVALID = "app_invalid", InvalidConfig, 422, exit 2,
        "the application cannot be used as it is described",
        "There are faults of several kinds. All of them are listed, each with its code, file, line and key; nothing was rendered or changed.",
        "Correct the lines that are listed, and run `rtmxctl app check FILE`.";
    APP_SYNTAX = "app_syntax", InvalidConfig, 422, exit 2,
        "the file is not YAML",
        "It cannot be read past the line and column that are listed. A key that stands twice in one place is refused, too, because one of the two would have no effect.",
        "Correct the file at that line and column.";
    APP_UNKNOWN_KEY = "app_unknown_key", InvalidConfig, 422, exit 2,
        "the description has a key that there is not",
        "A misspelt key would have no effect, so it is refused. The nearest key that there is at that place is named.",
        "Correct the spelling to the key that is named, or remove the line.";
    APP_MISSING_KEY = "app_missing_key", InvalidConfig, 422, exit 2,
        "the description lacks a key that is needed",
        "What stands at the line that is listed is not complete without it.",
        "Add the key that is named; the published schema says what it means.";
    APP_INVALID_VALUE = "app_invalid_value", InvalidConfig, 422, exit 2,
        "the description has a value that is not possible there",
        "It is of another kind, out of range, or contradicts another value.",
        "Write what is wanted at the line that is listed.";
    APP_UNKNOWN_NAME = "app_unknown_name", InvalidConfig, 422, exit 2,
        "the description names something that it does not declare",
        "A component, volume, network, profile, size or other part is referred to and nowhere declared. The nearest name that is declared is named.",
        "Correct the name, or declare it.";
    APP_SECRET_UNKNOWN = "app_secret_unknown", InvalidConfig, 422, exit 2,
        "a secret is used or composed from that is not declared",
        "A component asks for it, or another secret is made of it, and nothing says where it comes from.",
        "Declare it under `secrets`, or correct the name.";
    APP_CYCLE = "app_cycle", InvalidConfig, 422, exit 2,
        "parts of the application wait for each other",
        "Each part of the circle that is listed waits for the next, so none could start, or none could be made.",
        "Remove one of the dependencies that are listed.";
    APP_PORT_CLASH = "app_port_clash", InvalidConfig, 422, exit 2,
        "two components are on one port",
        "Two parts would take the same port of the same machine, and the second one could not start.",
        "Give one of them another port.";
    APP_SIZE_MISFIT = "app_size_misfit", InvalidConfig, 422, exit 2,
        "a size does not fit its own parts",
        "The requests of all replicas, or the volumes, add up to more than the size has, or a limit lies below its request.",
        "Enlarge the size, or give its parts less.";
    LOCK_MISMATCH = "lock_mismatch", Incompatible, 409, exit 2,
        "the lock is of another application or version",
        "The digests in it belong to other images than the description names, and would pin the wrong ones.",
        "Make the lock of this version, or check out the one that belongs to it.";
    IMAGE_UNPINNED = "image_unpinned", InvalidConfig, 422, exit 5,
        "an image has no digest",
        "A tag can be moved to another image. Where it matters, only images whose digest stands in the lock are taken.",
        "Add the digest of the image to the application's lock.";
    RENDER_OCCUPIED = "render_occupied", Conflict, 409, exit 1,
        "a file that was not rendered stands where one would be",
        "Only files that an earlier rendering made, and that nobody edited since, are replaced. Those that are listed are not in its record, or differ from it.",
        "Move the files away, or render into another folder with `--to DIR`. Changes of your own belong into `compose.override.yml` and `.env`.";
    SECRET_MISSING = "secret_missing", InvalidConfig, 422, exit 1,
        "a secret that has to be given is not there",
        "The application does not work without it, and nobody but its operator has it.",
        "Put it into a file of the name that is listed, in the folder of given secrets.";
    SECRET_DIFFERS = "secret_differs", Conflict, 409, exit 1,
        "a secret was given that differs from the one in use",
        "The one in use was generated, and other parts were set up with it. It is never overwritten.",
        "Remove the given file, or change the secret where it is used first, and then remove the kept one.";
    SECRETS_RELOAD = "secrets_reload", Conflict, 409, exit 1,
        "secrets were made that are read before the containers start",
        "Some components take secrets as environment variables, and those were read before this program made them. They are made now.",
        "Run the same command again.";
}
