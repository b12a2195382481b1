package render

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"runtime/debug"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/provenance"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/heap"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// build renders one target. It fails only when the connection to the pool did.
func build(store *store, job jobMessage, maxOutput int64) (meta metaMessage, output []byte, err error) {
	repo := newRepository(store, job.RootOID)
	var notes finding.List
	if job.Kind == config.Manifests {
		notes = synthesize(repo, job.Dir)
	}
	in := inspect(repo, job)
	in.notes = append(notes, in.local(in.notes)...)
	if !job.RootOnly {
		in.notes = append(in.notes, in.local(in.beyond)...)
	}
	meta.Findings = in.notes
	if pos, asked := in.annotatesOrigins(); asked && len(repo.mounts) > 0 {
		in.refuse("render/remote-base", pos, "annotations of origins and a remote base do not go together here: remove one of the two")
	}
	if !in.applyEdits() && repo.failure == nil {
		return metaMessage{}, nil, errors.New("a kustomization changed while it was read")
	}
	switch {
	case repo.failure != nil:
		return metaMessage{}, nil, repo.failure
	case len(in.refusals) > 0:
		meta.Failed = true
		meta.Findings = append(meta.Findings, in.refusals...)
		meta.Findings = append(meta.Findings, in.suspects...)
	default:
		if in.openapi {
			openapi.ResetOpenAPI() // a custom schema replaces the built-in one only where that was not loaded yet
		}
		objects, crash := run(in, job)
		meta.Retire = crash.panicked || openapi.GetSchemaVersion() != builtinSchema
		switch {
		case repo.failure != nil:
			return metaMessage{}, nil, repo.failure
		case crash.err != nil:
			meta.Failed = true
			meta.Findings = append(meta.Findings, in.explain(job, crash)...)
		default:
			meta.Objects, output, err = collect(objects, maxOutput)
			if err != nil {
				meta.Objects, output, meta.Failed = nil, nil, true
				meta.Findings = append(meta.Findings, problem("render/too-large", finding.Pos{}, "%s", err))
				break
			}
			meta.Findings = append(meta.Findings, in.local(in.vain)...)
			assign(meta.Objects, in.origins)
			in.nameOrigins(meta.Objects)
		}
	}
	meta.Findings = in.ofRepository(meta.Findings)
	meta.Findings.Sort()
	for _, m := range repo.mounts {
		meta.Remotes = append(meta.Remotes, m.name)
	}
	for _, chart := range repo.charts {
		if chart.name != "" {
			meta.Remotes = append(meta.Remotes, chart.name)
		}
	}
	slices.Sort(meta.Remotes)
	meta.Remotes = slices.Compact(meta.Remotes)
	meta.Inputs = repo.closure()
	return meta, output, nil
}

// builtinSchema is what kustomize says its schema is when no kustomization sets one.
var builtinSchema = openapi.GetSchemaVersion()

// crash is how kustomize failed.
type crash struct {
	err      error
	panicked bool
}

func run(in *inspection, job jobMessage) (objects resmap.ResMap, failed crash) {
	defer func() {
		if r := recover(); r != nil {
			failed = crash{fmt.Errorf("%v", r), true}
		}
	}()
	options := krusty.MakeDefaultOptions() // as the CLI does, with the same changes as it makes without flags
	options.Reorder = krusty.ReorderOptionUnspecified
	options.LoadRestrictions = types.LoadRestrictionsNone
	if job.RootOnly {
		options.LoadRestrictions = types.LoadRestrictionsRootOnly
	}
	files := newFileSystem(in.repo)
	if failed.err = offerCharts(in, files); failed.err != nil {
		return nil, failed
	}
	objects, err := krusty.MakeKustomizer(options).Run(files, path.Join(files.mount, job.Dir))
	if err == nil {
		err = signAsCLI(objects)
	}
	if err != nil {
		err = errors.New(strings.NewReplacer(files.mount, mount, remoteMount, mount+"/"+remoteMounts).Replace(err.Error()))
	}
	return objects, crash{err: err}
}

// cliVersion is the release of the kustomize CLI that uses the version of kustomize's API in go.mod.
const cliVersion = "v5.8.2"

// signAsCLI corrects the version in the label that `buildMetadata: [managedByLabel]` asks for: kustomize takes it
// from the program it is part of.
func signAsCLI(objects resmap.ResMap) error {
	ours := "kustomize-" + provenance.GetProvenance().Semver()
	for _, res := range objects.Resources() {
		labels := res.GetLabels(konfig.ManagedbyLabelKey)
		if labels[konfig.ManagedbyLabelKey] != ours {
			continue
		}
		labels = res.GetLabels()
		labels[konfig.ManagedbyLabelKey] = "kustomize-" + cliVersion
		if err := res.SetLabels(labels); err != nil {
			return err
		}
	}
	return nil
}

// collect serialises the objects as the CLI does.
func collect(objects resmap.ResMap, most int64) ([]objectMessage, []byte, error) {
	var out bytes.Buffer
	messages := make([]objectMessage, 0, objects.Size())
	for i, res := range objects.Resources() {
		text, err := encode(res)
		if err != nil {
			return nil, nil, fmt.Errorf("%s %s cannot be written as YAML: %w", res.GetKind(), res.GetName(), err)
		}
		if i > 0 {
			out.WriteString(separator)
		}
		out.Write(text)
		if int64(out.Len()) > most {
			return nil, nil, fmt.Errorf("the manifest is larger than %d MiB", most>>20)
		}
		id := manifest.ID{Kind: res.GetKind(), Namespace: res.GetNamespace(), Name: res.GetName()}
		message := objectMessage{ID: id, Size: len(text)}
		message.ID.Group, message.Version = manifest.SplitAPIVersion(res.GetApiVersion())
		messages = append(messages, message)
	}
	return messages, out.Bytes(), nil
}

// separator stands between the objects of a manifest.
const separator = "---\n"

// warm makes kustomize load its built-in schema, which every target with a patch needs.
func warm() { openapi.Schema() }

// tuneMemory makes the garbage collector lazy while there is room: a worker's garbage is short-lived.
func tuneMemory(limit int64) {
	heap.Settle(250) // at 175 a worker takes some 15 MB less and a twentieth more time, at 400 some 40 MB more
	debug.SetMemoryLimit(limit / 4 * 3)
	debug.SetMaxStack(256 << 20)
}
