package argocd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/argoproj/argo-cd/v3/common"

	"ringfence/engine/internal/footprint"
	"ringfence/engine/internal/state"
)

const patience = 2 * time.Minute

// Run is an environment's Argo CD from its start to SIGTERM.
func Run(directory string) error {
	if err := state.Lock(directory); err != nil {
		return err
	}
	// Relative paths for sockets, see components.go.
	if err := os.Chdir(directory); err != nil {
		return err
	}
	config, err := ReadConfig(directory)
	if err != nil {
		return err
	}
	say := func(status state.Status) {
		status.Generation = config.Generation
		status.Version, _, _ = strings.Cut(common.GetVersion().Version, "+")
		if err := state.WriteStatus(directory, status); err != nil {
			fmt.Fprintln(os.Stderr, "status.json:", err)
		}
	}
	say(state.Status{Phase: state.Starting})
	if err := run(config, say); err != nil {
		say(state.Status{Phase: state.Failed, Reason: "Failed", Message: err.Error()})
		return err
	}
	return nil
}

func run(config Config, say func(state.Status)) error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := install(ctx, config); err != nil {
		return err
	}
	failures := make(chan error, 2)
	shared := newMemory(cacheLife)
	go func() { failures <- serveRepositories(ctx, shared) }()
	started := make(chan struct{})
	go func() {
		failures <- control(ctx, config.Kubeconfig, shared, func() { close(started) })
	}()
	for {
		select {
		case err := <-failures:
			if err == nil {
				err = errors.New("a part of Argo CD ended")
			}
			return err
		case <-started:
			started = nil
			say(state.Status{Phase: state.Ready})
			footprint.Settle(ctx)
		case <-signals:
			return nil
		}
	}
}

func install(ctx context.Context, config Config) error {
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	installing, err := newInstaller(config.Management)
	if err != nil {
		return err
	}
	return installing.install(waiting, config)
}
