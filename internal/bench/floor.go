package main

import (
	"os"
	"runtime"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// floorArgument makes this program the floor: kustomize's library alone, over a checkout.
const floorArgument = "floor"

// floor renders every directory with kustomize in this process, and throws the manifests away: what rendering costs at
// least, whoever does it. The generated repository sets no custom schema, so concurrent rendering is safe.
func floor(dirs []string) error {
	next := make(chan string)
	failed := make(chan error, len(dirs))
	var workers sync.WaitGroup
	for range runtime.NumCPU() {
		workers.Go(func() {
			for dir := range next {
				if err := renderAlone(dir); err != nil {
					failed <- err
				}
			}
		})
	}
	for _, dir := range dirs {
		next <- dir
	}
	close(next)
	workers.Wait()
	close(failed)
	return <-failed
}

func renderAlone(dir string) error {
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified
	options.LoadRestrictions = types.LoadRestrictionsNone
	objects, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return err
	}
	manifest, err := objects.AsYaml()
	if err != nil {
		return err
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	_, err = null.Write(manifest)
	return err
}
