#!/bin/sh
# verify.sh FILE NAME: fails unless checksums.txt of the action has the checksum of the file under that name.
set -eu
sums=$(dirname "$0")/../action/checksums.txt
sum=$({ sha256sum "$1" 2>/dev/null || shasum -a 256 "$1"; } | cut -d ' ' -f 1)
grep -qx "$sum  $2" "$sums" || {
	echo "$2 has the checksum $sum, which $sums does not name: the build is not reproducible here" >&2
	exit 1
}
