package rehearse

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// runPrefix begins the names of all that a run leaves while it lasts: its directory, its clusters.
const runPrefix = "sluice-rehearsal-"

// run is one rehearsal on this machine: a directory that it has locked as long as it lives. Whatever happens to the process, the
// lock ends with it, so that the next run finds what was left.
type run struct {
	dir  string
	id   string // the part of the directory's name that is its own
	lock *os.File
	log  *slog.Logger
}

// openRun makes a run's directory, and removes those of runs that ended without doing so.
func openRun(log *slog.Logger) (*run, error) {
	sweep(log, nil)
	dir, err := os.MkdirTemp("", runPrefix)
	if err != nil {
		return nil, err
	}
	lock, ok, err := lockDir(dir)
	if err == nil && !ok {
		err = errors.New("somebody else has locked it")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), os.RemoveAll(dir))
	}
	return &run{dir: dir, id: strings.TrimPrefix(filepath.Base(dir), runPrefix), lock: lock, log: log}, nil
}

// close removes the directory.
func (r *run) close() error { return errors.Join(os.RemoveAll(r.dir), r.lock.Close()) }

const lockName = "lock"

// lockDir locks a directory until the file is closed; ok is false where another process has locked it.
func lockDir(dir string) (lock *os.File, ok bool, err error) {
	lock, err = os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, err
	}
	if ok, err = tryLock(lock); err != nil || !ok {
		return nil, false, errors.Join(err, lock.Close())
	}
	return lock, true, nil
}

// inTheMaking is how old a directory without a lock must be before it counts as left.
const inTheMaking = time.Minute

// clustersName is a file in the directory of a run that makes clusters: they must go before the directory does.
const clustersName = "clusters"

// sweep removes the directories of runs that are no more, and before that what else they left: removeClusters removes the clusters
// of a run, which it tells by its directory. Without it, directories of runs that made clusters stay.
func sweep(log *slog.Logger, removeClusters func(dir string) error) {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), runPrefix+"*")) // the pattern is good
	for _, dir := range dirs {
		left, release := isLeft(dir)
		if !left {
			continue
		}
		var err error
		if _, none := os.Lstat(filepath.Join(dir, clustersName)); none == nil {
			if removeClusters == nil {
				release()
				continue
			}
			err = removeClusters(dir)
		}
		if err == nil {
			log.Debug("remove what an earlier rehearsal left", "directory", dir)
			err = os.RemoveAll(dir)
		}
		if err != nil {
			log.Warn("what an earlier rehearsal left cannot be removed", "directory", dir, "error", err)
		}
		release()
	}
}

// isLeft reports whether the run that a directory belongs to has ended. Until release, nobody else thinks so.
func isLeft(dir string) (left bool, release func()) {
	if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
		return false, nil
	}
	info, err := os.Lstat(filepath.Join(dir, lockName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		info, err := os.Lstat(dir)
		return err == nil && time.Since(info.ModTime()) > inTheMaking, func() {}
	case err != nil || !info.Mode().IsRegular():
		return false, nil
	}
	lock, ok, err := lockDir(dir)
	if err != nil || !ok {
		return false, nil
	}
	return true, func() { lock.Close() }
}
