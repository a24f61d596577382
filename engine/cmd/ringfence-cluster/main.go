// Command ringfence-cluster is one Kubernetes cluster in one process (run), or one of its parts alone, to compare with.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	logsapi "k8s.io/component-base/logs/api/v1"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"

	"ringfence/engine/internal/cluster"
	"ringfence/engine/internal/footprint"
)

const usage = "usage: ringfence-cluster run --directory DIR | etcd|kube-apiserver|kube-controller-manager|kube-scheduler [FLAG]..."

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	part := os.Args[1]
	os.Args = append([]string{part}, os.Args[2:]...)
	switch part {
	case "run":
		os.Exit(run(os.Args[1:]))
	case "etcd":
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		os.Exit(cli.Run(controllers.NewControllerManagerCommand()))
	case "kube-scheduler":
		os.Exit(cli.Run(scheduler.NewSchedulerCommand()))
	default:
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
}

func run(arguments []string) int {
	flags := flag.NewFlagSet("run", flag.ExitOnError)
	directory := flags.String("directory", "", "the cluster's directory, with its cluster.json")
	_ = flags.Parse(arguments)
	if !filepath.IsAbs(*directory) {
		fmt.Fprintln(os.Stderr, "--directory: an absolute path is needed")
		return 2
	}
	syscall.Umask(0o077) // what it writes is for its owner only
	footprint.Start()
	logsapi.ReapplyHandling = logsapi.ReapplyHandlingIgnoreUnchanged
	if err := cluster.Run(*directory); err != nil {
		fmt.Fprintln(os.Stderr, "ringfence-cluster:", err)
		return 1
	}
	return 0
}
