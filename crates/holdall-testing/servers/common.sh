# shellcheck shell=bash
# Sourced by the scripts beside it: ports, processes and folders of a test server.

set -euo pipefail

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

as_root() {
    if [[ $EUID -eq 0 ]]; then "$@"; else sudo "$@"; fi
}

port_open() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Ports lie below the ephemeral range, so that no outgoing connection takes one, and
# begin at the script's own pid, so that scripts started together never race for one.
next_port=$(($$ * 4))
pick_port() {
    while :; do
        port=$((20000 + next_port++ % 12000))
        port_open "$port" || return 0
    done
}

# Start time of a live process: with the pid it names a process for good, a pid alone does not.
started() {
    local line fields
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
    read -ra fields <<<"${line##*) }"
    [[ ${fields[0]} != Z ]] && echo "${fields[19]}"
}

alive() {
    [[ $(started "$1") == "$2" ]]
}

create_dir() {
    dir=$(realpath -m "$1")
    [[ ! -e $dir || (-d $dir && -z $(ls -A "$dir")) ]] || fail "$dir exists and is not empty"
    mkdir -p "$dir"
    chmod 700 "$dir"
    : >"$dir/pids"
}

open_dir() {
    dir=$(realpath -m "$1")
    [[ -f $dir/pids ]] || fail "$dir holds no server"
}

spawn() {
    local name=$1
    shift
    setsid "$@" </dev/null >>"$dir/$name.out" 2>&1 3>&- &
    echo "$name $! $(started $!)" >>"$dir/pids"
}

running() {
    local name pid start
    while read -r name pid start; do
        [[ $name != "$1" ]] || ! alive "$pid" "$start" || return 0
    done <"$dir/pids"
    return 1
}

end_process() {
    local pid=$1 start=$2 tries
    ! alive "$pid" "$start" || kill -TERM "$pid" 2>/dev/null || true
    for ((tries = 0; tries < 100; tries++)); do
        alive "$pid" "$start" || return 0
        sleep 0.05
    done
    kill -KILL "$pid" 2>/dev/null || true
    while alive "$pid" "$start"; do sleep 0.05; done
}

# Ends the recorded processes of a name, or all (`*`), newest first.
end_processes() {
    local only=$1 name pid start
    while read -r name pid start; do
        # shellcheck disable=SC2053 # the right side is a pattern
        [[ $name != $only || $pid == "$$" ]] || end_process "$pid" "$start"
    done < <(tac "$dir/pids")
}

stop_server() {
    open_dir "$1"
    end_processes '*'
    rm -rf "$dir"
}

# Runs a command until it succeeds, as long as the named process lives.
wait_for() {
    local name=$1 seconds=$2
    shift 2
    local deadline=$((SECONDS + seconds))
    until "$@" >/dev/null 2>&1; do
        running "$name" || fail "$name ended before it answered"
        ((SECONDS < deadline)) || fail "$name did not answer within $seconds s"
        sleep 0.1
    done
}

show_logs() {
    local log
    for log in "$dir"/*.out "$dir"/*.log; do
        [[ ! -s $log ]] || { echo "--- ${log##*/}" && tail -n 25 "$log"; } >&3
    done
}

# From here to `ready`, a failure shows the logs and leaves nothing behind.
begin() {
    create_dir "$1"
    exec 3>&2
    trap 'show_logs; stop_server "$dir"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

# Writes DIR/env, says it on stdout, and with an owner's pid stops the server when that process ends.
ready() {
    local line=$1 owner=${2:-} start
    echo "$line" >"$dir/env"
    if [[ -n $owner ]]; then
        start=$(started "$owner") || fail "owner $owner is not running"
        spawn watch "$0" watch "$dir" "$owner" "$start"
    fi
    trap - EXIT
    echo "$line"
}

watch_owner() {
    while alive "$2" "$3"; do sleep 0.5; done
    stop_server "$1"
}

# Where `install` puts what the system's packages do not offer.
tools() {
    realpath -m "${HOLDALL_TOOLS:-$here/../../../target/tools}"
}

answers() {
    curl -s --noproxy '*' -o "$dir/answer" "http://127.0.0.1:$port/"
}
