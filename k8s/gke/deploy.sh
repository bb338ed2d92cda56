#!/usr/bin/env bash
# Builds the image, pushes it, applies an overlay with the image's digest, and asks the running model what it knows.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=commands.sh
source "$(dirname "${BASH_SOURCE[0]}")/commands.sh"

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

usage() {
  cat <<'END'
PROJECT=my-project REGION=europe-west4 k8s/gke/deploy.sh [--dry-run] [OVERLAY]

OVERLAY is a folder of k8s/overlays: gke-gpu (the default), gke-cpu, or your own.

  PROJECT              the id of a Google Cloud project (required)
  REGION               the cluster's region (required)
  CLUSTER              the cluster's name (berth)
  CHECKPOINT           a folder with your model (the sample model)
  MODEL                the model's name (bert)
  BASE                 the base image, pinned to its digest of today (the Dockerfile's)
  PIP_EXTRA_INDEX_URL  an index with a CPU build of torch: a far smaller image for gke-cpu
  URL                  where the smoke test asks (http:// and the Gateway's address)
  WAIT_S               seconds that each wait may take (1800: a new GPU node takes minutes)
  --dry-run            prints every command, as a script, and runs none
END
}

read_arguments() {
  local argument
  OVERLAY=gke-gpu
  for argument; do
    case $argument in
      --help) usage && exit ;;
      --dry-run) DRY_RUN=yes ;;
      -*) usage_error "unknown argument '$argument'" ;;
      *) OVERLAY=$argument ;;
    esac
  done
  [[ -f $ROOT/k8s/overlays/$OVERLAY/kustomization.yaml ]] || usage_error "k8s/overlays has no overlay '$OVERLAY'"
  [[ -z ${CHECKPOINT:-} || -d $CHECKPOINT ]] || usage_error "CHECKPOINT='$CHECKPOINT' is not a folder"
}

# docker where its daemon answers, else podman.
find_builder() {
  local tool
  for tool in docker podman; do
    if "$tool" info >/dev/null 2>&1; then
      BUILDER=$tool
      return
    fi
  done
  [[ $DRY_RUN == yes ]] || die "neither docker nor podman answers 'info'; install one, or start docker"
  BUILDER=docker
}

sign_in() {
  run gcloud container clusters get-credentials "$CLUSTER" --location="$REGION" --project="$PROJECT"
  run gcloud auth configure-docker "$REGION-docker.pkg.dev" --quiet
}

# The nodes are amd64, whatever this machine is.
build() {
  local base arguments
  base=${BASE:-$(sed -n 's/^ARG BASE=//p' "$ROOT/Dockerfile")}
  run "$BUILDER" pull --platform=linux/amd64 "$base"
  query BASE "$BUILDER" image inspect --format='{{index .RepoDigests 0}}' "$base"
  arguments=(--platform=linux/amd64 --tag="$IMAGE:$TAG" --build-arg=BASE="$BASE" --build-arg=MODEL="$MODEL")
  if [[ -n ${PIP_EXTRA_INDEX_URL:-} ]]; then arguments+=(--build-arg=PIP_EXTRA_INDEX_URL="$PIP_EXTRA_INDEX_URL"); fi
  if [[ -n ${CHECKPOINT:-} ]]; then arguments+=(--build-context=checkpoint="$CHECKPOINT"); fi
  run "$BUILDER" build "${arguments[@]}" "$ROOT"
}

# The registry says the digest: podman's own differs where it compresses while it pushes.
push() {
  run "$BUILDER" push "$IMAGE:$TAG"
  query DIGEST gcloud artifacts docker images describe "$IMAGE:$TAG" --format='value(image_summary.digest)'
}

write_kustomization() {
  local text="resources: [overlays/$OVERLAY]
images: [{name: berth, newName: $IMAGE, digest: $DIGEST}]"
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
    die "the overlay $OVERLAY runs no image called 'berth', so its digest could not be pinned; nothing was applied"
}

apply() {
  run "${KUBECTL[@]}" apply --filename="$WORK/rendered.yaml"
  attempt "${KUBECTL[@]}" rollout status deployment/berth --timeout="${WAIT_S}s" || {
    "${KUBECTL[@]}" get pods,events >&2 || true
    die "the Deployment is not ready after $WAIT_S s; its pods and events are above"
  }
}

find_url() {
  run "${KUBECTL[@]}" wait --for=condition=Programmed gateway/berth --timeout="${WAIT_S}s"
  query ADDRESS "${KUBECTL[@]}" get gateway/berth --output='jsonpath={.status.addresses[0].value}'
  URL=${URL:-http://$ADDRESS}
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
  answer=$("$@") || die "the smoke test was not answered: $(quoted "$@")"
  [[ $answer =~ $pattern ]] || die "the smoke test expected $pattern and was answered: $answer"
  say "${answer:0:100}"
}

# The deep check computes a known text and compares. A new load balancer answers with errors of its own for some
# minutes: those are asked again. 130 s: a little more than TorchServe may take.
smoke_test() {
  local curl=(curl --silent --show-error --fail --max-time 130)
  expect '"status": *"ok"' "${curl[@]}" --retry 1000 --retry-delay 5 --retry-all-errors --retry-max-time "$WAIT_S" \
    "$URL/predictions/$MODEL"
  expect '^[[{]' "${curl[@]}" --header 'content-type: application/json' --data '{"inputs": "hello world"}' \
    "$URL/predictions/$MODEL"
}

main() {
  read_arguments "$@"
  read_settings
  need gcloud kubectl gke-gcloud-auth-plugin curl
  MODEL=${MODEL:-bert}
  WAIT_S=${WAIT_S:-1800}
  IMAGE=$REGION-docker.pkg.dev/$PROJECT/berth/berth
  TAG=$(git -C "$ROOT" describe --always --dirty 2>/dev/null || echo unversioned)
  # The context that get-credentials writes: never the one that happens to be current.
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
