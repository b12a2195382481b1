//go:build linux && !amd64 && !arm64

package render

import "errors"

func refuseSystemCalls() error { return errors.ErrUnsupported }
