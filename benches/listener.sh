#!/usr/bin/env bash
# How many callbacks a second the listener validates, stores and acknowledges, and what it costs.
#
# Beside it are a bare hyper handler that only answers, and Debian's webhook, which runs /bin/true
# for each callback and answers when that has ended. Every round runs every server once, alone, with
# the same body from 64 connections; then simulate sends fresh orders. A figure counts only where
# every callback was found valid. CPU is the server's own: it does not depend on the sender.
# Needs wrk (Debian) or oha; webhook (Debian) where it is there.
# Usage: benches/listener.sh [ROUNDS] [SECONDS] [CALLBACKS_FOR_MEMORY]
#   PAYOUT_NOTIFY, PEERS: built programs; FOLDER: where the inbox is written; LOAD_TOOL: wrk or oha.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${1:-7} seconds=${2:-4} many=${3:-1000000}
connections=64 key=0123456789abcdef port=18787
# Figures that awk reads, whatever the language of the shell.
export LC_ALL=C

has() { command -v "$1" >/dev/null; }
tool=${LOAD_TOOL:-$(has wrk && echo wrk || echo oha)}
if ! has "$tool"; then echo "$tool is not installed: wrk or oha is needed" && exit 0; fi

. benches/build.sh
program=${PAYOUT_NOTIFY:-$(built payout-notify)}
peers=${PEERS:-$(built payout-notify-bench-peers)}
work=$(mktemp -d "${FOLDER:-${TMPDIR:-/tmp}}/listener-bench-XXXXXX")
server=
finish() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi
  rm -r "$work"
}
trap finish EXIT

"$peers" body "$key" >"$work/body"
(umask 077 && printf %s "$key" >"$work/key")
cat >"$work/post.lua" <<LUA
wrk.method = "POST"
wrk.body = io.open("$work/body"):read("*a")
wrk.headers["Content-Type"] = "application/json;charset=utf-8"
LUA
cat >"$work/hooks.json" <<JSON
[{"id": "notify", "execute-command": "/bin/true", "include-command-output-in-response": true}]
JSON

# Each starts one server in the background and sets $url once it answers.
listen() {
  "$program" listen --bind :0 --key-file "$work/key" --quiet "$@" >"$work/said" 2>"$work/errors" &
  server=$!
  until grep -q http "$work/said"; do
    kill -0 "$server"
    sleep 0.02
  done
  url=$(grep -o 'http://[^ ]*/' "$work/said" | head -1)notify
}
start_bare() {
  : >"$work/said"
  "$peers" bare >"$work/said" &
  server=$!
  until [ -s "$work/said" ]; do sleep 0.02; done
  url=$(cat "$work/said")
}
start_unstored() { : >"$work/said"; listen --no-inbox; }
start_stored() {
  : >"$work/said"
  rm -f "$work"/inbox*
  listen --inbox "$work/inbox"
}
start_webhook() {
  webhook -ip 127.0.0.1 -port "$port" -hooks "$work/hooks.json" >/dev/null 2>&1 &
  server=$!
  url=http://127.0.0.1:$port/hooks/notify
  until (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do sleep 0.02; done
}
# Ends the server; a listener prints how many of its callbacks were valid. Not SIGINT, which a shell
# lets its background processes ignore.
stop() {
  kill -TERM "$server"
  wait "$server" 2>/dev/null || true
  server=
  if grep -q '^listening' "$work/said" && ! grep -q ' callbacks for .* valid$' "$work/said"; then
    echo "not every callback was valid: $(tail -1 "$work/said")" >&2
    exit 1
  fi
}

# CPU seconds that the server has used; its ended children count too, which webhook's are.
cpu() { awk -v hertz="$(getconf CLK_TCK)" '{sub(/.*\) /, ""); print ($12 + $13 + $14 + $15) / hertz}' "/proc/$server/stat"; }
resident() { awk '/VmRSS/ {printf "%.0f", $2 / 1024}' "/proc/$server/status"; }

# Each prints "requests/s p50 p99" in milliseconds.
milliseconds() { sed 's/\([0-9.]*\)us/\1 0.001/; s/\([0-9.]*\)ms/\1 1/; s/\([0-9.]*\)s$/\1 1000/' | awk '{print $(NF - 1) * $NF}'; }
fire_wrk() {
  wrk -t1 -c "$connections" -d "${seconds}s" --latency -s "$work/post.lua" "$url" >"$work/out"
  if grep -q 'Non-2xx' "$work/out"; then cat "$work/out" >&2 && exit 1; fi
  echo "$(awk '/Requests\/sec/ {print $2}' "$work/out")" \
    "$(awk '$1 == "50%" {print $2}' "$work/out" | milliseconds)" \
    "$(awk '$1 == "99%" {print $2}' "$work/out" | milliseconds)"
}
fire_oha() {
  TOKIO_WORKER_THREADS=1 oha --no-tui -z "${seconds}s" -c "$connections" -m POST \
    -T 'application/json;charset=utf-8' -D "$work/body" "$url" >"$work/out"
  awk '/Requests\/sec/ {rate = $2} /50.00% in/ {p50 = $3 * ($4 == "sec" ? 1000 : 1)}
    /99.00% in/ {p99 = $3 * ($4 == "sec" ? 1000 : 1)} END {print rate, p50, p99}' "$work/out"
}
# Fresh orders: about as many as take the time.
fire_orders() {
  "$program" simulate "$url" --count $((seconds * 15000)) --concurrency "$connections" \
    --key-file "$work/key" --report "json=$work/report" >"$work/out" 2>&1
  sed -n 's/.*"attempts_per_second": *\([0-9.]*\).*/\1 0 0/p' "$work/report" | head -1
}

# Runs one server once under one load; appends "requests/s p50 p99 CPU-microseconds/request".
measure() {
  local name=$1 fire=$2 before after
  "start_$name"
  before=$(cpu)
  "$fire" >"$work/figures"
  after=$(cpu)
  # The time of the run and not of its surroundings: requests from the rate and the time.
  local requests
  case $fire in
  fire_orders) requests=$((seconds * 15000)) ;;
  *) requests=$(awk -v seconds="$seconds" '{print $1 * seconds}' "$work/figures") ;;
  esac
  awk -v before="$before" -v after="$after" -v requests="$requests" \
    '{print $0, (after - before) * 1e6 / requests}' "$work/figures" >>"$work/$name.$fire"
  stop
}

column() { awk -v column="$2" '{print $column}' "$1"; }
median() { sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
# Compares round by round, so that the machine's moods hit both alike.
ratio() {
  paste "$1" "$2" | awk -v a="$3" 'BEGIN {b = 4 + a} {print $a / $b}' | sort -g |
    awk '{v[NR] = $1} END {printf "%.2f (%.2f to %.2f)", v[int((NR + 1) / 2)], v[1], v[NR]}'
}
table() {
  local title=$1 fire=$2 name file
  shift 2
  printf '\n%s (medians of %s rounds of %s s)\n' "$title" "$rounds" "$seconds"
  printf '%-10s %11s %8s %8s %12s  %s\n' server requests/s 'p50 ms' 'p99 ms' 'CPU us/req' 'ratio to bare (least to most)'
  for name in "$@"; do
    file=$work/$name.$fire
    printf '%-10s %11.0f %8.2f %8.2f %12.1f  %s\n' "$name" "$(column "$file" 1 | median)" \
      "$(column "$file" 2 | median)" "$(column "$file" 3 | median)" "$(column "$file" 4 | median)" \
      "$(ratio "$file" "$work/bare.$fire" 1)"
  done
}

servers=(bare unstored stored)
others=()
if has webhook; then others=(webhook); else echo "webhook is not installed"; fi
for ((round = 0; round < rounds; round++)); do
  for name in "${servers[@]}" "${others[@]}"; do measure "$name" "fire_$tool"; done
  for name in "${servers[@]}"; do measure "$name" fire_orders; done
done
table "One body again and again, from $tool on $connections connections" "fire_$tool" "${servers[@]}" "${others[@]}"
table "Fresh orders from simulate, $connections at once (p50 and p99 not taken)" fire_orders "${servers[@]}"

if ((many > 0)); then
  printf '\nMemory, MB resident\n'
  for name in unstored stored; do
    "start_$name"
    before=$(resident)
    "$program" simulate "$url" --count "$many" --concurrency "$connections" --key-file "$work/key" >"$work/out" 2>&1
    printf '%-10s %3s before, %3s after %s fresh orders\n' "$name" "$before" "$(resident)" "$many"
    stop
  done
fi
