#!/usr/bin/env bash
# Every check, cheapest first, until one fails: `bash test/run.sh short` (npm test) or `long` (npm run test:long: the full counts). `more` (npm run
# test:more) has the short forms of the outside tests for which four minutes have no room; CI runs them after the others.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/node_modules/.bin:$PATH"

more=(backup bench damage examples expiry growing packages/packages repair simulation storage/power)
mode=${1:-}
case "$mode" in
  short | more)
    unset KVORUM_TEST_LONG
    sim=(--seeds 200)
    ;;
  long)
    export KVORUM_TEST_LONG=1
    sim=(--minutes 30)
    ;;
  *)
    echo "usage: test/run.sh short|more|long" >&2
    exit 2
    ;;
esac

times=()
scratch=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$scratch"' EXIT

# ended NAME STATUS SECONDS COMMAND…: writes down how long a step took; ends the run when it failed.
ended() {
  local name=$1 status=$2 seconds=$3
  shift 3
  times+=("$(printf '%-10s %4d s' "$name" "$seconds")")
  ((status == 0)) && return
  printf '%s\n' "${times[@]}"
  echo "FAILED: the step '$name' ($*) ended with $status" >&2
  exit 1
}

# step NAME COMMAND…
step() {
  local name=$1 begun=$SECONDS
  shift
  echo "── $name: $*"
  "$@"
  ended "$name" "$?" "$((SECONDS - begun))" "$@"
}

# beside NAME COMMAND…: begins a step that uses one core and leaves the machine as it was, beside others of its kind; see `all_ended`.
names=() commands=() jobs=()
beside() {
  local name=$1
  shift
  {
    "$@" >"$scratch/$name" 2>&1
    status=$?
    echo "$SECONDS" >"$scratch/$name.ended"
    exit "$status"
  } &
  names+=("$name") commands+=("$*") jobs+=("$!")
}

# Waits for the steps that were begun beside each other, and shows what each said, one after the other.
all_ended() {
  local begun=$1 i status
  for i in "${!jobs[@]}"; do
    wait "${jobs[i]}"
    status=$?
    echo "── ${names[i]}: ${commands[i]}"
    cat "$scratch/${names[i]}"
    ended "${names[i]}" "$status" "$(($(<"$scratch/${names[i]}.ended") - begun))" "${commands[i]}"
  done
}

# What is tested from outside, and what tests of one package see of another, is what was built.
step build tsc -b
if [[ $mode == more ]]; then
  step outside vitest run --project outside "${more[@]/#/test/}"
else
  begun=$SECONDS
  beside types tsc -p tsconfig.test.json
  beside lint oxlint --type-aware --deny-warnings
  beside structure node test/structure.mjs
  beside format prettier --log-level warn --cache --cache-strategy content --check .
  all_ended "$begun"
  step unit vitest run --project unit
  # A void run fails too: a fault that never bit, too few writes, in the long run a rare path never taken.
  step sim npm run --silent sim -- "${sim[@]}"
  without=()
  [[ $mode == long ]] || for file in "${more[@]}"; do without+=("--exclude=test/$file.test.ts"); done
  step outside vitest run --project outside "${without[@]}"
fi

printf '%s\n' "${times[@]}"
printf 'all passed, %d s\n' "$SECONDS"
