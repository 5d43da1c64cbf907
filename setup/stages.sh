# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Runs the stages of check and reproduce: each in a process group of its own with a log and a time
# limit, so that Ctrl-C, a time-out or an error ends all that it started. Needs lib.sh. Descriptor 8
# is the caller's lock: a stage does not inherit it, so nothing that outlives us holds it.

STAGE_PID=
SIDE_PID=          # a command that runs beside the stages
STAGE_SHOWN_S=60   # a sign of life this often

# end_stage: ends what runs.
end_stage() {
  local pid
  for pid in $STAGE_PID $SIDE_PID; do end_group "$pid"; done
  STAGE_PID=
  SIDE_PID=
}

# end_group PID: asks the whole process group to end, then insists.
end_group() {
  local pid=$1 waited=0
  kill -TERM -- "-$pid" 2>/dev/null || return 0
  while kill -0 -- "-$pid" 2>/dev/null && [[ $waited -lt 200 ]]; do
    sleep 0.1
    waited=$((waited + 1))
  done
  kill -KILL -- "-$pid" 2>/dev/null || true
}

# stages_on_exit: traps that leave nothing running; the exit code tells what happened.
stages_on_exit() {
  trap 'end_stage' EXIT
  trap 'say "interrupted, cleaning up"; end_stage; exit 130' INT
  trap 'say "terminated, cleaning up"; end_stage; exit 143' TERM HUP
}

# last_words LOG: the end of a log, indented.
last_words() { tail -n "${2:-15}" "$1" | cut -c1-300 | sed 's/^/    /'; }

# run_stage LOG LIMIT_S COMMAND...: the command's exit code, 124 when the limit ended it.
# Shows its last line now and then, so that nobody has to wonder whether it still works.
run_stage() {
  local log=$1 limit=$2 started=$SECONDS shown=$SECONDS status=0
  shift 2
  mkdir -p "$(dirname "$log")"
  set -m   # a group of its own
  "$@" >"$log" 2>&1 </dev/null 8>&- &
  STAGE_PID=$!
  set +m
  while kill -0 "$STAGE_PID" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS - started > limit)); then
      end_group "$STAGE_PID"
      STAGE_PID=
      printf '\nended after its limit of %d s\n' "$limit" >>"$log"
      return 124
    fi
    if ((SECONDS - shown >= STAGE_SHOWN_S)); then
      shown=$SECONDS
      say "  ... $(tail -n 1 "$log" | tr '\r' '\n' | tail -n 1 | cut -c1-100)"
    fi
  done
  wait "$STAGE_PID" || status=$?
  # What the command left in its group has lost its parent; it ends too.
  kill -TERM -- "-$STAGE_PID" 2>/dev/null || true
  STAGE_PID=
  return "$status"
}

# run_shown COMMAND...: the same without a log or a limit, for a command that shows its own progress.
run_shown() {
  local status=0
  set -m
  "$@" </dev/null 8>&- &
  STAGE_PID=$!
  set +m
  wait "$STAGE_PID" || status=$?
  kill -TERM -- "-$STAGE_PID" 2>/dev/null || true
  STAGE_PID=
  return "$status"
}

# start_beside LOG COMMAND...: begins a command that runs beside the next stages.
start_beside() {
  local log=$1
  shift
  set -m
  "$@" >"$log" 2>&1 </dev/null 8>&- &
  SIDE_PID=$!
  set +m
}

# wait_beside: until that command has ended; its exit code.
wait_beside() {
  local status=0
  [[ -n $SIDE_PID ]] || return 0
  wait "$SIDE_PID" || status=$?
  SIDE_PID=
  return "$status"
}
