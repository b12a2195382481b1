package rehearse

import "flag"

var update = flag.Bool("update", false, "write the expected findings anew")
