// Command ringfence-argocd is one environment's Argo CD in one process.
//
// It is a program of its own: Argo CD's packages change feature gates that Kubernetes' controller manager needs.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	log "github.com/sirupsen/logrus"

	"ringfence/engine/internal/argocd"
	"ringfence/engine/internal/footprint"
)

const usage = "usage: ringfence-argocd run --directory DIR"

func main() {
	if len(os.Args) < 2 || os.Args[1] != "run" {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	flags := flag.NewFlagSet("run", flag.ExitOnError)
	directory := flags.String("directory", "", "the directory with argocd.json")
	_ = flags.Parse(os.Args[2:])
	if !filepath.IsAbs(*directory) {
		fmt.Fprintln(os.Stderr, "--directory: an absolute path is needed")
		os.Exit(2)
	}
	syscall.Umask(0o077) // what it writes is for its owner only
	footprint.Start()
	log.SetLevel(log.WarnLevel)
	if err := argocd.Run(*directory); err != nil {
		fmt.Fprintln(os.Stderr, "ringfence-argocd:", err)
		os.Exit(1)
	}
}
