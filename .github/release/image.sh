#!/bin/sh
# Builds the image and holds it to what is promised: small, not root, and it runs. Says so and succeeds where there is no Docker.
# Arguments are handed to docker build.
set -eu
cd "$(dirname "$0")/../.."
if ! docker info >/dev/null 2>&1; then
	echo "no Docker here: the image is not checked"
	exit 0
fi

# A repository with a change, of somebody else than the image's user, to check in the image.
repo=$(mktemp -d)
trap 'rm -rf "$repo"' EXIT
chmod 755 "$repo"
(
	cd "$repo"
	git init --quiet
	mkdir -p apps/shop/overlays/prod
	printf 'resources: [settings.yaml]\n' >apps/shop/overlays/prod/kustomization.yaml
	for colour in red blue; do
		printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: %s}\n' $colour >apps/shop/overlays/prod/settings.yaml
		git add --all
		git -c user.name=a -c user.email=a@example.com commit --quiet --message $colour
	done
)

check() { # code, words, arguments of sluice check
	want=$1
	words=$2
	shift 2
	code=0
	said=$(docker run --rm --network none --read-only --tmpfs /tmp --volume "$repo:/repo:ro" sluice:check check --base HEAD~1 "$@" 2>&1) || code=$?
	case $code/$said in "$want"/*"$words"*) ;; *)
		printf 'sluice check %s in the image: exit code %s, want %s and "%s":\n%s\n' "$*" "$code" "$want" "$words" "$said" >&2
		exit 1
		;;
	esac
}

for buildkit in 1 0; do
	if [ $buildkit = 1 ] && ! DOCKER_BUILDKIT=1 docker build --help >/dev/null 2>&1; then
		echo "no BuildKit here: the image is not built with it"
		continue
	fi
	DOCKER_BUILDKIT=$buildkit docker build --quiet --tag sluice:check "$@" . >/dev/null
	size=$(docker image inspect --format '{{.Size}}' sluice:check)
	user=$(docker image inspect --format '{{.Config.User}}' sluice:check)
	[ "$size" -lt 120000000 ] || { echo "the image has $size bytes, 120,000,000 are allowed" >&2; exit 1; }
	[ "$user" = 65534:65534 ] || { echo "the image runs as '$user'" >&2; exit 1; }
	docker run --rm --network none --read-only sluice:check version
	docker run --rm --network none --read-only --tmpfs /tmp sluice:check demo >/dev/null
	docker run --rm --network none --read-only --entrypoint git sluice:check --version >/dev/null
	check 0 "1 change" # it reads what another user owns, and writes nothing there
	check 3 "there is no docker command" --rehearse kind # docs/image.md
	echo "BuildKit $buildkit: $size bytes, user $user"
done
