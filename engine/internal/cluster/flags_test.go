package cluster

import (
	"os"
	"strings"
	"testing"
)

func TestBundleFlags(t *testing.T) {
	own := []string{"--anonymous-auth=false"}
	for name, test := range map[string]struct{ file, problem string }{
		"added":         {`{"kube-apiserver": ["--event-ttl=2h"]}`, ""},
		"other program": {`{"kube-scheduler": ["--v=2"]}`, ""},
		"engine's own":  {`{"kube-apiserver": ["--anonymous-auth=true"]}`, "the engine's own"},
		"no value":      {`{"kube-apiserver": ["--anonymous-auth", "true"]}`, "is no flag"},
		"no JSON":       {`{`, "flags.json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile(flagsFile, []byte(test.file), 0o600); err != nil {
				t.Fatal(err)
			}
			arguments, err := withBundle("kube-apiserver", own)
			if test.problem == "" {
				if err != nil {
					t.Fatal(err)
				}
				if added := strings.Contains(test.file, "event-ttl"); added != (len(arguments) == 2) {
					t.Fatalf("%v", arguments)
				}
			} else if err == nil || !strings.Contains(err.Error(), test.problem) {
				t.Fatalf("%v, not %q", err, test.problem)
			}
		})
	}
}
