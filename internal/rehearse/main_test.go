package rehearse

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the expected findings anew")

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		child()
		return
	}
	os.Exit(m.Run())
}
