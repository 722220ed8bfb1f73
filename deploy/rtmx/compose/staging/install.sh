#!/bin/sh
# Looks whether this machine can run rtmx, and starts it. It changes nothing else, and can be run
# again at any time.
#
#   ./install.sh            look and start
#   ./install.sh --check    only look
#   SKIP_CHECKS=1 ./install.sh    start whatever the machine is like
set -eu
cd "$(dirname "$0")"

# Of this environment and size.
needs_cores=2
needs_memory_mib=768
needs_storage_mib=20480
needs_compose_minor=20
makes_variables=no

problems=0
problem() {
    echo "problem: $1" >&2
    echo "   next: $2" >&2
    problems=$((problems + 1))
}

if ! command -v docker >/dev/null 2>&1; then
    problem "there is no docker on this machine" "install Docker Engine 24.0 or newer"
elif ! engine=$(docker version --format '{{.Server.Version}}' 2>/dev/null); then
    problem "the Docker engine does not answer" "start it, or let this user use it: docker info"
else
    major=${engine%%.*}
    case $major in
    '' | *[!0-9]*) echo "note: the version of the engine, '$engine', is not understood" ;;
    *)
        if [ "$major" -lt 24 ]; then
            problem "Docker Engine $engine is too old" "install 24.0 or newer"
        fi
        ;;
    esac

    if ! compose=$(docker compose version --short 2>/dev/null); then
        problem "Docker has no Compose plugin" "install docker-compose-plugin 2.$needs_compose_minor or newer"
    else
        version=${compose#v}
        major=${version%%.*}
        rest=${version#*.}
        minor=${rest%%.*}
        case $major$minor in
        '' | *[!0-9]*) echo "note: the version of Compose, '$compose', is not understood" ;;
        *)
            if [ "$major" -lt 2 ] || { [ "$major" -eq 2 ] && [ "$minor" -lt "$needs_compose_minor" ]; }; then
                problem "Docker Compose $compose is too old" "install 2.$needs_compose_minor or newer"
            fi
            ;;
        esac
        if ! why=$(docker compose config --quiet 2>&1); then
            problem "the Compose files cannot be used: $why" "correct .env or compose.override.yml"
        fi
    fi

    cores=$(docker info --format '{{.NCPU}}')
    if [ "$cores" -lt "$needs_cores" ]; then
        problem "the engine has $cores processor cores, and $needs_cores are needed" \
            "use a larger machine, or render a smaller size"
    fi
    memory_mib=$(($(docker info --format '{{.MemTotal}}') / 1048576))
    if [ "$memory_mib" -lt "$needs_memory_mib" ]; then
        problem "the engine has $memory_mib MiB of memory, and $needs_memory_mib are needed" \
            "use a larger machine, or render a smaller size"
    fi
    root=$(docker info --format '{{.DockerRootDir}}')
    if [ -d "$root" ]; then
        free_mib=$(($(df -Pk "$root" | awk 'NR == 2 { print $4 }') / 1024))
        if [ "$free_mib" -lt "$needs_storage_mib" ]; then
            echo "note: $free_mib MiB are free, and the volumes may grow to $needs_storage_mib MiB" >&2
        fi
    fi
fi

if [ "$problems" -gt 0 ]; then
    if [ "${SKIP_CHECKS:-0}" != 1 ]; then
        echo "Nothing was changed." >&2
        exit 1
    fi
    echo "Going on, because SKIP_CHECKS is set." >&2
fi
if [ "${1:-}" = --check ]; then
    echo "This machine can run rtmx."
    exit 0
fi

if [ "$makes_variables" = yes ]; then
    # Compose reads files with variables before any container runs, so they are made first. That they were
    # made only now is no failure here.
    docker compose run --rm --no-deps -T secrets || docker compose run --rm --no-deps -T secrets
fi
docker compose up --detach --wait
docker compose ps
echo "rtmx is running. Its data is in volumes, and stays after: docker compose down"
echo "Back it up with rtmxctl."
