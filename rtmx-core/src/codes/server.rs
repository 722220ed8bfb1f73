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
    NOT_READY = "not_ready", Unavailable, 503, exit 1,
        "the server is not ready",
        "The server was reached and says that it cannot serve yet, or could not be reached.",
        "See `/ready` for the reason, and the server's log.";
}
