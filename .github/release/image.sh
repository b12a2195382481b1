#!/bin/sh
# Builds the image and holds it to what is promised: small, not root, and it runs. Says so and succeeds where there is no Docker.
set -eu
cd "$(dirname "$0")/../.."
if ! docker info >/dev/null 2>&1; then
	echo "no Docker here: the image is not checked"
	exit 0
fi
for buildkit in 1 0; do
	if [ $buildkit = 1 ] && ! docker buildx version >/dev/null 2>&1; then
		echo "no BuildKit here: the image is not built with it"
		continue
	fi
	DOCKER_BUILDKIT=$buildkit docker build --quiet --tag sluice:check . >/dev/null
	size=$(docker image inspect --format '{{.Size}}' sluice:check)
	user=$(docker image inspect --format '{{.Config.User}}' sluice:check)
	[ "$size" -lt 120000000 ] || { echo "the image has $size bytes, 120,000,000 are allowed" >&2; exit 1; }
	[ "$user" = 65534:65534 ] || { echo "the image runs as '$user'" >&2; exit 1; }
	docker run --rm --network none --read-only sluice:check version
	docker run --rm --network none --read-only --tmpfs /tmp sluice:check demo >/dev/null
	docker run --rm --network none --read-only --entrypoint git sluice:check --version >/dev/null
	echo "BuildKit $buildkit: $size bytes, user $user"
done
