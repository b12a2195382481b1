package config

import "testing"

// TestRehearseAlone holds that the provider can stand in place of the mapping.
func TestRehearseAlone(t *testing.T) {
	t.Parallel()
	short, problems := Parse(FileName, []byte("rehearse: kind\n"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	long, problems := Parse(FileName, []byte("rehearse: {provider: kind}\n"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if short.Rehearse.Provider != RehearseKind || short.Rehearse.Provider != long.Rehearse.Provider || short.Rehearse.Timeout != long.Rehearse.Timeout {
		t.Errorf("alone it is %+v, in a mapping %+v", short.Rehearse, long.Rehearse)
	}
	if pos := short.Pos("rehearse", "provider"); pos.Line != 1 {
		t.Errorf("the provider stands at %s", pos)
	}
	if !short.Rehearses("anything") {
		t.Error("without environments, all are rehearsed")
	}
}
