//! Codes of the vendor's side: keys, the register of licenses, and the license server.

crate::code::codes! {
    KEY_FILE_EXISTS = "key_file_exists", AlreadyExists, 409, exit 1,
        "there is a file already where the key was to be written",
        "A key is never overwritten: what was signed with it could not be renewed or revoked any more.",
        "Choose another name, or move the file away.";
    KEY_FILE_INVALID = "key_file_invalid", InvalidInput, 422, exit 1,
        "the file is not a key of this tool",
        "It was cut or edited, or holds something else.",
        "Give the file that `rtmx-licensed keygen` wrote; restore it from its backup if it was damaged.";
    PASSPHRASE_WRONG = "passphrase_wrong", Denied, 422, exit 1,
        "the passphrase does not open the key",
        "The passphrase is another one, or the name, usage or content of the key file was changed: the two cannot be told apart.",
        "Try again with the right passphrase, or with the file's backup.";
    PASSPHRASE_MISSING = "passphrase_missing", InvalidInput, 400, exit 2,
        "there is no passphrase for the key",
        "A passphrase is read from a file, from a variable, or from the terminal; a new one has at least 12 characters. It is never taken from the command line.",
        "Use `--passphrase-file FILE` or `--passphrase-env VARIABLE`, or run the command on a terminal.";
    KEYRING_INVALID = "keyring_invalid", InvalidInput, 422, exit 1,
        "the file of public keys cannot be read",
        "Each line has a usage, a name and a public key, as `rtmx-licensed keygen` prints it; comments begin with `#`.",
        "Correct the line that the message names.";
    LICENSE_UNKNOWN = "license_unknown", NotFound, 404, exit 1,
        "the register has no such license",
        "No license with this id was recorded here.",
        "Check the id. A license that was issued elsewhere is recorded with `POST /v1/licenses`.";
    LICENSE_ISSUED = "license_issued", AlreadyExists, 409, exit 1,
        "the register has a license with this id already",
        "Each token has an id and a number, and none is given out twice.",
        "Use `rtmx-licensed renew` for the next number of the same id, or choose another id.";
    INSTALLATION_UNKNOWN = "installation_unknown", NotFound, 404, exit 1,
        "the license has no such installation",
        "It was never activated, or was released.",
        "See `GET /v1/licenses/{id}` for those that there are.";
    REQUEST_OUTDATED = "request_outdated", Conflict, 409, exit 1,
        "the request is older than one that was answered before",
        "To be forgotten takes a request that is newer than all others of the installation, so that an old one cannot be sent again.",
        "Make a new request.";
    RATE_LIMITED = "rate_limited", Unavailable, 429, exit 1,
        "too many requests came from one place, or for one license",
        "Each peer address and each license has a number of requests that it may send in a minute.",
        "Wait as long as the header `Retry-After` says.";
    REGISTER_INVALID = "register_invalid", Corrupt, 500, exit 1,
        "a record of the register cannot be read",
        "It was written by a newer version, or by something else.",
        "Use the version that wrote it, or restore the register from its backup.";
}
