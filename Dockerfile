# The image holds the static program and git with what that is linked with, nothing else, and runs as nobody.
# The version of Go is that of go.mod: with VERSION, the program must come out as the released one, byte for byte.
FROM golang:1.26.8-alpine@sha256:8ac98ca534ac3f51e1f420a1dd2c15e74c75cfa0f23f3ad27eb5d7236c349a0c AS build
WORKDIR /src
COPY .github/release/rootfs.sh /
RUN apk add --no-cache git ca-certificates && /rootfs.sh /rootfs
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION
RUN .github/release/program.sh "$VERSION" /sluice

FROM scratch
COPY --from=build /rootfs /
COPY --from=build /sluice /usr/local/bin/sluice
ENV PATH=/usr/local/bin:/usr/bin GIT_SSL_CAINFO=/etc/ssl/certs/ca-certificates.crt
# What is mounted there belongs to somebody else than the image's user: git would not read it.
ENV GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0=/repo
USER 65534:65534
WORKDIR /repo
ENTRYPOINT ["sluice"]
CMD ["--help"]
