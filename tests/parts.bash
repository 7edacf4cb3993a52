# Shared by the scripts that run tests: announces each part, reports how long it took, and reports
# failures. Source it from the repository's root with the script's name:
# `. tests/parts.bash tests/all`.
# shellcheck shell=bash

parts_of=$1

# say WORDS…: ends the previous part and begins a new one.
say() {
  over
  part=$*
  began=$SECONDS
  printf '\n== %s\n' "$*"
}

# Reports how long the last part took. Call it at the end of a script.
over() {
  [ -z "${part:-}" ] || printf -- '-- %s: %d s\n' "$part" $((SECONDS - began))
  part=
}

fail() { printf '%s: %s\n' "$parts_of" "$*" >&2; exit 1; }
