package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStages(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		order        []Stage
		environments []string
		want         [][]string
	}{
		"none":     {},
		"detected": {nil, []string{"dev", "qa", "test", "prod"}, [][]string{{"dev"}, {"qa", "test"}, {"prod"}}},
		"unknown":  {nil, []string{"blue", "green"}, [][]string{{"blue"}, {"green"}}},
		"ordered":  {[]Stage{{"green"}, {"us", "eu"}, {"gone"}}, []string{"eu", "green", "us"}, [][]string{{"green"}, {"us", "eu"}}},
	} {
		c := &Config{Order: test.order}
		if diff := cmp.Diff(test.want, c.Stages(test.environments)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
