#!/bin/sh
# Copies git, and all that it is linked with, to a directory that can be the root of an image without anything else.
set -eu
root=$1
copy() {
	for file in "$@"; do
		mkdir -p "$root${file%/*}"
		cp -L "$file" "$root$file"
	done
}
git=$(command -v git)
helper=$(git --exec-path)/git-remote-http
copy "$git" "$helper"
ln -s git-remote-http "$root${helper}s"
# ldd prints "name => /path (address)" and "/path (address)".
for library in $(ldd "$git" "$helper" | sed -n 's/^.*[[:space:]]\(\/[^[:space:]:]*\) (.*$/\1/p' | sort -u); do
	copy "$library"
done
copy /etc/ssl/certs/ca-certificates.crt
mkdir -p "$root/repo" "$root/tmp"
chmod 1777 "$root/tmp"
