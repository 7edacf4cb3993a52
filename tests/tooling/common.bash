# Shared by `run` and `sam-local`; sourced from the repository's root.
# shellcheck shell=bash

export SAM_CLI_TELEMETRY=0 PIP_DISABLE_PIP_VERSION_CHECK=1
# Nothing here talks to AWS, but the SAM CLI requires a region. Agents and credentials in the
# shell's environment would take precedence over those of the emulator.
export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
unset AWS_PROFILE AWS_SESSION_TOKEN
for name in $(compgen -e | grep -E '_AGENT_(ARN|QUALIFIER|DISPLAY_NAME|DESCRIPTION)$'); do unset "$name"; done
target=${CARGO_TARGET_DIR:-$PWD/target}
bootstrap=$target/lambda/agentcore-bridge/bootstrap
sam_build=$target/sam/build
logs=$target/tooling
background=()

# shellcheck source=tests/parts.bash
. tests/parts.bash tests/tooling

# limited SECONDS COMMAND…: runs the command, and stops it after the time limit.
limited() {
  local seconds=$1 status=0
  shift
  timeout --kill-after=10 "$seconds" "$@" || status=$?
  [ "$status" != 124 ] || echo "tests/tooling: not done after $seconds s: $*" >&2
  return "$status"
}

# start SECONDS NAME COMMAND…: runs the command in the background until the script ends, with its
# output in a file.
start() {
  local seconds=$1 name=$2
  shift 2
  timeout --kill-after=10 "$seconds" "$@" >"$logs/$name.log" 2>&1 &
  background+=("$!")
}

# Stops all background commands.
stop() {
  local pid
  for pid in "${background[@]}"; do kill "$pid" 2>/dev/null || true; done
  background=()
  wait
}

# On exit: stops background commands and, after a failure, shows their output.
finish() {
  local status=$? log
  if [ "$status" != 0 ]; then
    for log in "$logs"/*.log; do
      if [ -e "$log" ]; then printf '\n-- %s\n' "$log" && tail -n 40 "$log"; fi
    done
    printf '\ntests/tooling: FAILED\n'
  fi >&2
  stop
  exit "$status"
}

# Checks for required tools, and installs those that pip provides, in pinned versions below target/.
install_tools() {
  local python=${PYTHON:-python3} tool
  [ "$(uname -s)" = Linux ] || fail "AWS's runtime emulator is a Linux program: run this on Linux"
  for tool in cargo timeout "$python"; do
    command -v "$tool" >/dev/null || fail "$tool is missing"
  done
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || fail "Python 3.10 or newer is needed"
  case $(uname -m) in
    x86_64) architecture=x86_64 ;;
    aarch64 | arm64) architecture=arm64 ;;
    *) fail "no Lambda function runs on $(uname -m)" ;;
  esac
  base_image=public.ecr.aws/lambda/provided:al2023-$architecture
  local venv=$target/venv-tooling
  if [ ! -x "$venv/bin/python" ]; then
    "$python" -m venv "$venv" || fail "python3 -m venv failed; on Debian: apt-get install python3-venv"
  fi
  limited 600 "$venv/bin/python" -m pip install --quiet --requirement tests/tooling/requirements.txt
  export PATH="$venv/bin:$PATH"
  for tool in cargo-lambda sam; do
    command -v "$tool" | grep -q "^$venv/" || fail "$tool is missing from $venv"
  done
  mkdir -p "$logs"
  rm -f "$logs"/*.log
}

# Whether the function can run in a container: needs a Docker daemon, and AWS's image locally or by
# a pull.
has_docker() {
  limited 20 docker info >/dev/null 2>&1 || return
  docker image inspect "$base_image" >/dev/null 2>&1 || limited 600 docker pull --quiet "$base_image"
}

# Whether Rust's standard library for a target is installed, or can be installed.
has_target() {
  rustc --print target-libdir --target "$1" | xargs ls >/dev/null 2>&1 || limited 300 rustup target add "$1"
}

check() { python tests/tooling/check.py "$@"; }

# Starts the emulated AgentCore Runtime, with its endpoint and credentials in the environment.
start_emulator() {
  limited 900 cargo build --locked --quiet -p agentcore-bridge -p agentcore-emulator --bins
  start 900 emulator "$target/debug/agentcore-emulator"
  check wait-for "$logs/emulator.log" "Ctrl-C"
  AWS_ENDPOINT_URL_BEDROCK_AGENTCORE=$(grep -o 'http://127[0-9.:]*' "$logs/emulator.log")
  ECHO_AGENT_ARN=$(awk '$1 == "echo" { print $2 }' "$logs/emulator.log")
  story_arn=$(awk '$1 == "story" { print $2 }' "$logs/emulator.log")
  AWS_ACCESS_KEY_ID=$(sed -n 's/^ *AWS_ACCESS_KEY_ID=//p' "$logs/emulator.log")
  AWS_SECRET_ACCESS_KEY=$(sed -n 's/^ *AWS_SECRET_ACCESS_KEY=//p' "$logs/emulator.log")
  export AWS_ENDPOINT_URL_BEDROCK_AGENTCORE ECHO_AGENT_ARN AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
  # For the event from a custom domain with a base path.
  export BASE_PATH=bridge
}

# Runs `sam build` for this machine, separate from the .aws-sam of a deployment.
build_with_sam() {
  limited 1200 sam build --build-dir "$sam_build" --parameter-overrides "Architecture=$architecture"
}
