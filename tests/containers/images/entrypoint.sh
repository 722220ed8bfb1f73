#!/bin/bash
# Starts PostgreSQL in a container as the manual of the official image describes it, and without one
# when the three variables below are set.
#
# The first start makes the database: initdb, a server that listens on a Unix socket only, the scripts,
# and only then the server that others reach. Whoever gets an answer over TCP meets a finished database.
set -eo pipefail

sockets=${RTMX_SOCKETS:-/var/run/postgresql}
scripts=${RTMX_SCRIPTS:-/docker-entrypoint-initdb.d}
uid=${RTMX_UID:-70}

fail() {
    echo "error: $*" >&2
    exit 1
}

# Prints the variable, or what is in the file that its `_FILE` form names, or the default.
setting() {
    eval "value=\${$1:-} file=\${$1_FILE:-}"
    if [ -n "$file" ]; then
        [ -z "$value" ] || fail "$1 and $1_FILE are both set; leave one"
        value=$(cat "$file")
    fi
    printf '%s' "${value:-$2}"
}

sql() {
    PGPASSWORD=$POSTGRES_PASSWORD psql --no-psqlrc --no-password --quiet --set=ON_ERROR_STOP=1 \
        --username="$POSTGRES_USER" "$@"
}

run_scripts() {
    for script in "$scripts"/*; do
        case $script in
        *.sh)
            # As in the manual: what may be executed is, and the rest becomes part of this script.
            if [ -x "$script" ]; then "$script"; else . "$script"; fi ;;
        *.sql) sql --dbname="$POSTGRES_DB" --file="$script" ;;
        *.sql.gz) gunzip -c "$script" | sql --dbname="$POSTGRES_DB" ;;
        esac
    done
}

has_scripts() {
    for script in "$scripts"/*; do
        [ ! -e "$script" ] || return 0
    done
    return 1
}

# The server of the first start; nobody reaches it from outside.
prepare() {
    "$@" -c listen_addresses= -c port=5432 &
    server=$!
    until grep -q '^ready' "$PGDATA/postmaster.pid" 2>/dev/null; do
        kill -0 "$server" 2>/dev/null || fail "PostgreSQL ended before its database was made"
        sleep 0.05
    done
    export PGHOST="$sockets" PGPORT=5432
    if [ "$POSTGRES_DB" != postgres ]; then
        echo 'CREATE DATABASE :"name"' | sql --dbname=postgres --set=name="$POSTGRES_DB"
    fi
    run_scripts
    unset PGHOST PGPORT
    kill -INT "$server"
    wait "$server" || fail "PostgreSQL did not end well after its database was made"
}

make_database() {
    method=${POSTGRES_HOST_AUTH_METHOD:-}
    if [ -z "$POSTGRES_PASSWORD" ] && [ "$method" != trust ]; then
        fail "there is no password: set POSTGRES_PASSWORD, or POSTGRES_HOST_AUTH_METHOD=trust"
    fi
    set -- --username="$POSTGRES_USER" --pgdata="$PGDATA"
    [ -z "$POSTGRES_PASSWORD" ] || set -- "$@" --pwfile=/dev/stdin
    [ -z "${POSTGRES_INITDB_WALDIR:-}" ] || set -- "$@" --waldir="$POSTGRES_INITDB_WALDIR"
    # `eval`, because the value may quote arguments that hold spaces.
    printf '%s\n' "$POSTGRES_PASSWORD" | eval 'initdb "$@"' "$POSTGRES_INITDB_ARGS"
    {
        echo "listen_addresses = '*'"
        echo "unix_socket_directories = '$sockets'"
    } >> "$PGDATA/postgresql.conf"
    echo "host all all all ${method:-$(postgres -D "$PGDATA" -C password_encryption)}" >> "$PGDATA/pg_hba.conf"
}

case ${1:-} in
'') set -- postgres ;;
-*) set -- postgres "$@" ;;
esac
[ "$1" = postgres ] || exec "$@"
for argument in "$@"; do
    case $argument in
    -V | --version | --help | '-?' | --describe-config) exec "$@" ;;
    esac
done

if [ "$(id -u)" = 0 ]; then
    # A folder that was mounted belongs to whoever made it.
    mkdir -p "$PGDATA" "$sockets"
    chmod 700 "$PGDATA"
    find "$PGDATA" "$sockets" ! -user "$uid" -exec chown "$uid:$uid" {} +
    exec setpriv --reuid="$uid" --regid="$uid" --clear-groups -- "$0" "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    POSTGRES_PASSWORD=$(setting POSTGRES_PASSWORD '')
    POSTGRES_USER=$(setting POSTGRES_USER postgres)
    POSTGRES_DB=$(setting POSTGRES_DB "$POSTGRES_USER")
    POSTGRES_INITDB_ARGS=$(setting POSTGRES_INITDB_ARGS '')
    unset POSTGRES_PASSWORD_FILE POSTGRES_USER_FILE POSTGRES_DB_FILE POSTGRES_INITDB_ARGS_FILE
    export POSTGRES_PASSWORD POSTGRES_USER POSTGRES_DB
    mkdir -p "$PGDATA"
    chmod 700 "$PGDATA" 2>/dev/null || :
    make_database
    if [ "$POSTGRES_DB" != postgres ] || has_scripts; then
        prepare "$@"
    fi
fi
unset POSTGRES_PASSWORD
exec "$@"
