// Package footprint keeps a process of the engine small: several of them share a small machine, and one that is up does
// little. What the start needed, and what a burst of work needed, is given back to the machine.
package footprint

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// The heap's growth, in percent of what lives, at which it is collected: while starting, and from then on.
	startingCollection = 50
	settledCollection  = 30

	// How much more may be held than after it was last given back, and how often that is looked at.
	heldGrowth = 12 << 20
	heldPeriod = 10 * time.Second
)

// Start makes the heap tighter than Go's own choice for a little more work. It is to be called first.
func Start() {
	runtime.MemProfileRate = 0 // nobody reads the profile, and keeping it takes megabytes
	collectAt(startingCollection)
}

// Settle gives back what only the start needed, and goes on giving back what each burst of work leaves behind, until
// the context ends. Go's own scavenger keeps what the heap may soon grow into: a third of it. A limit on the memory was
// rejected: a cluster whose objects need more than that would do nothing but collect.
func Settle(ctx context.Context) {
	collectAt(settledCollection)
	giveBack()
	go func() {
		settled := held()
		ticker := time.NewTicker(heldPeriod)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if held() > settled+heldGrowth {
				giveBack()
				settled = held()
			}
		}
	}()
}

// collectAt leaves alone what the user has asked of Go's runtime.
func collectAt(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

func giveBack() {
	debug.FreeOSMemory()
	releaseProgram()
}

// held is how many bytes the runtime holds of the machine's memory.
func held() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
