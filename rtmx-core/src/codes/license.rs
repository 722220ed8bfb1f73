//! Codes of the license area: why a license, or what comes with one, is refused.

crate::code::codes! {
    LICENSE_EMPTY = "license_empty", InvalidInput, 422, exit 8,
        "there is no license in what was given",
        "The text is empty, or holds nothing but spaces or the prefix of a license.",
        "Give the whole license: the text that begins with `v4.public.`, the armoured file, or the JSON document.";
    LICENSE_MALFORMED = "license_malformed", InvalidInput, 422, exit 8,
        "what was given is not a license",
        "The text has not the form of a license document: it was cut, edited, wrapped, put in quotes or saved in another encoding.",
        "Take the file as the vendor sent it; copy it whole, without quotes.";
    LICENSE_TOO_LARGE = "license_too_large", InvalidInput, 413, exit 8,
        "what was given is larger than a license can be",
        "A license has at most 16 KiB and its file at most 32 KiB; nothing of a larger one is read.",
        "Check that the path names the license.";
    LICENSE_UNREADABLE = "license_unreadable", InvalidInput, 422, exit 8,
        "the license file cannot be read",
        "The file is missing, or this user may not read it; the cause says what the system answered.",
        "Correct the path, or the file's owner and mode.";
    LICENSE_NOT_A_FILE = "license_not_a_file", InvalidInput, 422, exit 8,
        "the path of the license names no regular file",
        "It is a folder, a device, a pipe, or a circle of symbolic links; none of these is opened.",
        "Name the file itself.";
    LICENSE_BAD_SIGNATURE = "license_bad_signature", InvalidInput, 422, exit 8,
        "the signature does not fit the document",
        "The document was changed after it was signed, or was signed by somebody else under the name of a known key.",
        "Take the file as the vendor sent it; if that one is refused too, ask the vendor for a new one.";
    LICENSE_UNKNOWN_KEY = "license_unknown_key", InvalidInput, 422, exit 8,
        "the document was signed with a key that this build does not know",
        "Each build knows the vendor's keys of its time, and learns newer ones from a keyset. The known ones are listed.",
        "Take over the vendor's newest keyset with `rtmxctl license update FILE`, or install a newer release.";
    LICENSE_KEY_USAGE = "license_key_usage", InvalidInput, 422, exit 8,
        "the key may not sign this document",
        "Each key signs one type of document, in one span of time; after a key was compromised only the listed documents of it count.",
        "Ask the vendor for a document that was signed with the right key.";
    LICENSE_WRONG_DOCUMENT = "license_wrong_document", InvalidInput, 422, exit 8,
        "the document is genuine, and of another type",
        "Licenses, leases, revocation lists, keysets and activation requests are told apart by their signature, so that none can stand for another.",
        "A license is installed with `rtmxctl license activate FILE`; a keyset or a revocation list is taken over with `rtmxctl license update FILE`.";
    LICENSE_NOT_CANONICAL = "license_not_canonical", InvalidInput, 422, exit 8,
        "the signed document is not written in the one form that is accepted",
        "There is exactly one encoding of each document; repeated members, spaces, escapes or another order could be read in two ways.",
        "Ask the vendor for a document that was made with the vendor's tool.";
    LICENSE_CARRIER_DISAGREES = "license_carrier_disagrees", InvalidInput, 422, exit 8,
        "the readable part of the license file says something else than the signed part",
        "The file shows the claims in clear and holds them signed; somebody changed what is shown.",
        "Take the file as the vendor sent it.";
    LICENSE_UNSUPPORTED = "license_unsupported", InvalidInput, 422, exit 8,
        "the document needs a newer version of this program",
        "Its version is not known here, or it names an addition that must be understood and is not.",
        "Upgrade, or ask the vendor for a document of the older version.";
    LICENSE_WRONG_PRODUCT = "license_wrong_product", InvalidInput, 422, exit 8,
        "the license is for something else",
        "Product, edition or environment of the license are not those of this installation.",
        "Give the license of this product; one for tests does not count in production.";
    LICENSE_NOT_YET_VALID = "license_not_yet_valid", Denied, 422, exit 8,
        "the license is not valid yet",
        "It begins later, or was issued later than the time that this machine believes in.",
        "Wait until then; if the time of this machine is wrong, correct it.";
    LICENSE_EXPIRED = "license_expired", Denied, 422, exit 8,
        "the license has expired",
        "An installation that runs goes on through the signed grace period and then with the community limits; nothing that is stored is locked.",
        "Renew the license and install the new one with `rtmxctl license activate FILE`.";
    LICENSE_REVOKED = "license_revoked", Denied, 422, exit 8,
        "the license was revoked",
        "A signed revocation list or the license server says so. The community limits hold; nothing that is stored is locked.",
        "Ask the vendor, and install the license that replaces it.";
    LICENSE_SUSPENDED = "license_suspended", Denied, 422, exit 8,
        "the license is suspended",
        "The license server says so in a signed answer. The community limits hold until it says otherwise.",
        "Ask the vendor.";
    LICENSE_BINDING_MISMATCH = "license_binding_mismatch", Denied, 422, exit 8,
        "the license is bound to another installation",
        "Too few of the fingerprints that the license names belong to this installation. It goes on in full for 14 days after that was first seen.",
        "Make an activation request with `rtmxctl license request --to FILE`, and have the license bound anew.";
    LICENSE_BINDING_UNREADABLE = "license_binding_unreadable", Denied, 422, exit 8,
        "the license is bound, and nothing that identifies this installation can be read",
        "That is not the same as a mismatch: no fingerprint of the kinds that the license names is present here.",
        "See what can be read with `rtmxctl license fingerprint`, and mount or set what is absent.";
    LICENSE_SUPERSEDED = "license_superseded", Conflict, 409, exit 8,
        "a newer license with this id was installed before",
        "Licenses of one id are numbered, and an older one never replaces a newer one.",
        "Install the newest license.";
    LICENSE_UNCONFIRMED = "license_unconfirmed", Denied, 422, exit 8,
        "the license server did not confirm the license for too long",
        "A license of the online mode needs a signed answer from time to time. The time without one has ended.",
        "Let the server reach `license.server_url`; one answer is enough.";
    LICENSE_VERSION_NOT_COVERED = "license_version_not_covered", Denied, 422, exit 8,
        "the license does not cover this version",
        "It includes updates up to a day, and this version was built after it.",
        "Renew the license, or go back to a version that it covers.";
    LICENSE_TERMINATED = "license_terminated", Denied, 422, exit 8,
        "the license has ended for good",
        "Its signed end has passed. The community limits hold; nothing that is stored is locked.",
        "Install a new license.";
    LICENSE_KEY_REFUSED = "license_key_refused", InvalidConfig, 422, exit 8,
        "the key is not a public key that signatures can be trusted with",
        "It has the wrong length, is no point of the curve, is written in a form that is not canonical, or is one of the weak points that accept any signature.",
        "Check that the text was copied whole from the vendor.";
    LICENSE_SETTINGS_INVALID = "license_settings_invalid", InvalidConfig, 500, exit 2,
        "the settings of the license mode cannot be used",
        "A setting is missing, unknown, of the wrong type or out of its range; the message names it. No license was looked at.",
        "Correct the section `license` of the configuration; `rtmxctl driver describe` lists what the mode takes.";
    LICENSE_CLAIMS_INVALID = "license_claims_invalid", InvalidInput, 422, exit 8,
        "a document with these claims would be refused everywhere",
        "A claim is out of its range, contradicts another, or has characters that cannot be told from others.",
        "Correct the claim that the message names.";
    LICENSE_MEMORY_INVALID = "license_memory_invalid", Corrupt, 500, exit 8,
        "what was remembered about the license cannot be used",
        "It was cut or changed, or belongs to another installation. It is made anew, and nothing else depends on it.",
        "Nothing needs to be done, unless it happens again.";
    KEYSET_INVALID = "keyset_invalid", InvalidInput, 422, exit 8,
        "the keyset contradicts itself",
        "It lists a key or a name twice, asks for more signatures than it has root keys, or its copies differ.",
        "Take the keyset as the vendor published it.";
    KEYSET_SKIPS = "keyset_skips", Conflict, 409, exit 8,
        "the keyset is not the successor of the one in use",
        "Keysets are numbered, and each is accepted only after the one before it; none is accepted twice or in reverse.",
        "Give every keyset after the version in use, oldest first.";
    KEYSET_SIGNATURES = "keyset_signatures", InvalidInput, 422, exit 8,
        "too few root keys signed the keyset",
        "It needs enough signatures of the root keys in use and enough of those that it brings, each key counted once.",
        "Take the keyset as the vendor published it.";
    KEYSET_EXPIRED = "keyset_expired", InvalidInput, 422, exit 8,
        "the newest keyset that was given has expired",
        "Keysets between the one in use and the newest may have expired, the newest may not.",
        "Take the vendor's newest keyset.";
    REVOCATIONS_ROLLED_BACK = "revocations_rolled_back", Conflict, 409, exit 8,
        "a newer revocation list was seen before",
        "Revocation lists are numbered, and an older one never replaces a newer one; the newer one stays in force.",
        "Take the vendor's newest revocation list.";
    LEASE_REFUSED = "lease_refused", InvalidInput, 422, exit 8,
        "the answer of the license server is not the answer to this question",
        "It is signed, and for another license, another installation or an earlier question. It counts as no answer.",
        "Nothing needs to be done; the next question is asked by itself.";
    LICENSE_LIMIT_REACHED = "license_limit_reached", Denied, 402, exit 8,
        "the license allows no more of these",
        "What exists stays, and can be read, changed, exported and deleted; only a further one is refused.",
        "Remove what is not needed, or have the limit raised and install the new license.";
    LICENSE_FEATURE_MISSING = "license_feature_missing", Denied, 402, exit 8,
        "the license does not include this feature",
        "The feature is part of a license that is not installed, or not in force.",
        "See `rtmxctl license status`; install a license that includes the feature.";
}
