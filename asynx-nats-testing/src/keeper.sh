# Keeps nats-servers for as long as somebody holds the other end of stdin, then ends them and removes their folder: also
# where the owner was killed in a way that lets it do nothing more.
#
#   keeper.sh PROGRAM FOLDER
#
# FOLDER holds the configurations N.conf. Lines of stdin: `start N`, `kill N` (SIGKILL: a crash of the process, not of the
# disk), `pause N` and `resume N` (SIGSTOP, SIGCONT). Each is answered by `done`.

set -u
program=$1 folder=$2
cd "$folder" || exit 1
end() {
    if [ -f "$1" ]; then
        pid=$(cat "$1")
        rm "$1"
        kill -KILL "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    fi
}
clean() {
    for file in *.pid; do end "$file"; done
    cd /
    rm -rf "$folder"
}
trap clean EXIT
trap 'exit 1' HUP INT QUIT TERM
trap '' PIPE
while read -r word n; do
    case $word in
    start)
        "$program" -c "$n.conf" >>"$n.log" 2>&1 </dev/null &
        echo $! >"$n.pid"
        ;;
    kill) end "$n.pid" ;;
    pause)
        pid=$(cat "$n.pid")
        kill -STOP "$pid"
        # Its threads stop one by one.
        while grep -hs '^State:' "/proc/$pid/task/"*/status | grep -qv 'stopped'; do sleep 0.01; done
        ;;
    resume) kill -CONT "$(cat "$n.pid")" ;;
    esac
    echo done
done
