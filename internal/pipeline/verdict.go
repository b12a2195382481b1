package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/policy"
	"github.com/sluice-dev/sluice/internal/schema"
)

// Memory keeps what is costly to find out, from run to run, under keys that say all that it was found from but the program: that
// is for the memory to know. It gives exactly what was put under a key, or nothing. It must be safe for concurrent use.
type Memory interface {
	Get(key [sha256.Size]byte) (content []byte, ok bool)
	Put(key [sha256.Size]byte, content []byte)
}

// verdict is what the checks of one rendering, among what others deploy, say, before the configuration has its word.
type verdict struct {
	Schema schema.Result
	Policy policy.Result
}

// verdict judges a rendering, unless the memory knows what would come out.
func (j *judge) verdict(ctx context.Context, kubernetes string, r Rendering, target plan.Target, with schema.Context, others []policy.Neighbour) (verdict, error) {
	key, ok := j.verdictKey(kubernetes, r, target, with, others)
	if ok {
		var v verdict
		if remembered(j.check.Memory, key, &v) {
			return v, nil
		}
	}
	var v verdict
	var err error
	end := j.check.begin(phaseSchema, target.ID, r.side)
	v.Schema, err = j.schemas.Check(kubernetes, r.Objects, with)
	end()
	if err != nil {
		return v, err
	}
	end = j.check.begin(phasePolicy, target.ID, r.side)
	v.Policy, err = j.policies.check(ctx, target, r.Objects, others)
	end()
	if err != nil {
		return v, err
	}
	if ok && !v.Policy.Incomplete { // a limit may have been met by chance
		remember(j.check.Memory, key, v)
	}
	return v, nil
}

// verdictKey names a verdict by all that it depends on; ok is false where that cannot be told, or where it must not be kept.
func (j *judge) verdictKey(kubernetes string, r Rendering, target plan.Target, with schema.Context, others []policy.Neighbour) (key [sha256.Size]byte, ok bool) {
	if j.check.Memory == nil || !r.Kept || with.Admission != nil || with.Schemas != nil {
		return key, false
	}
	rules, ok := j.policies.identity(target.Environment)
	if !ok {
		return key, false
	}
	h := sha256.New()
	fmt.Fprintf(h, "verdict\n%q\n%s\n%x\n", kubernetes, rules, with.Custom.Digest())
	digestObjects(h, with.Old)
	digestObjects(h, r.Objects)
	for _, other := range others {
		fmt.Fprintf(h, "%q %t ", other.Target, other.Same)
		digestObjects(h, []*manifest.Object{other.Object})
	}
	return [sha256.Size]byte(h.Sum(nil)), true
}

func digestObjects(w io.Writer, objects []*manifest.Object) {
	fmt.Fprintf(w, "%d objects\n", len(objects))
	for _, o := range objects {
		fmt.Fprintf(w, "%q %q %q %q %q %d\n", o.ID.Group, o.Version, o.ID.Kind, o.ID.Namespace, o.ID.Name, len(o.Text))
		fmt.Fprintf(w, "%q\n%s", o.Origin.File, o.Text)
	}
}

// remembered fills a value from the memory; ok is false where it is not there, or is not what this program would have put.
func remembered(memory Memory, key [sha256.Size]byte, into any) (ok bool) {
	data, ok := memory.Get(key)
	if !ok {
		return false
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into) == nil
}

func remember(memory Memory, key [sha256.Size]byte, value any) {
	if data, err := json.Marshal(value); err == nil {
		memory.Put(key, data)
	}
}

// identity says all that decides what the rules of an environment say of an object, but the program; ok is false where a rule may
// look at the clock, or at chance.
func (b *rulebook) identity(environment string) (text string, ok bool) {
	b.digest.Do(func() {
		if b.digested, b.digestable = digestPolicies(b.tree, b.directories); b.digestable && len(b.remote) > 0 {
			loaded, err := b.load()
			b.digested, b.digestable = fmt.Sprintf("%s %q", b.digested, b.remote), err == nil && !loaded.engine.Unsteady()
		}
	})
	return fmt.Sprintf("%s\n%q", b.digested, optionsText(b.options(environment))), b.digestable
}

// optionsText is equal where options are.
func optionsText(opts policy.Options) string {
	text, err := json.Marshal(opts)
	if err != nil { // they hold names and numbers
		panic(err)
	}
	return string(text)
}

// byChance matches the names of Rego's functions that give something else from run to run.
var byChance = regexp.MustCompile(`now_ns|intn|rfc4122|runtime`)

func digestPolicies(tree Tree, directories []string) (digest string, ok bool) {
	h := sha256.New()
	for _, dir := range directories {
		oid, known := tree.OID(dir)
		if !known {
			return "", false
		}
		fmt.Fprintf(h, "%q %q\n", dir, oid)
		err := fs.WalkDir(tree, dir, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || path.Ext(name) != ".rego" {
				return err
			}
			data, err := tree.ReadFile(name)
			if err == nil && byChance.Match(data) {
				err = fmt.Errorf("%s looks at the clock", name)
			}
			return err
		})
		if err != nil {
			return "", false
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)), true
}

// unremarkable reports whether nothing can be wrong with the policies of a configuration: they are the built-in ones, and those of the
// bundles are all on.
func unremarkable(cfg *config.Config, tree Tree) bool {
	return len(policyDirectories(cfg, tree)) == 0 && len(cfg.Policies.Remote) == 0 && len(cfg.Policies.Disable) == 0
}
