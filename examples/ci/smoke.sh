#!/bin/sh
# A smoke check for a merchant's pipeline: starts the merchant, waits until it answers, runs `check` and
# `simulate` against it, leaves their reports in a folder, and stops the merchant.
#
#   SMOKE_URL       the notify URL; needed
#   SMOKE_START     the shell command that starts the merchant; empty where it runs already
#   SMOKE_WAIT      how many seconds it may take until it answers (30)
#   SMOKE_CHECK     more options for `check`, quoted as for a shell
#   SMOKE_SIMULATE  the options of `simulate` (--count 200 --rate 100/s --schedule 1s,2s)
#   SMOKE_GATES     the gates of `simulate`, one per line (acked<100%)
#   SMOKE_REPORTS   the folder of the reports (payout-notify-reports)
#   SMOKE_KEY_ENV   the name of the variable that holds the key (PAYOUT_NOTIFY_KEY)
#   PAYOUT_NOTIFY   the program (payout-notify)
#
# Both steps run, whatever the first one says. Exits with 1 where one of them said no, else with the
# first code that is not 0: 2 usage, 3 input, 4 environment, which includes an endpoint that is down.
# Gates that cannot be read are found before the merchant starts. On a signal the merchant is stopped
# too, and where there is `setsid`, so is all that it started. Needs nothing but a POSIX shell and the
# program.
set -u
# The codes are looked at below. Under `sh -e`, or errexit from SHELLOPTS, the first step that says no,
# or the signal that stops the merchant, would end the script with a code that is not its own.
set +e

tool=${PAYOUT_NOTIFY:-payout-notify}
url=${SMOKE_URL:-}
reports=${SMOKE_REPORTS:-payout-notify-reports}
gates=${SMOKE_GATES:-acked<100%}
key_env=${SMOKE_KEY_ENV:-PAYOUT_NOTIFY_KEY}
wait_for=${SMOKE_WAIT:-30}
# Options may be on several lines: to a shell, the second one would be another command.
check_words=$(printf '%s' "${SMOKE_CHECK:-}" | tr '\n' ' ')
simulate_words=$(printf '%s' "${SMOKE_SIMULATE:---count 200 --rate 100/s --schedule 1s,2s}" | tr '\n' ' ')
# A gate may contain a blank.
gate_words=$(printf '%s\n' "$gates" | sed -n "s/'/'\\\\''/g; s/..*/--fail-if '&'/p" | tr '\n' ' ')
merchant='' group='''' step='' commands_off=''
check_code=-1 simulate_code=-1

say() { printf 'smoke: %s\n' "$1" >&2; }

# die CODE WHY
die() {
  say "$2"
  exit "$1"
}

# What a merchant says must not speak to the workflow: a line that begins with :: is a command there.
quiet_commands() {
  [ "${GITHUB_ACTIONS:-}" = true ] || return 0
  commands_off=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  printf '::stop-commands::%s\n' "$commands_off"
}

allow_commands() {
  [ -z "$commands_off" ] || printf '::%s::\n' "$commands_off"
  commands_off=''
}

is_up() { kill -0 "$merchant" 2>/dev/null; }

# send SIGNAL: to all that the merchant started, where that is possible.
send() {
  if [ -n "$group" ]; then kill -s "$1" -- "-$merchant" 2>/dev/null; else kill -s "$1" "$merchant" 2>/dev/null; fi
}

stop_merchant() {
  [ -n "$merchant" ] || return 0
  send TERM
  left=50
  while is_up && [ "$left" -gt 0 ]; do
    sleep 0.1
    left=$((left - 1))
  done
  send KILL
  wait "$merchant" 2>/dev/null
  merchant=''
}

finish() {
  code=$?
  trap - EXIT
  stop_merchant
  allow_commands
  exit "$code"
}

# interrupted CODE: the step ends as on Ctrl-C, and writes what it knows.
interrupted() {
  trap '' INT TERM HUP
  # The signal may come after the start and before the id is stored.
  if [ "$step" = starting ]; then
    set +u
    step=$!
    [ "$step" != "$merchant" ] || step=''
  fi
  if [ -n "$step" ]; then
    kill -s INT "$step" 2>/dev/null
    wait "$step"
  fi
  exit "$1"
}
trap finish EXIT
trap 'interrupted 130' INT
trap 'interrupted 143' TERM
trap 'interrupted 129' HUP

start_merchant() {
  say "starts the merchant: $SMOKE_START"
  if command -v setsid >/dev/null 2>&1; then
    group=yes
    setsid sh -c "$SMOKE_START" </dev/null >"$reports/merchant.log" 2>&1 &
  else
    sh -c "$SMOKE_START" </dev/null >"$reports/merchant.log" 2>&1 &
  fi
  merchant=$!
}

# Whether anything answers: a payout that failed, under a wrong key, moves no money. The gates are
# there only to be read.
answers() {
  eval "set -- $gate_words"
  said=$(PAYOUT_NOTIFY_KEY='wrong on purpose' "$tool" simulate "$url" --status failed --retries 0 --timeout 2s \
    --format json "$@" 2>&1)
  code=$?
  [ "$code" -le 1 ] || die "$code" "cannot ask $url: $(printf '%s\n' "$said" | grep -v '^{')"
  case $said in
    *'"conclusion":"connection-refused"'* | *'"conclusion":"connect"'* | *'"conclusion":"resolve"'*) return 1 ;;
  esac
}

wait_until_it_answers() {
  deadline=$(($(date +%s) + wait_for))
  until answers; do
    if [ -n "$merchant" ] && ! is_up; then
      tail_of_merchant
      die 4 'the merchant ended before it answered'
    fi
    now=$(date +%s)
    if [ "$now" -ge "$deadline" ]; then
      tail_of_merchant
      die 4 "the endpoint is down: nothing answered at $url within $wait_for s"
    fi
    sleep 0.2
  done
}

tail_of_merchant() {
  [ -n "$merchant" ] || return 0
  quiet_commands
  say 'the last that the merchant said:'
  tail -n 20 "$reports/merchant.log" >&2
  allow_commands
}

# run NAME ARGUMENTS…: one step of the program; sets step_code. In the background, so that a signal is
# heard at once.
run() {
  say "$1"
  quiet_commands
  step=starting
  "$tool" "$@" &
  step=$!
  wait "$step"
  step_code=$?
  step=''
  allow_commands
}

check() {
  eval "set -- $check_words"
  run check "$url" "$@" --report "junit=$reports/check.xml" --report "html=$reports/check.html" \
    --report "json=$reports/check.json" --report "github=$reports/check.annotations"
  check_code=$step_code
  if [ "${GITHUB_ACTIONS:-}" = true ] && [ -f "$reports/check.annotations" ]; then
    cat "$reports/check.annotations"
  fi
}

simulate() {
  eval "set -- $simulate_words $gate_words"
  run simulate "$url" "$@" --report "junit=$reports/simulate.xml" --report "html=$reports/simulate.html" \
    --report "json=$reports/simulate.json"
  simulate_code=$step_code
}

[ -n "$url" ] || die 2 'SMOKE_URL is not set: the notify URL of the merchant'
case $wait_for in '' | *[!0-9]* | ??????*) die 2 "SMOKE_WAIT is not a number of seconds: $wait_for" ;; esac
case $key_env in '' | [0-9]* | *[!A-Za-z0-9_]*) die 2 'SMOKE_KEY_ENV is no name of a variable' ;; esac
# Before anything runs: some shells continue without the options, others end here.
for words in "$check_words" "$simulate_words"; do
  (eval "set -- $words") 2>/dev/null || die 2 "these options cannot be read, is a quote missing: $words"
done
eval "PAYOUT_NOTIFY_KEY=\${$key_env:-}"
[ -n "$PAYOUT_NOTIFY_KEY" ] || die 2 "$key_env is not set: the platform key, from the pipeline's secrets"
export PAYOUT_NOTIFY_KEY
command -v "$tool" >/dev/null || die 4 "there is no program $tool"
mkdir -p "$reports" || die 4 "cannot make the folder $reports"

# What an earlier run left must not pass for this one's.
for kind in check simulate; do
  rm -f "$reports/$kind.xml" "$reports/$kind.html" "$reports/$kind.json" "$reports/$kind.annotations"
done

if [ -n "${SMOKE_START:-}" ]; then
  # Else another program on this port would be checked in the merchant's place.
  if answers; then die 4 "something answers at $url already"; fi
  start_merchant
fi
wait_until_it_answers
check
simulate
[ -z "${GITHUB_OUTPUT:-}" ] || printf 'check=%s\nsimulate=%s\n' "$check_code" "$simulate_code" >>"$GITHUB_OUTPUT"
say "check ended with $check_code, simulate with $simulate_code; reports are in $reports"

# An environment that fails never hides a proven no.
if [ "$check_code" -eq 1 ] || [ "$simulate_code" -eq 1 ]; then exit 1; fi
if [ "$check_code" -ne 0 ]; then exit "$check_code"; fi
exit "$simulate_code"
