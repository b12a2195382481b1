package render

import "io"

const hostileMarker = "__hostile-worker"

func hostile(behaviour string, stdin io.Reader, stdout io.Writer) {}
