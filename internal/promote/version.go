package promote

// Version is what one file held from one commit to the next.
type Version struct {
	Seq     int    // the commit's place in history, from 1: larger is newer, comparable between files
	Commit  string // its id, for messages
	Data    []byte
	Deleted bool // the commit removed the file
}

// History gives the versions of files, oldest first. complete is false where the walk was cut short, so that older
// versions may exist. A file that never was has no versions.
type History interface {
	Versions(path string) (versions []Version, complete bool, err error)
}
