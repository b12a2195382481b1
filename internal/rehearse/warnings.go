package rehearse

import "context"

// listener is the key of a context's function that hears warnings.
type listener struct{}

// hearing gives a context whose requests tell hear what the API server warns of, before they return.
func hearing(ctx context.Context, hear func(warning string)) context.Context {
	return context.WithValue(ctx, listener{}, hear)
}

// warnings hands the API server's warnings to whoever listens to a request.
type warnings struct{}

// HandleWarningHeaderWithContext implements rest.WarningHandlerWithContext.
func (warnings) HandleWarningHeaderWithContext(ctx context.Context, _ int, _, text string) {
	if hear, ok := ctx.Value(listener{}).(func(string)); ok {
		hear(text)
	}
}
