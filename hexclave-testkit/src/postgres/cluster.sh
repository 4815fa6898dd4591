# A throw-away PostgreSQL that lives as long as somebody holds the other end of standard input.
#
# $1  the folder to make, use and remove; it must not exist
# $2  the folder with the programs `initdb` and `postgres`
#
# Whatever ends the holder, even SIGKILL, closes the pipe. Everything is then stopped and removed.
# The file `stopped` in the folder says that no server runs (any more); the logs lie next to it.

set -u
umask 077
trap '' HUP INT PIPE QUIT TERM
exec 3<&0 </dev/null
folder=$1
programs=$2

initialise() {
    "$programs/initdb" --pgdata=data --username=postgres --auth=trust --encoding=UTF8 --locale="$1" --no-sync
}

serve() {
    exec "$programs/postgres" -D data \
        -c listen_addresses= \
        -c unix_socket_directories=../socket \
        -c port=5432 \
        -c max_connections=200 \
        -c fsync=off \
        -c synchronous_commit=off \
        -c full_page_writes=off \
        -c timezone=UTC \
        -c log_timezone=UTC
}

mkdir "$folder" || exit 1
cd "$folder" || exit 1

# Not every system knows the locale C.UTF-8.
if mkdir socket && { initialise C.UTF-8 || initialise C; } >initdb.log 2>&1; then
    # The end may come before the server listens to signals. A shell starts its children deaf to QUIT, and to what it
    # ignores itself; so it must not ignore TERM now, which ends the server then. Later QUIT does, at once.
    trap - TERM
    serve >server.log 2>&1 3<&- &
    server=$!
    trap '' TERM
    (
        read -r nothing <&3
        [ -e stopped ] || kill -QUIT "$server"
        [ -e stopped ] || kill -TERM "$server"
    ) &
    wait "$server"
fi

: >stopped
read -r nothing <&3
wait
cd /
rm -rf "$folder"
