#!/bin/sh
# build.sh VERSION DIRECTORY [OS/ARCH]...
#
# Builds the released binaries into a directory, with checksums.txt beside them in the form that .github/action/get.sh reads. The
# same source and Go version give the same bytes, wherever it runs: no paths, no VCS stamps, no C. Without platforms: all.
set -eu
version=$1
out=$2
shift 2
[ $# -gt 0 ] || set -- linux/amd64 linux/arm64 darwin/amd64 darwin/arm64
case $version in v[0-9]*.[0-9]*.[0-9]*) ;; *)
	echo "version $version: want v1.2.3" >&2
	exit 2
	;;
esac
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$(dirname "$0")/../.."
for platform; do
	os=${platform%/*}
	arch=${platform#*/}
	CGO_ENABLED=0 GOOS=$os GOARCH=$arch GOFLAGS=-mod=readonly go build -trimpath -buildvcs=false \
		-ldflags "-s -w -buildid= -X github.com/sluice-dev/sluice/internal/cli.version=$version" \
		-o "$out/sluice_${os}_${arch}" ./cmd/sluice
done
cd "$out"
{
	echo "version $version"
	for file in sluice_*_*; do
		{ sha256sum "$file" 2>/dev/null || shasum -a 256 "$file"; } | sed 's/^\([0-9a-f]*\)[ *]*/\1  /'
	done
} >checksums.txt
