package render

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
)

// lender answers a worker's questions during one job: about the tree, and about the remote trees that it was lent.
type lender struct {
	options Options
	own     Tree
	lent    map[string]Tree        // by id
	pause   func() (resume func()) // of the deadline: the network's time is not the target's
}

// answer gives the worker what it asks for; machinery is the error of a tree that cannot be read.
func (l *lender) answer(request frame) (reply frame, machinery error) {
	rest, ok := strings.CutPrefix(string(request.payload), remoteMounts)
	if !ok {
		return answer(l.own, request)
	}
	id, below, _ := strings.Cut(rest, "/")
	tree := l.lent[id]
	if tree == nil {
		return frame{frameRefused, []byte(refusedAbsent)}, nil
	}
	if below == "" {
		below = "."
	}
	return answer(tree, frame{request.kind, []byte(below)})
}

// lend fetches the tree of a commit that the settings allow, and tells the worker where it stands.
func (l *lender) lend(ctx context.Context, request frame) frame {
	refused := func(reason string) frame { return frame{frameRefused, []byte(reason)} }
	var ref remoteRef
	if err := json.Unmarshal(request.payload, &ref); err != nil || !fullCommit.MatchString(ref.Commit) || l.options.Remotes == nil {
		return refused(refusedAbsent)
	}
	name := RepositoryName(ref.URL)
	if name == "" || !slices.Contains(l.options.Remote, name+"@"+ref.Commit) {
		return refused(refusedAbsent)
	}
	resume := l.pause()
	tree, err := l.options.Remotes.Commit(ctx, ref.URL, ref.Commit)
	resume()
	if err != nil {
		return refused(err.Error())
	}
	id := rand.Text()
	l.lent[id] = tree
	oid, _ := tree.OID(".")
	l.options.Log.Debug("remote base", slog.String("repository", name), slog.String("commit", ref.Commit))
	payload, err := json.Marshal(remoteReply{ID: id, OID: oid})
	if err != nil {
		return refused(err.Error())
	}
	return frame{frameContent, payload}
}
