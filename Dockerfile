# The image holds the static program and git with what that is linked with, nothing else, and runs as nobody.
FROM golang:1.26-alpine AS build
WORKDIR /src
COPY .github/release/rootfs.sh /
RUN apk add --no-cache git ca-certificates && /rootfs.sh /rootfs
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /sluice ./cmd/sluice

FROM scratch
COPY --from=build /rootfs /
COPY --from=build /sluice /usr/local/bin/sluice
ENV PATH=/usr/local/bin:/usr/bin GIT_SSL_CAINFO=/etc/ssl/certs/ca-certificates.crt
USER 65534:65534
WORKDIR /repo
ENTRYPOINT ["sluice"]
CMD ["--help"]
