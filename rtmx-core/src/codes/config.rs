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
    VAULT_UNAVAILABLE = "vault_unavailable", Unavailable, 503, exit 1,
        "the Vault gave no answer that settings can be taken from",
        "The server of `vault.address` could not be reached in the time of `vault.timeout`, or answered something else than was asked for. A server that runs keeps the values that it has.",
        "Check `vault.address`, `vault.ca_file` and the way there; the cause says how far the question came.";
    VAULT_SEALED = "vault_sealed", Unavailable, 503, exit 1,
        "the Vault is sealed",
        "It runs, and gives out nothing until its operators have unsealed it.",
        "Have it unsealed, and start again.";
    VAULT_LOGIN_REFUSED = "vault_login_refused", Denied, 500, exit 1,
        "the Vault refused the login",
        "The role, the secret id or the service account is not one that it lets in, or the login is mounted elsewhere.",
        "Check `vault.auth`, `vault.auth_mount`, `vault.role` and `vault.namespace`, and that the secret id or the service account is still good.";
    VAULT_DENIED = "vault_denied", Denied, 500, exit 1,
        "the Vault does not let this server read the secret",
        "The token is wrong, has ended or was revoked, or its policies do not include the secret. A mount that does not exist is refused in the same way.",
        "Give a token that is good, and a policy with `read` on `<mount>/data/<path>`; check `vault.mount`, `vault.paths` and `vault.namespace`.";
    VAULT_SECRET_MISSING = "vault_secret_missing", NotFound, 500, exit 1,
        "the secret is not in the Vault",
        "Nothing was ever written there, or its newest version is deleted.",
        "Check `vault.mount`, `vault.paths` (written without `data/`) and `vault.namespace`, or write the secret.";
    VAULT_MOUNT_UNFIT = "vault_mount_unfit", InvalidConfig, 500, exit 1,
        "the mount is no key-value engine of version 2",
        "Version 1 keeps no versions, so a change could not be noticed; other engines keep no settings.",
        "Let `vault.mount` name an engine of version 2, or upgrade this one: `vault kv enable-versioning <mount>`.";
}
