//! Codes of the config area.

crate::code::codes! {
    CONFIG_INVALID = "config_invalid", InvalidConfig, 500, exit 1,
        "the configuration cannot be used",
        "At least one setting has a value that it cannot have, or two settings contradict each other. All of them are listed, each with the place that it comes from; nothing was started or changed.",
        "Correct the values at the places that are listed.";
    CONFIG_SYNTAX = "config_syntax", InvalidConfig, 500, exit 1,
        "a configuration file is not TOML",
        "The file cannot be read past the line and column that are listed, so none of its settings is known.",
        "Correct the file at that line and column.";
    CONFIG_UNREADABLE = "config_unreadable", InvalidConfig, 500, exit 1,
        "a configuration file cannot be read",
        "A file that was named in a flag or a variable is missing, may not be read by this user, is not a regular file, is not UTF-8 text, or is larger than a configuration may be.",
        "Correct the path, or the file's owner and mode.";
    CONFIG_UNKNOWN_KEY = "config_unknown_key", InvalidConfig, 500, exit 1,
        "the configuration names a setting that this version does not know",
        "A strict check refuses unknown settings because a misspelt one has no effect. A server that starts only warns, so that an older version can start on the file of a newer one.",
        "Correct the spelling to the nearest setting that is named, or remove the line.";
}
