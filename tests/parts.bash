# What the scripts that run tests have in common: they say what comes, how long it took, and why they
# fail. Sourced from the repository's root with the script's name: `. tests/parts.bash tests/all`.
# shellcheck shell=bash

parts_of=$1

# say WORDS…: what came before is over, and this comes.
say() {
  over
  part=$*
  began=$SECONDS
  printf '\n== %s\n' "$*"
}

# How long took what came before. At a script's end, say it by itself.
over() {
  [ -z "${part:-}" ] || printf -- '-- %s: %d s\n' "$part" $((SECONDS - began))
  part=
}

fail() { printf '%s: %s\n' "$parts_of" "$*" >&2; exit 1; }
