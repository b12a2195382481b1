#!/bin/sh
# Gets the sluice program for the action and writes its path to the step output "program".
#
# A release commits the checksums of its binaries to checksums.txt beside this file ("<sha256>  sluice_<os>_<arch>", and a
# line "version <tag>"), so whoever pins the action by commit pins the binary too. A binary that does not match is never
# run. Where there is no release for this commit or platform, or it cannot be fetched, the program is built with Go from
# the action's own checkout.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
sums=${SLUICE_CHECKSUMS:-$here/checksums.txt}
releases=${SLUICE_RELEASES:-https://github.com/sluice-dev/sluice/releases/download}
cache=${RUNNER_TOOL_CACHE:-${TMPDIR:-/tmp}}/sluice
stall=${SLUICE_STALL:-20} # seconds without a byte, after which a download is tried again

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

if [ -f "$sums" ]; then
	version=$(sed -n 's/^version //p' "$sums")
	sum=$(sed -n "s/^\([0-9a-f]\{64\}\)  $name\$/\1/p" "$sums")
	if [ -n "$version" ] && [ -n "$sum" ]; then
		program=$cache/$sum/sluice
		if [ -f "$program" ] && matches "$program" "$sum"; then
			done_with "$program"
		fi
		mkdir -p "$cache/$sum"
		part=$(mktemp "$cache/$sum/part.XXXXXX")
		trap 'rm -f "$part"' EXIT
		# A slow line is waited for, one on which nothing comes is not.
		if curl --fail --silent --show-error --location --retry 3 --connect-timeout 10 --speed-limit 1 --speed-time "$stall" --max-time 600 \
			--output "$part" "$releases/$version/$name"; then
			matches "$part" "$sum" ||
				fail "the downloaded $name $version does not have the checksum that this action's commit names: not running it"
			chmod 755 "$part"
			mv "$part" "$program"
			done_with "$program"
		fi
		echo "sluice $version could not be downloaded: building it from source"
	fi
fi

command -v go >/dev/null 2>&1 ||
	fail "there is no released binary for this commit and platform, and no Go to build one: add actions/setup-go before sluice"
mkdir -p "$cache"
built=$(mktemp -d "$cache/built.XXXXXX")
(cd "$source" && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$built/sluice" ./cmd/sluice) ||
	fail "building sluice from source failed: see the log above"
done_with "$built/sluice"
