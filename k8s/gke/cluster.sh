#!/usr/bin/env bash
# Makes a GKE cluster with NVIDIA L4s in an empty Google Cloud project. Run again, it creates what is missing.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=commands.sh
source "$(dirname "${BASH_SOURCE[0]}")/commands.sh"

usage() {
  cat <<'END'
PROJECT=my-project REGION=europe-west4 k8s/gke/cluster.sh [--dry-run]

Creates a network, an image repository, an account for the nodes, a regional cluster, and a pool of L4s that starts
empty. Whatever exists already is left as it is, even a cluster of that name that this script did not make.

  PROJECT    the id of a Google Cloud project with billing (required)
  REGION     a region that has L4s (required)
  CLUSTER    the cluster's name (berth)
  MAX_GPUS   the largest number of L4 nodes at a time (2)
  --dry-run  print every command, as a script, and run none
END
}

read_arguments() {
  local argument
  for argument; do
    case $argument in
      --help) usage && exit ;;
      --dry-run) DRY_RUN=yes ;;
      *) usage_error "unknown argument '$argument'" ;;
    esac
  done
}

# unless PROBE... -- COMMAND...: runs COMMAND if PROBE fails. If PROBE failed for another reason than a missing thing
# (rights, network), COMMAND fails too, and its message is the one to read.
unless() {
  local probe=()
  while [[ $1 != -- ]]; do
    probe+=("$1")
    shift
  done
  shift
  if [[ $DRY_RUN == yes ]]; then
    printf '%s >/dev/null 2>&1 ||\n  %s\n' "$(quoted "${probe[@]}")" "$(quoted "$@")"
  elif "${probe[@]}" >/dev/null 2>&1; then
    say "exists already: $(quoted "${probe[@]}")"
  else
    run "$@"
  fi
}

# Image streaming is the Container File System API.
enable_services() {
  run gcloud services enable "${IN_PROJECT[@]}" artifactregistry.googleapis.com cloudresourcemanager.googleapis.com \
    compute.googleapis.com container.googleapis.com containerfilesystem.googleapis.com iam.googleapis.com
}

# The nodes' own identity: the default one has no rights in organisations made since May 2024, and too many in others.
# https://cloud.google.com/kubernetes-engine/security/configure-node-service-accounts
create_account() {
  unless gcloud iam service-accounts describe "$ACCOUNT" "${IN_PROJECT[@]}" -- \
    gcloud iam service-accounts create "${ACCOUNT%@*}" "${IN_PROJECT[@]}"
}

# Our own network: some organisations have none named `default`, and that one lets SSH in from everywhere.
create_network() {
  unless gcloud compute networks describe berth "${IN_PROJECT[@]}" -- \
    gcloud compute networks create berth "${IN_PROJECT[@]}" --subnet-mode=auto
}

# The load balancer's health check asks port 8090, which no Service has: GKE's own rule may leave it out.
create_firewall_rule() {
  unless gcloud compute firewall-rules describe berth-health "${IN_PROJECT[@]}" -- \
    gcloud compute firewall-rules create berth-health "${IN_PROJECT[@]}" --network=berth --direction=INGRESS \
    --allow=tcp:8090 --source-ranges=35.191.0.0/16,130.211.0.0/22
}

create_repository() {
  unless gcloud artifacts repositories describe berth "${IN_REGION[@]}" -- \
    gcloud artifacts repositories create berth "${IN_REGION[@]}" --repository-format=docker
}

# Granting a role twice changes nothing. Image streaming needs serviceUsageConsumer for an account other than the
# default one. https://cloud.google.com/kubernetes-engine/docs/how-to/image-streaming
grant_roles() {
  local role
  for role in container.defaultNodeServiceAccount serviceusage.serviceUsageConsumer; do
    run gcloud projects add-iam-policy-binding "$PROJECT" \
      --member="serviceAccount:$ACCOUNT" --role="roles/$role" --condition=None --format=none
  done
  run gcloud artifacts repositories add-iam-policy-binding berth "${IN_REGION[@]}" \
    --member="serviceAccount:$ACCOUNT" --role=roles/artifactregistry.reader --format=none
}

# Regional: the control plane survives the loss of a zone, and the pool below may look for L4s in several. The pool that
# comes with a cluster is the CPU pool, for GKE's own pods and the overlay gke-cpu. 50 GB hold the image several times;
# the default, three times 100, is more SSD than a new project may have.
# https://github.com/terraform-google-modules/terraform-google-kubernetes-engine/issues/1795
create_cluster() {
  unless gcloud container clusters describe "$CLUSTER" "${IN_REGION[@]}" -- \
    gcloud container clusters create "$CLUSTER" "${IN_REGION[@]}" \
    --release-channel=regular --network=berth --subnetwork=berth --enable-dataplane-v2 --gateway-api=standard \
    --enable-managed-prometheus --enable-image-streaming --workload-pool="$PROJECT.svc.id.goog" \
    --service-account="$ACCOUNT" --machine-type=e2-standard-4 --disk-size=50 --num-nodes=1 \
    --enable-autoscaling --total-min-nodes=1 --total-max-nodes=4
}

# gpu-driver-version: GKE installs the driver; no DaemonSet is needed. Not every zone of a region has L4s;
# location-policy ANY takes one wherever it is. An upgrade has no spare GPU: it replaces one node after the other.
create_gpu_pool() {
  query ZONES gcloud compute accelerator-types list "${IN_PROJECT[@]}" \
    --filter="name~^nvidia-l4$ AND zone~/$REGION-" --format='value(zone.basename())'
  unless gcloud container node-pools describe l4 --cluster="$CLUSTER" "${IN_REGION[@]}" -- \
    gcloud container node-pools create l4 --cluster="$CLUSTER" "${IN_REGION[@]}" --node-locations="$ZONES" \
    --machine-type=g2-standard-8 --disk-size=50 --accelerator=type=nvidia-l4,count=1,gpu-driver-version=latest \
    --num-nodes=0 --enable-autoscaling --total-min-nodes=0 --total-max-nodes="${MAX_GPUS:-2}" --location-policy=ANY \
    --max-surge-upgrade=0 --max-unavailable-upgrade=1 \
    --enable-image-streaming --workload-metadata=GKE_METADATA --service-account="$ACCOUNT"
}

main() {
  read_arguments "$@"
  read_settings
  need gcloud
  IN_PROJECT=(--project="$PROJECT")
  IN_REGION=(--location="$REGION" --project="$PROJECT")
  ACCOUNT=berth-nodes@$PROJECT.iam.gserviceaccount.com
  enable_services
  create_account # early, because a new account cannot be given roles at once
  create_network
  create_firewall_rule
  create_repository
  grant_roles
  create_cluster
  create_gpu_pool
  if [[ $DRY_RUN == no ]]; then say "next: PROJECT=$PROJECT REGION=$REGION CLUSTER=$CLUSTER k8s/gke/deploy.sh"; fi
}

main "$@"
