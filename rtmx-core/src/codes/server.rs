//! Codes of the HTTP server.

crate::code::codes! {
    UNAUTHENTICATED = "unauthenticated", Denied, 401, exit 1,
        "the request carries no token",
        "This installation has users, or listens beyond this machine, so every request but the probes needs a token.",
        "Send `Authorization: Bearer <token>`; `rtmxctl token create` makes one, `rtmxctl token reset` replaces a lost first one.";
    TOKEN_INVALID = "token_invalid", Denied, 401, exit 1,
        "the token is not valid",
        "It was never given out here, has expired, or was revoked.",
        "Use another token; `rtmxctl token create` makes one, `rtmxctl token reset` replaces a lost first one.";
    SESSION_ENDED = "session_ended", Denied, 401, exit 1,
        "the session has ended",
        "It has expired, was signed out, was made before the database was restored, or its token has expired or was revoked.",
        "Sign in again at `/sign-in`.";
    ORIGIN_REFUSED = "origin_refused", Denied, 403, exit 1,
        "the request comes from another site's page",
        "A browser sends the session's cookie whoever asks it to, so the cookie counts only on requests that the browser says come from RTMX's own pages (`Sec-Fetch-Site: same-origin`, or an `Origin` that is the request's `Host`), and on links that are followed. Nothing was changed.",
        "Act from RTMX's own pages. Programs send `Authorization: Bearer <token>`, which is served whatever its origin. A proxy must pass on the headers `Host`, `Origin` and `Sec-Fetch-*` as they are.";
    FORBIDDEN = "forbidden", Denied, 403, exit 1,
        "the token does not allow this",
        "A viewer reads, an editor also writes, an admin also makes projects and tokens; a token may be for one project only.",
        "Use a token with the role that the message names.";
    HOST_REFUSED = "host_refused", Denied, 403, exit 1,
        "an installation without users answers only to its own machine",
        "The request names another host, comes from another site, or was forwarded by a proxy. Without tokens only direct requests to `localhost` are served, so that no website can act through a browser here.",
        "Call `http://localhost:<port>`, or make a token with `rtmxctl token create`: requests with a token are served whatever their host.";
    ROUTE_NOT_FOUND = "route_not_found", NotFound, 404, exit 1,
        "there is nothing at this path",
        "The path is not one of the API.",
        "See `/api/openapi.json` for the paths that there are.";
    METHOD_NOT_ALLOWED = "method_not_allowed", InvalidInput, 405, exit 1,
        "the path does not take this method",
        "The path exists, but not for this method.",
        "Use one of the methods in the answer's `Allow` header.";
    BODY_TOO_LARGE = "body_too_large", InvalidInput, 413, exit 1,
        "the request body is larger than the server takes",
        "The limit is `server.body_limit`. Nothing was applied.",
        "Send less at once, or raise `server.body_limit`.";
    BODY_TOO_SLOW = "body_too_slow", Timeout, 408, exit 1,
        "the request body came too slowly",
        "A body must not pause for 10 seconds, and must keep up a mean of 1 KiB a second. Nothing was applied.",
        "Send the request again over a better connection.";
    BODY_INVALID = "body_invalid", InvalidInput, 400, exit 1,
        "the request body cannot be read",
        "It is not the JSON or text that this path takes. Nothing was applied.",
        "Correct the body as the message says; `/api/openapi.json` has its schema.";
    CONTENT_TYPE_INVALID = "content_type_invalid", InvalidInput, 415, exit 1,
        "the request body has the wrong type",
        "The `Content-Type` header is not one that this path takes. Nothing was applied.",
        "Send the content type that the message names.";
    TOKEN_TOO_WEAK = "token_too_weak", InvalidConfig, 422, exit 1,
        "the given admin token is too short",
        "A token that is chosen outside needs at least 32 characters, because it is stored as a plain hash.",
        "Put at least 32 random characters into the file, for example from `openssl rand -base64 32`.";
    LISTEN_FAILED = "listen_failed", Unavailable, 503, exit 1,
        "the server cannot listen on its address",
        "The port is taken, or the address is not one of this machine, or the port needs privileges.",
        "Free the port, or set `server.listen` to another address.";
    TLS_INVALID = "tls_invalid", InvalidConfig, 500, exit 1,
        "the server's certificate or key cannot be used",
        "A file of `server.tls_cert`, `server.tls_key` or `server.tls_client_ca` is missing, holds nothing of what it should, or does not belong to the others. A server that starts ends with this; one that runs keeps what it had.",
        "Put a PEM certificate with its chain, its unencrypted PEM key and PEM authorities where the settings say, readable for the server's user.";
    NOT_READY = "not_ready", Unavailable, 503, exit 1,
        "the server is not ready",
        "The server was reached and says that it cannot serve yet, or could not be reached.",
        "See `/ready` for the reason, and the server's log.";
    STREAMS_EXHAUSTED = "streams_exhausted", Unavailable, 503, exit 1,
        "as many event streams are open as there may be",
        "Each open page of the dashboard and each reader of a feed holds a connection. All of `server.connections` but a few may be streams; those are kept for everything else.",
        "Try again later, or raise `server.connections` and with it the limit on open files.";
    IMPORT_NOT_CHECKED = "import_not_checked", Conflict, 409, exit 1,
        "this is not the import that was checked",
        "The dashboard imports a file only as its check has shown it: the same file, read in the same way. Nothing was changed.",
        "Check the file that is to be imported, then import it.";
    PROJECT_NOT_FOUND = "project_not_found", NotFound, 404, exit 1,
        "there is no such project",
        "No project has this id, or the token is for another one.",
        "See `GET /api/v1/projects` for the projects that there are.";
    PROJECT_EXISTS = "project_exists", AlreadyExists, 409, exit 1,
        "a project with this id exists already",
        "A project's id is given once.",
        "Choose another id, or use the existing project.";
    PROJECT_INVALID = "project_invalid", InvalidInput, 422, exit 1,
        "the project cannot be made like this",
        "A project's id has 1 to 64 lower case letters, digits and hyphens and begins with a letter or digit; its name has 1 to 200 characters.",
        "Correct what the message names; nothing was made.";
    REQUIREMENT_NOT_FOUND = "requirement_not_found", NotFound, 404, exit 1,
        "the project has no such requirement",
        "No requirement of this project has this id, or it was deleted. Ids are told apart by case; special characters in a path are percent-encoded.",
        "Check the id; what was deleted is still in the project's history.";
    REQUIREMENT_EXISTS = "requirement_exists", AlreadyExists, 409, exit 1,
        "a requirement with this id exists already",
        "The request makes a new requirement, and the id is taken. Nothing was changed.",
        "Choose another id, or edit the existing requirement with `PUT` or `PATCH` and `If-Match`.";
    UNKNOWN_FILTER = "unknown_filter", InvalidInput, 400, exit 2,
        "the query has a parameter that this path does not know",
        "Parameters that are not known are refused rather than ignored, because an ignored filter answers another question.",
        "Use the name that the message suggests; `/api/openapi.json` lists the parameters.";
    PARAMETER_INVALID = "parameter_invalid", InvalidInput, 400, exit 2,
        "a parameter has a value that it cannot have",
        "The value cannot be read, or is out of range, or the parameter was given twice.",
        "Correct the parameter that the message names.";
    SORT_INVALID = "sort_invalid", InvalidInput, 400, exit 2,
        "the sort order names something that cannot be sorted by",
        "A sort order is up to four column names, separated by commas, each with a leading `-` for descending.",
        "Correct the name, for example `sort=-priority,phase`.";
    HEADER_INVALID = "header_invalid", InvalidInput, 400, exit 2,
        "a request header cannot be read",
        "`If-Match` and `If-None-Match` carry an `ETag` as the server gave it out, `Last-Event-ID` a position of the feed, `Idempotency-Key` a UUID.",
        "Correct the header that the message names.";
    PRECONDITION_REQUIRED = "precondition_required", InvalidInput, 428, exit 1,
        "the edit does not say what it is based on",
        "Without `If-Match` an edit could overwrite what somebody else wrote since. Nothing was changed.",
        "Read the resource, and send its `ETag` in `If-Match`; to make a new one, send `If-None-Match: *`.";
    CYCLE_CLOSED = "cycle_closed", Conflict, 409, exit 1,
        "the edit would close a cycle of dependencies",
        "Requirements that wait for each other can never be begun. The message names the cycle. Nothing was changed.",
        "Remove one of the links that the message names, or repeat the edit with `allow_cycles=true`.";
}
