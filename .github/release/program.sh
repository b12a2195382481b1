#!/bin/sh
# program.sh VERSION FILE: builds the program for this platform. With a version it is the released one, and has the checksum that the
# tagged commit names, or this fails; "" is a build of no version.
set -eu
cd "$(dirname "$0")/../.."
if [ -z "$1" ]; then
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$2" ./cmd/sluice
	exit
fi
platform=$(go env GOOS)/$(go env GOARCH)
name=sluice_$(go env GOOS)_$(go env GOARCH)
out=$(mktemp -d)
.github/release/build.sh "$1" "$out" "$platform"
.github/release/verify.sh "$out/$name" "$name"
mv "$out/$name" "$2"
