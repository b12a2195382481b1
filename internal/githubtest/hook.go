package githubtest

// hook is something that happens in the midst of a run.
type hook struct {
	method, path string
	nth          int // counts down
	do           func()
}

// OnRequest has something happen before the nth request, from 1, of a method ("" is any) and a path pattern, see [Fault], is served.
func (gh *GitHub) OnRequest(method, path string, nth int, do func()) {
	gh.mu.Lock()
	defer gh.mu.Unlock()
	gh.hooks = append(gh.hooks, &hook{method, path, nth, do})
}

func (gh *GitHub) runHooks(method, path string) {
	gh.mu.Lock()
	var due []func()
	for _, h := range gh.hooks {
		if matches(h.method, h.path, method, path) {
			if h.nth--; h.nth == 0 {
				due = append(due, h.do)
			}
		}
	}
	gh.mu.Unlock()
	for _, do := range due {
		do()
	}
}
