#!/usr/bin/env bash
# agent.sh ARCH VERSION OUT : vzagent, static, the same bytes wherever it is built with the same Go.
set -euo pipefail
arch=$1 version=$2 out=$(realpath -m "$3")
cd "$(dirname "$(realpath "$0")")/../agent"
CGO_ENABLED=0 GOOS=linux GOARCH=$arch GOFLAGS=-mod=readonly \
  go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=$version" -o "$out" .
