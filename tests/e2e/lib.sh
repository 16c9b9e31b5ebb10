# lib.sh - what the end-to-end tests share. Source it from the top of the tree:
#
#     . tests/e2e/lib.sh
#
# Then: $work is a fresh private folder, removed at the end; daemons started with `start` are
# stopped at the end, by their process ids and no others; the first failed expectation ends the
# test, shows the daemons' last words and keeps the folder.
set -eu
umask 077
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
# shellcheck disable=SC2034 # for the tests
patto=$BUILD/patto
e2e=$(basename "$0" .sh)
# Short, because the path of a Unix socket ends at 107 bytes.
work=$(mktemp -d "${TMPDIR:-/tmp}/patto-e2e.XXXXXX")
daemons=
trap 'e2e_end $?' EXIT
trap 'exit 130' INT TERM HUP

e2e_end() { # status
    trap - EXIT
    stop_all
    if [ "$1" -eq 0 ]; then
        rm -rf "$work"
    else
        for log in "$work"/*.log; do
            [ -s "$log" ] || continue
            echo "--- last words in $log"
            tail -n 20 "$log"
        done
        echo "$e2e: failed; everything is kept in $work"
    fi >&2
    exit "$1"
}

say() {
    echo "$e2e: $*"
}
fail() {
    echo "$e2e: FAILED: $*" >&2
    exit 1
}

# --- daemons ---

# free_ports N - N different TCP ports of 127.0.0.1 that nobody listens on, one a line. Scripts that
# run beside each other (run-tests.sh numbers them in E2E_SLOT) look in different thousands.
free_ports() {
    node -e '
        const slot = process.env.E2E_SLOT;
        const ask = () => slot === undefined
            ? 0 : 12000 + 1000 * Number(slot) + Math.floor(1000 * Math.random());
        const servers = Array.from({length: +process.argv[1]}, () => require("net").createServer());
        let open = 0;
        for (const s of servers) {
            s.on("error", () => s.listen(ask(), "127.0.0.1"));
            s.listen(ask(), "127.0.0.1", () => {
                if (++open < servers.length) return;
                for (const t of servers) { console.log(t.address().port); t.close(); }
            });
        }' "$1"
}

# start NAME COMMAND... - in the background, its output in $work/NAME.log, its id in $work/NAME.pid.
start() {
    e2e_name=$1
    shift
    "$@" >>"$work/$e2e_name.log" 2>&1 </dev/null &
    echo $! >"$work/$e2e_name.pid"
    daemons="$daemons $e2e_name"
}

# A child that has ended stays visible until it is waited for.
gone() { # PID
    e2e_state=$(sed 's/.*) \(.\).*/\1/' "/proc/$1/stat" 2>/dev/null || true)
    [ -z "$e2e_state" ] || [ "$e2e_state" = Z ]
}

running() { # NAME
    [ -s "$work/$1.pid" ] && ! gone "$(cat "$work/$1.pid")"
}

# stop NAME [SIGNAL] - and wait until it is gone; KILL after 10 s. Its exit status goes to $stopped.
stop() {
    [ -s "$work/$1.pid" ] || return 0
    e2e_pid=$(cat "$work/$1.pid")
    rm -f "$work/$1.pid"
    kill -s "${2:-TERM}" "$e2e_pid" 2>/dev/null || true
    until_true 10 gone "$e2e_pid" || kill -s KILL "$e2e_pid" 2>/dev/null || true
    stopped=0
    # shellcheck disable=SC2034 # for the tests
    wait "$e2e_pid" 2>/dev/null || stopped=$?
}

stop_all() {
    for e2e_name in $daemons; do
        stop "$e2e_name"
    done
    daemons=
}

# until_true SECONDS COMMAND... - try again until it succeeds; false when time is up.
until_true() {
    e2e_left=$(($1 * 10))
    shift
    while ! "$@" >"$work/until.out" 2>&1; do
        e2e_left=$((e2e_left - 1))
        [ "$e2e_left" -gt 0 ] || return 1
        sleep 0.1
    done
}

# --- expectations ---

# ok COMMAND... - must exit 0; its output is in $work/out and $work/err.
ok() {
    e2e_rc=0
    "$@" >"$work/out" 2>"$work/err" </dev/null || e2e_rc=$?
    [ "$e2e_rc" -eq 0 ] || {
        cat "$work/err" >&2
        fail "exit $e2e_rc: $*"
    }
}

# refused STATUS TEXT COMMAND... - must exit with STATUS and say TEXT (a fixed string) on stderr.
refused() {
    e2e_want=$1
    e2e_text=$2
    shift 2
    e2e_rc=0
    "$@" >"$work/out" 2>"$work/err" </dev/null || e2e_rc=$?
    [ "$e2e_rc" -eq "$e2e_want" ] || {
        cat "$work/err" >&2
        fail "exit $e2e_rc, not $e2e_want: $*"
    }
    grep -qF -- "$e2e_text" "$work/err" || {
        cat "$work/err" >&2
        fail "does not say '$e2e_text': $*"
    }
}

# Changes one bit of byte N of a file, counted from 0: what is written over a byte may be what it was.
flip() { # FILE BYTE
    python3 -c 'import sys; f = open(sys.argv[1], "r+b"); at = int(sys.argv[2]); f.seek(at)
b = f.read(1)[0]; f.seek(at); f.write(bytes([b ^ 1]))' "$1" "$2"
}

# holds FILE FILTER - the jq filter must give true of the JSON in FILE.
holds() {
    jq -e "$2" "$1" >/dev/null || {
        head -c 2000 "$1" >&2
        fail "not so: $2"
    }
}

# --- the outside client ---

# client_install - grpc-js into $BUILD/e2e-client, once; needs the npm registry the first time.
client_install() {
    client_home=$BUILD/e2e-client
    if ! cmp -s tests/e2e/package-lock.json "$client_home/installed"; then
        mkdir -p "$client_home"
        cp tests/e2e/package.json tests/e2e/package-lock.json tests/e2e/.npmrc "$client_home/"
        (cd "$client_home" && npm ci --cache "$BUILD/npm-cache" --prefer-offline) \
            >"$client_home/npm.log" 2>&1 || {
            tail -n 5 "$client_home/npm.log" >&2
            fail "npm could not install the outside gRPC client; check network and proxy, or npm's registry setting, then run again (whole log: $client_home/npm.log)"
        }
        cp tests/e2e/package-lock.json "$client_home/installed"
    fi
}

# client ADDRESS TOKEN_FILE COMMAND... - see tests/e2e/client.js
client() {
    NODE_PATH=$client_home/node_modules node tests/e2e/client.js "$@"
}
