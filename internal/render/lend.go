package render

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"io/fs"
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
	tree, name := l.find(string(request.payload))
	if tree == nil {
		return frame{frameRefused, []byte(refusedAbsent)}, nil
	}
	return answer(tree, frame{request.kind, []byte(name)})
}

// find gives the tree that a path of the worker's lies in, nil where there is none, and the path within that tree.
func (l *lender) find(name string) (Tree, string) {
	rest, ok := strings.CutPrefix(name, remoteMounts)
	if !ok {
		return l.own, name
	}
	id, below, _ := strings.Cut(rest, "/")
	return l.lent[id], cmp.Or(below, ".")
}

// ahead gives what the worker will ask for after a question, as records; nothing for most.
func (l *lender) ahead(request frame, known *ahead) []byte {
	tree, name := l.find(string(request.payload))
	if tree == nil || request.kind != frameDir || !fs.ValidPath(name) {
		return nil
	}
	return known.collect(tree, name)
}

// fetch answers what needs the network.
func (l *lender) fetch(ctx context.Context, request frame) frame {
	if request.kind == frameChart {
		return l.hand(ctx, request)
	}
	return l.lend(ctx, request)
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
