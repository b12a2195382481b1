package plan

import "sync"

// Memo remembers what the files of a repository name, by their git object id, so that head's graph costs only what
// differs from base. Its zero value is not ready: use [NewMemo]. It is safe for concurrent use.
type Memo struct {
	mu             sync.Mutex
	kustomizations map[string]*kustomization
	plugins        map[string]*plugin
}

// NewMemo gives an empty memo, to be shared by the graphs of one run.
func NewMemo() *Memo {
	return &Memo{kustomizations: make(map[string]*kustomization), plugins: make(map[string]*plugin)}
}

// remember gives what known holds for an object id, making it first when it is missing. Without an id, or with an
// error, nothing is kept.
func remember[T any](mu *sync.Mutex, known map[string]T, oid string, hasOID bool, make func() (T, error)) (T, error) {
	if hasOID {
		mu.Lock()
		value, ok := known[oid]
		mu.Unlock()
		if ok {
			return value, nil
		}
	}
	value, err := make()
	if err == nil && hasOID {
		mu.Lock()
		defer mu.Unlock()
		known[oid] = value
	}
	return value, err
}

// has reports whether the kustomization with an object id is remembered.
func (m *Memo) has(oid string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kustomizations[oid] != nil
}
