#!/usr/bin/env bash
# Every check, cheapest first, until one fails: `bash test/run.sh short` (npm test) or `long` (npm run test:long: the full counts).
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/node_modules/.bin:$PATH"

case "${1:-}" in
  short)
    unset KVORUM_TEST_LONG
    sim=(--seeds 200)
    ;;
  long)
    export KVORUM_TEST_LONG=1
    sim=(--minutes 30)
    ;;
  *)
    echo "usage: test/run.sh short|long" >&2
    exit 2
    ;;
esac

times=()

# step NAME COMMAND…
step() {
  local name=$1 begun=$SECONDS status
  shift
  echo "── $name: $*"
  "$@"
  status=$?
  times+=("$(printf '%-10s %4d s' "$name" "$((SECONDS - begun))")")
  if ((status != 0)); then
    printf '%s\n' "${times[@]}"
    echo "FAILED: the step '$name' ($*) ended with $status" >&2
    exit 1
  fi
}

# What is tested from outside, and what tests of one package see of another, is what was built.
step build tsc -b
step types tsc -p tsconfig.test.json
step lint oxlint --type-aware --deny-warnings
step structure node test/structure.mjs
step format prettier --log-level warn --check .
step unit vitest run --project unit
# A void run fails too: a fault that never bit, too few writes, in the long run a rare path never taken.
step sim node packages/simulator/cli/dist/main.js "${sim[@]}"
step outside vitest run --project outside

printf '%s\n' "${times[@]}"
printf 'all passed, %d s\n' "$SECONDS"
