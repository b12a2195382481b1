package crew

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestPanicComesHome(t *testing.T) {
	group, ctx := WithContext(t.Context())
	group.Go(func() error { panic("broken") })
	group.Go(func() error {
		<-ctx.Done() // a panic ends the work of the others, as an error does
		return ctx.Err()
	})
	defer func() {
		p, ok := recover().(*Panic)
		if !ok || p.Value != "broken" || !strings.Contains(p.String(), "TestPanicComesHome") {
			t.Errorf("%v", p)
		}
	}()
	t.Errorf("Wait gives %v", group.Wait())
}

func TestPanicOfOneThatNothingBinds(t *testing.T) {
	var group Crew
	group.Go(func() error { panic(errors.New("broken")) })
	defer func() {
		if p, ok := recover().(*Panic); !ok {
			t.Errorf("%v", p)
		}
		if p := recover(); p != nil {
			t.Errorf("%v", p)
		}
	}()
	t.Errorf("Wait gives %v", group.Wait())
}

func TestErrors(t *testing.T) {
	group, ctx := WithContext(t.Context())
	group.SetLimit(1)
	want := errors.New("failed")
	group.Go(func() error { return want })
	group.Go(func() error { return ctx.Err() })
	if err := group.Wait(); err != want || ctx.Err() != context.Canceled {
		t.Errorf("%v, %v", err, ctx.Err())
	}
}
