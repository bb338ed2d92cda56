# shellcheck shell=bash
# What cluster.sh and deploy.sh share: their settings, and commands that are run or, with --dry-run, printed. The output
# of a dry run is a script that does the same; what only the cloud knows is a variable in it ($DIGEST).

DRY_RUN=no

say() { printf '%s\n' "$*" >&2; }

die() {
  say "error: $*"
  exit 1
}

usage_error() {
  say "error: $*; see ${0##*/} --help"
  exit 2
}

# Checks the settings of both scripts, and begins the output of a dry run.
read_settings() {
  CLUSTER=${CLUSTER:-berth}
  [[ ${PROJECT:-} =~ ^[a-z][a-z0-9-]+$ ]] ||
    usage_error "PROJECT='${PROJECT:-}' is not the id of a Google Cloud project, as in PROJECT=my-project"
  [[ ${REGION:-} =~ ^[a-z]+-[a-z]+[0-9]+$ ]] ||
    usage_error "REGION='${REGION:-}' is not a region, as in REGION=europe-west4"
  if [[ $DRY_RUN == yes ]]; then echo 'set -euo pipefail'; fi
}

need() {
  local tool
  if [[ $DRY_RUN == yes ]]; then return; fi
  for tool; do
    command -v "$tool" >/dev/null || die "$tool is not on PATH: install it and run this again"
  done
}

# Prints the words as a line that can be pasted. A word with $NAME and no blanks keeps its variable.
quoted() {
  local word line='' plain='^[A-Za-z0-9_@%+=:,./$-]+$'
  for word; do
    if [[ $word == *\'* ]]; then
      printf -v word '%q' "$word"
    elif [[ ! $word =~ $plain ]]; then
      word="'$word'"
    fi
    line+=" $word"
  done
  printf '%s' "${line# }"
}

# Runs a command and leaves its failure to the caller.
attempt() {
  if [[ $DRY_RUN == yes ]]; then
    quoted "$@" && echo
  else
    say "+ $(quoted "$@")"
    "$@"
  fi
}

run() { attempt "$@" || die "this command failed with exit code $?: $(quoted "$@")"; }

# query NAME COMMAND...: NAME becomes what COMMAND prints; lines are joined with commas, as gcloud's lists want them.
query() {
  local name=$1 answer
  shift
  if [[ $DRY_RUN == yes ]]; then
    echo "$name=\$($(quoted "$@") | paste -s -d , -)"
    answer="\$$name"
  else
    say "+ $(quoted "$@")"
    answer=$("$@" | paste -s -d , -) || die "this command failed: $(quoted "$@")"
    [[ -n $answer ]] || die "this command printed nothing: $(quoted "$@")"
  fi
  printf -v "$name" '%s' "$answer"
}
