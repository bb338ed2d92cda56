#!/usr/bin/env bash
# localhost/debian:bookworm-slim out of Debian's packages, for a machine that reaches no container registry: slim as the
# public image is, without documentation and translations.
set -euo pipefail

image=localhost/debian:bookworm-slim
podman image exists "$image" && exit

rootfs=$(mktemp --suffix=.tar)
trap 'rm -f "$rootfs"' EXIT
mmdebstrap --quiet --variant=minbase --include=ca-certificates \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$rootfs"
podman import --quiet "$rootfs" "$image"
