# The image holds the static program and git, and runs as nobody.
FROM golang:1.26-alpine AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /sluice ./cmd/sluice

FROM alpine:3.22
RUN apk add --no-cache git
COPY --from=build /sluice /usr/local/bin/sluice
USER 65534:65534
WORKDIR /repo
ENTRYPOINT ["sluice"]
CMD ["--help"]
