//! Codes of the deploy area.

crate::code::codes! {
    PORT_IN_USE = "port_in_use", Conflict, 409, exit 5,
        "another program listens on the port",
        "RTMX needs the port for itself. The message names the program that holds it, where that can be seen.",
        "Stop that program, or choose another port with `rtmxctl deploy --port N`.";
    ADDRESS_UNUSABLE = "address_unusable", InvalidConfig, 422, exit 5,
        "this machine cannot listen on the address",
        "The address is not one of this machine, or the port is below 1024 and needs privileges.",
        "Choose another address with `--listen`, or another port with `--port`.";
    HOME_NOT_WRITABLE = "home_not_writable", Denied, 403, exit 5,
        "the home of the installations cannot be written",
        "Programs, configuration and data are kept there.",
        "Run the command as the owner of that folder, or choose another with `--home DIR`.";
    DISK_TOO_SMALL = "disk_too_small", Unavailable, 507, exit 5,
        "there is not enough room on the disk",
        "Programs are copied beside the old ones before anything is changed, and the data needs room to begin with.",
        "Free space on that disk, or choose another with `--home DIR`.";
    TARGET_SETTINGS_INVALID = "target_settings_invalid", InvalidConfig, 422, exit 2,
        "the deploy target cannot be opened with these settings",
        "A name has lower-case letters, digits and `-`, at most 40 of them; folders are absolute paths.",
        "Correct what the cause names, mostly `--name` or `--home`.";
    OWNER_DIFFERS = "owner_differs", Denied, 403, exit 5,
        "the installation belongs to somebody else",
        "Whoever made an installation decides about it; changing it as another user would leave files that its owner cannot manage.",
        "Run the command as the owner that the message names.";
    ARTIFACT_UNUSABLE = "artifact_unusable", NotFound, 404, exit 5,
        "a program file is missing or cannot be used here",
        "`rtmxctl` installs the `rtmx-server` that lies beside it. That file is missing, does not run on this machine, or is of another version.",
        "Unpack the release again so that `rtmxctl` and `rtmx-server` lie in one folder.";
    VERSION_DIFFERS = "version_differs", Incompatible, 409, exit 1,
        "another version is installed",
        "`deploy` converges an installation and never changes its version, because a new version may migrate the data.",
        "Run the `rtmxctl` of the installed version, or change the version on purpose with `rtmxctl upgrade`.";
    PLAN_STALE = "plan_stale", Conflict, 409, exit 1,
        "what runs has changed since the plan was made",
        "A plan is carried out exactly as it was reviewed or not at all.",
        "Make a new plan with `rtmxctl plan --out FILE` and review it.";
    STEP_UNKNOWN = "step_unknown", Incompatible, 422, exit 1,
        "the plan has a step that this target does not know",
        "The plan was changed, or made by another version of the tool.",
        "Make a new plan with this version: `rtmxctl plan --out FILE`.";
    TASK_FAILED = "task_failed", Internal, 500, exit 1,
        "a task beside the data failed",
        "The command in the product's own program ended with an error; its last lines are with the message.",
        "Correct what the lines say and run the command again.";
    SERVICE_FAILED = "service_failed", Unavailable, 503, exit 1,
        "the background service could not be started or stopped",
        "The service manager, or the process itself, refused.",
        "See the cause, and `rtmxctl logs`.";
    NOT_HEALTHY = "not_healthy", Unavailable, 503, exit 1,
        "the server did not become ready",
        "It was started, but did not answer its readiness probe before the deadline. The last lines of its log are with the message.",
        "Correct what the lines say and run `rtmxctl deploy` again.";
    INSTALLATION_DAMAGED = "installation_damaged", Corrupt, 500, exit 1,
        "a record of the installation cannot be read",
        "The file is cut short, was changed by hand, or is of a newer version.",
        "Restore the file that the message names from a backup of the installation's folder.";
    CLUSTER_UNKNOWN = "cluster_unknown", InvalidConfig, 422, exit 5,
        "this is no pod that may ask its cluster",
        "The address of the API server and the token of a service account are given to each pod that is to have them.",
        "Run this in a pod with a service account and `automountServiceAccountToken: true`, as the chart's job does.";
    CLUSTER_UNREACHABLE = "cluster_unreachable", Unavailable, 503, exit 1,
        "the cluster's API server does not answer",
        "It was asked again for a minute. A NetworkPolicy, or a control plane that is being upgraded, keeps it away.",
        "See the cause; allow the pod the API server's address and port, and run the job again with `helm upgrade`.";
    CLUSTER_REFUSED = "cluster_refused", Denied, 403, exit 1,
        "the cluster's API server refused",
        "The service account lacks a right, a quota is used up, or an admission webhook said no; the cause has the server's own words.",
        "Correct what the cause names, and run `helm upgrade` again; or make the Secret by hand and name it as `existingSecret`.";
    DEPLOY_IO = "deploy_io", Unavailable, 503, exit 1,
        "a file of the installation could not be read or written",
        "The operating system refused; the cause says why.",
        "Correct the cause, for example a full disk, and run the command again.";
    UNDO_FAILED = "undo_failed", Internal, 500, exit 1,
        "a step failed, and an earlier one could not be undone",
        "The installation is between two states; the message says which steps are in effect.",
        "Correct the cause and run `rtmxctl deploy` again: it starts from what is there.";
    INTERRUPTED = "interrupted", Cancelled, 499, exit 130,
        "the command was interrupted",
        "It stopped at the end of a step, and what it had done was undone.",
        "Run the same command again.";
}
