package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
)

// flagsFile holds the flags of the platform's bundle, by program. It is read at each start: a changed file counts from
// the next one on.
const flagsFile = "flags.json"

// withBundle adds the bundle's flags for a program to the engine's own. The engine's own cannot be overridden: they are
// what makes a cluster separate from its neighbours.
func withBundle(program string, own []string) ([]string, error) {
	content, err := os.ReadFile(flagsFile)
	if errors.Is(err, os.ErrNotExist) {
		return own, nil
	}
	if err != nil {
		return nil, err
	}
	var byProgram map[string][]string
	if err := json.Unmarshal(content, &byProgram); err != nil {
		return nil, fmt.Errorf("%s: %w", flagsFile, err)
	}
	taken := map[string]bool{}
	for _, argument := range own {
		taken[nameOf(argument)] = true
	}
	for _, argument := range byProgram[program] {
		if !strings.HasPrefix(argument, "--") || !strings.Contains(argument, "=") {
			return nil, fmt.Errorf("%s: %q is no flag; write it as --NAME=VALUE", program, argument)
		}
		if taken[nameOf(argument)] {
			return nil, fmt.Errorf("%s: %s is the engine's own and stays as it is", program, nameOf(argument))
		}
	}
	return append(own, byProgram[program]...), nil
}

func nameOf(argument string) string {
	name, _, _ := strings.Cut(argument, "=")
	return name
}
