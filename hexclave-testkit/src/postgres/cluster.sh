# A throw-away PostgreSQL that lives as long as somebody holds the other end of standard input.
#
# $1  the folder to make, use and remove; it must not exist
# $2  the folder with the programs `initdb` and `postgres`
#
# Whatever ends the holder, even SIGKILL, closes the pipe. Everything is then stopped and removed.
# The file `stopped` in the folder says that no server runs (any more); the logs lie next to it.
# This has to lead a process group of its own, which it kills in the end.

set -u
umask 077
trap '' HUP INT PIPE QUIT TERM
exec 3<&0 </dev/null
folder=$1
programs=$2

initialise() {
    "$programs/initdb" --pgdata=data --username=postgres --auth=trust --encoding=UTF8 --locale="$1" --no-sync \
        >initdb.log 2>&1
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

# Not every system knows the locale C.UTF-8. The work of initdb is short and leaves shared memory behind when it is
# disturbed, so the end has to wait for it.
if mkdir socket && { initialise C.UTF-8 || initialise C; }; then
    serve >server.log 2>&1 3<&- &
    server=$!
    (
        read -r nothing <&3
        # More than once, because a server that is just being started is deaf.
        while :; do
            [ -e stopped ] || kill -QUIT "$server"
            sleep 1
        done
    ) &
    watcher=$!
    wait "$server"
    : >stopped
    read -r nothing <&3
    kill -KILL "$watcher"
    wait "$watcher"
else
    : >stopped
    read -r nothing <&3
fi

cd /
rm -rf "$folder"
kill -KILL 0
