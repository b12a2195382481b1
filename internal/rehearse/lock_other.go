//go:build !unix

package rehearse

import "os"

// tryLock cannot lock here: what a killed run leaves stays until it is removed by hand.
func tryLock(*os.File) (ok bool, err error) { return true, nil }
