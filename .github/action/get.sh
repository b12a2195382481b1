#!/bin/sh
# Gets the sluice program for the action and writes its path to the step output "program".
#
# A release commits the checksums of its binaries to checksums.txt beside this file ("<sha256>  sluice_<os>_<arch>", and a
# line "version <tag>"), so whoever pins the action by commit pins the binary too, wherever it comes from. A binary that does
# not match is never run. Where there is no release for this commit or platform, or it cannot be fetched, the program is built
# with Go from the action's own checkout.
#
# For runners that do not reach github.com, SLUICE_RELEASES names a copy of the releases: VERSION/sluice_OS_ARCH below it.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
sums=${SLUICE_CHECKSUMS:-$here/checksums.txt}
releases=${SLUICE_RELEASES:-https://github.com/sluice-dev/sluice/releases/download}
stall=${SLUICE_STALL:-20} # seconds without a byte, after which a download is tried again
scratch=${RUNNER_TEMP:-$(mktemp -d)} # of this job alone
tools=${RUNNER_TOOL_CACHE:-$scratch} # kept from job to job, where runners have it

fail() {
	echo "::error title=sluice::$1"
	exit 1
}

matches() { # file sum
	echo "$2  $1" | { sha256sum --check --status 2>/dev/null || shasum -a 256 --check --status 2>/dev/null; }
}

done_with() {
	echo "program=$1" >>"$GITHUB_OUTPUT"
	exit 0
}

case $(uname -s) in
Linux) os=linux ;;
Darwin) os=darwin ;;
*) fail "sluice runs on Linux and macOS runners" ;;
esac
case $(uname -m) in
x86_64 | amd64) arch=amd64 ;;
aarch64 | arm64) arch=arm64 ;;
*) arch=$(uname -m) ;;
esac
name=sluice_${os}_${arch}
why="there is no released binary for this commit and platform"

if [ -f "$sums" ]; then
	version=$(sed -n 's/^version //p' "$sums")
	sum=$(sed -n "s/^\([0-9a-f]\{64\}\)  $name\$/\1/p" "$sums")
	if [ -n "$version" ] && [ -n "$sum" ]; then
		for dir in "$tools/sluice/$sum" "$scratch/sluice/$sum"; do
			if [ -f "$dir/sluice" ] && [ -x "$dir/sluice" ] && matches "$dir/sluice" "$sum"; then
				done_with "$dir/sluice"
			fi
		done
		dir=$tools/sluice/$sum
		if ! { mkdir -p "$dir" && part=$(mktemp "$dir/part.XXXXXX"); } 2>/dev/null; then # a tool cache that is only read
			dir=$scratch/sluice/$sum
			mkdir -p "$dir"
			part=$(mktemp "$dir/part.XXXXXX")
		fi
		trap 'rm -f "$part"' EXIT
		# A slow line is waited for, one on which nothing comes is not.
		if curl --fail --silent --show-error --location --retry 3 --retry-max-time 120 --connect-timeout 10 --speed-limit 1 --speed-time "$stall" \
			--max-time 600 --output "$part" "$releases/$version/$name"; then
			matches "$part" "$sum" ||
				fail "the downloaded $name $version does not have the checksum that this action's commit names: not running it"
			chmod 755 "$part"
			mv -f "$part" "$dir/sluice" # at once, whoever else does so too
			done_with "$dir/sluice"
		fi
		why="sluice $version could not be downloaded from $releases"
		echo "$why: building it from source"
	fi
fi

command -v go >/dev/null 2>&1 ||
	fail "$why, and there is no Go to build one: add actions/setup-go before sluice"
# Another step of this job finds the program here: Go builds it again only where something has changed.
built=$scratch/sluice/built
mkdir -p "$built"
(cd "$source" && CGO_ENABLED=0 GOWORK=off GOFLAGS=-mod=readonly go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$built/sluice" ./cmd/sluice) ||
	fail "building sluice from source failed: see the log above"
done_with "$built/sluice"
