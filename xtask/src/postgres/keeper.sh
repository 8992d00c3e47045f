# Keeps one throw-away PostgreSQL cluster for as long as somebody holds the other end of stdin, then takes it away.
#
# A program of its own, because its owner may be killed in a way that lets it do nothing more (SIGKILL): the pipe closes then too.
#
#   keeper.sh FOLDER PROGRAMS PORT...
#
# FOLDER exists and holds the file `password`; PROGRAMS is where initdb and pg_ctl are. The first PORT that is free is used.
# Prints `ready PORT`, or else what went wrong and ends. To a line `restart` it kills the server, as a crash of the machine would,
# starts it again, and prints `restarted`.

set -u
exec 2>&1
folder=$1 programs=$2
shift 2

# PostgreSQL refuses to run as root, so root runs it as somebody else.
owner=
if [ "$(id -u)" = 0 ]; then
    owner=nobody
    if id postgres >/dev/null 2>&1; then owner=postgres; fi
fi

as_owner() {
    if [ -z "$owner" ]; then
        "$@"
    elif command -v setpriv >/dev/null; then
        setpriv --reuid="$owner" --regid="$(id -g "$owner")" --init-groups -- "$@"
    elif command -v runuser >/dev/null; then
        runuser -u "$owner" -- "$@"
    else
        su -s /bin/sh "$owner" -c 'exec "$0" "$@"' -- "$@"
    fi </dev/null
}

clean() {
    if [ -f "$folder/data/postmaster.pid" ]; then
        # The data is thrown away, so nothing is lost by not shutting down in order.
        as_owner "$programs/pg_ctl" stop -D "$folder/data" -m immediate -w -t 20 -s ||
            kill -KILL "$(head -n 1 "$folder/data/postmaster.pid")"
    fi
    cd /
    rm -rf "$folder"
}
trap clean EXIT
trap 'exit 1' HUP INT QUIT TERM
# The owner may be gone before we have said anything; a shell that a signal ends does not clean.
trap '' PIPE

give_up() {
    printf '%s\n' "$1"
    cat "$folder/log"
    exit 1
}

true >"$folder/log"
if [ -n "$owner" ]; then chown -R "$owner" "$folder" || exit 1; fi
as_owner test -w "$folder" || give_up "the user $owner cannot reach $folder; set TMPDIR to a folder that it can, such as /tmp"
cd "$folder" || exit 1

as_owner "$programs/initdb" -D "$folder/data" -U asynx -A scram-sha-256 --pwfile="$folder/password" \
    --encoding=UTF8 --locale=C --no-sync >"$folder/log" || give_up "initdb failed"
true >"$folder/log"

# The server settings decide durability and keep their defaults: what tests prove shall hold for a real server.
cat >>"$folder/data/postgresql.conf" <<SETTINGS || exit 1
listen_addresses = '127.0.0.1'
unix_socket_directories = '$folder'
max_connections = 300
SETTINGS

for port in "$@"; do
    if as_owner "$programs/pg_ctl" start -D "$folder/data" -l "$folder/log" -o "-p $port" -w -t 30 -s; then
        echo "ready $port"
        # The read ends when the owner does.
        while read -r _; do
            as_owner "$programs/pg_ctl" restart -D "$folder/data" -l "$folder/log" -m immediate -w -t 60 -s ||
                give_up "the server did not start again"
            echo restarted
        done
        exit 0
    fi
    # Only a port that somebody took meanwhile is worth another try.
    grep -q 'could not bind\|in use' "$folder/log" || break
done
give_up "the server did not start"
