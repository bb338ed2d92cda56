#!/usr/bin/env bash
# Builds the image, pushes it, applies an overlay with the image's digest, and checks that the model answers.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=commands.sh
source "$(dirname "${BASH_SOURCE[0]}")/commands.sh"

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

usage() {
  cat <<'END'
PROJECT=my-project REGION=europe-west4 k8s/gke/deploy.sh [--dry-run] [OVERLAY]

OVERLAY is a folder of k8s/overlays: gke-gpu (the default), gke-cpu, or your own. Yours needs the namespace berth and,
unless URL is set, a Gateway called berth.

  PROJECT              the id of a Google Cloud project (required)
  REGION               the cluster's region (required)
  CLUSTER              the cluster's name (berth)
  CHECKPOINT           a folder with your model (the sample model)
  MODEL                the model's name (bert, or CHECKPOINT's own name)
  BASE                 the base image, which is pinned to its current digest (the Dockerfile's)
  PIP_EXTRA_INDEX_URL  an index with another build of torch: for CPUs (far smaller, for gke-cpu), or for an older CUDA
  KEY_HEADER           a file with one line, `authorization: Bearer KEY`, for the smoke test where keys are asked for
  URL                  the address of the smoke test (http:// and the Gateway's address, once it has one)
  WAIT_S               how many seconds each wait may take (1800: a new GPU node takes minutes)
  --dry-run            print every command, as a script, and run none
END
}

read_arguments() {
  local argument
  OVERLAY=''
  for argument; do
    case $argument in
      --help) usage && exit ;;
      --dry-run) DRY_RUN=yes ;;
      -*) usage_error "unknown argument '$argument'" ;;
      *)
        [[ -z $OVERLAY ]] || usage_error "two overlays, '$OVERLAY' and '$argument': name one"
        OVERLAY=$argument
        ;;
    esac
  done
  [[ -n $OVERLAY ]] || OVERLAY=gke-gpu
  [[ -f $ROOT/k8s/overlays/$OVERLAY/kustomization.yaml ]] || usage_error "k8s/overlays has no overlay '$OVERLAY'"
}

# The path is absolute because `make image` runs elsewhere, and make splits words at blanks. The model's name is the one
# that `make image` would choose; a test holds the two together.
read_checkpoint() {
  CHECKPOINT=${CHECKPOINT:-}
  if [[ -n $CHECKPOINT ]]; then
    [[ -d $CHECKPOINT ]] || usage_error "CHECKPOINT='$CHECKPOINT' is not a folder"
    CHECKPOINT=$(cd "$CHECKPOINT" >/dev/null && pwd)
    [[ $CHECKPOINT != *[[:space:]]* ]] || usage_error "CHECKPOINT='$CHECKPOINT' has a blank, which make cannot take: rename it"
  fi
  MODEL=${MODEL:-$(basename "${CHECKPOINT:-bert}")}
}

# docker if its daemon answers, else podman.
find_builder() {
  local tool
  for tool in docker podman; do
    if "$tool" info >/dev/null 2>&1; then
      BUILDER=$tool
      return
    fi
  done
  [[ $DRY_RUN == yes ]] || die "neither docker nor podman answers 'info': install one, or start docker"
  BUILDER=docker
}

sign_in() {
  run gcloud container clusters get-credentials "$CLUSTER" --location="$REGION" --project="$PROJECT"
  run gcloud auth configure-docker "$REGION-docker.pkg.dev" --quiet
}

# The nodes are amd64, whatever this machine is. WHEELS is empty because this machine's own wheels might bring a torch
# without CUDA.
build() {
  local base=${BASE:-$(sed -n 's/^ARG BASE=//p' "$ROOT/Dockerfile")}
  run "$BUILDER" pull --platform=linux/amd64 "$base"
  query BASE "$BUILDER" image inspect --format='{{index .RepoDigests 0}}' "$base"
  run make --no-print-directory --directory="$ROOT" image ENGINE="$BUILDER" IMAGE="$IMAGE:$TAG" PLATFORM=linux/amd64 \
    BASE="$BASE" CHECKPOINT="$CHECKPOINT" MODEL="$MODEL" WHEELS= PIP_EXTRA_INDEX_URL="${PIP_EXTRA_INDEX_URL:-}"
}

# The digest is the registry's: podman's own differs when it compresses while it pushes.
push() {
  run "$BUILDER" push "$IMAGE:$TAG"
  query DIGEST gcloud artifacts docker images describe "$IMAGE:$TAG" --format='value(image_summary.digest)'
}

write_kustomization() {
  local text="resources: [overlays/$OVERLAY]
images: [{name: berth.invalid/berth, newName: $IMAGE, digest: $DIGEST}]"
  if [[ $DRY_RUN == yes ]]; then
    printf 'cat >%s <<END\n%s\nEND\n' "$WORK/kustomization.yaml" "$text"
  else
    printf '%s\n' "$text" >"$WORK/kustomization.yaml"
  fi
}

render() {
  query WORK mktemp -d
  run trap "rm -rf \"$WORK\"" EXIT
  run cp -R "$ROOT/k8s/." "$WORK"
  write_kustomization
  run kubectl kustomize "$WORK" --output="$WORK/rendered.yaml"
  attempt grep -F "$IMAGE@$DIGEST" "$WORK/rendered.yaml" ||
    die "the overlay $OVERLAY has no image berth.invalid/berth, so its digest could not be pinned; nothing was applied"
}

# give_up MESSAGE: shows what the cluster says, and ends. A missing quota is an event; why berth did not start is the
# end of the log of a container that ended. Pods are found by label: for deployment/berth, kubectl shows only one pod,
# preferably a ready one.
give_up() {
  local logs=("${KUBECTL[@]}" logs --selector=app.kubernetes.io/name=berth --tail=30 --prefix --ignore-errors)
  {
    attempt "${KUBECTL[@]}" get pods --output=wide || true
    attempt "${KUBECTL[@]}" events || true # sorted by time
    attempt "${logs[@]}" --previous || true
    attempt "${logs[@]}" || true
  } >&2
  die "$1; above are the pods, their events, and the last lines of the previous and the current containers"
}

apply() {
  run "${KUBECTL[@]}" apply --filename="$WORK/rendered.yaml"
  if [[ $DRY_RUN == no ]]; then say "to watch meanwhile: $(quoted "${KUBECTL[@]}" events --watch)"; fi
  attempt "${KUBECTL[@]}" rollout status deployment/berth --timeout="${WAIT_S}s" ||
    give_up "the rollout did not succeed within WAIT_S=$WAIT_S"
}

find_url() {
  if [[ -n ${URL:-} ]]; then return; fi
  attempt "${KUBECTL[@]}" wait --for=condition=Programmed gateway/berth --timeout="${WAIT_S}s" ||
    give_up "the Gateway got no address within WAIT_S=$WAIT_S"
  query ADDRESS "${KUBECTL[@]}" get gateway/berth --output='jsonpath={.status.addresses[0].value}'
  URL=http://$ADDRESS
}

# expect PATTERN COMMAND...: what COMMAND prints must match the extended regular expression.
expect() {
  local pattern=$1 answer
  shift
  if [[ $DRY_RUN == yes ]]; then
    printf '%s | grep -E %s\n' "$(quoted "$@")" "$(quoted "$pattern")"
    return
  fi
  say "+ $(quoted "$@")"
  answer=$("$@") || give_up "the smoke test got no answer: $(quoted "$@")"
  [[ $answer =~ $pattern ]] || give_up "the smoke test expected $pattern and got: $answer"
  say "${answer:0:100}"
}

# The deep check compares the answer to a known text; the second answer must be an embedding or labels. For some minutes
# a new load balancer answers with errors of its own, so both requests are repeated. TorchServe's own limit is 60 s.
smoke_test() {
  local ask=(curl --silent --show-error --fail --max-time 130
    --retry 1000 --retry-delay 5 --retry-all-errors --retry-max-time "$WAIT_S")
  [[ -z ${KEY_HEADER:-} ]] || ask+=(--header "@$KEY_HEADER") # curl reads it: a key is in no command line and no log
  expect '"status": *"ok"' "${ask[@]}" "$URL/predictions/$MODEL/1.0/check"
  expect '^\[-?[0-9]|"label": *"' "${ask[@]}" --header 'content-type: application/json' \
    --data '{"inputs": "hello world"}' "$URL/predictions/$MODEL"
}

main() {
  read_arguments "$@"
  read_checkpoint
  read_settings
  need gcloud kubectl gke-gcloud-auth-plugin curl make
  WAIT_S=${WAIT_S:-1800}
  IMAGE=$REGION-docker.pkg.dev/$PROJECT/berth/berth
  TAG=$(git -C "$ROOT" describe --always --dirty 2>/dev/null || echo unversioned)
  # The context that get-credentials writes, never the one that happens to be current.
  KUBECTL=(kubectl --context="gke_${PROJECT}_${REGION}_$CLUSTER" --namespace=berth)
  find_builder
  sign_in
  build
  push
  render
  apply
  find_url
  smoke_test
  if [[ $DRY_RUN == no ]]; then
    echo "curl $URL/predictions/$MODEL -H 'content-type: application/json' -d '{\"inputs\": \"hello world\"}'"
  fi
}

main "$@"
