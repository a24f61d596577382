package cluster

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/client-go/tools/cache"
	cliflag "k8s.io/component-base/cli/flag"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	apiserveroptions "k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	controlleroptions "k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	scheduleroptions "k8s.io/kubernetes/cmd/kube-scheduler/app/options"

	"ringfence/engine/internal/state"
)

//go:embed audit.yaml
var auditPolicy []byte

// The components' own commands are not used: each installs a signal handler, which a process may have once.

const (
	serviceRange = "10.96.0.0/16"
	podRange     = "10.244.0.0/16"
)

// Controllers that have nothing to do where there is no cloud, no disk to attach and no kubelet that joins.
var idleControllers = []string{
	"persistentvolume-attach-detach-controller",
	"persistentvolume-expander-controller",
	"certificatesigningrequest-signing-controller",
	"certificatesigningrequest-approving-controller",
	"certificatesigningrequest-cleaner-controller",
	"storageversion-garbage-collector-controller",
	"legacy-serviceaccount-token-cleaner-controller",
	"ttl-controller",
}

func runAPIServer(ctx context.Context, directory string, config Config) error {
	policy := filepath.Join(directory, "audit", "policy.yaml")
	if err := os.MkdirAll(filepath.Dir(policy), 0o700); err != nil {
		return err
	}
	if err := state.WriteFile(policy, auditPolicy); err != nil {
		return err
	}
	keys := filepath.Join(directory, "pki")
	options := apiserveroptions.NewServerRunOptions()
	arguments := []string{
		"--etcd-servers=unix://" + etcdSocket,
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", config.Port),
		"--external-hostname=127.0.0.1",
		"--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=" + serviceRange,
		"--allow-privileged=true",
		"--anonymous-auth=false",
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--client-ca-file=" + filepath.Join(keys, "ca.crt"),
		"--tls-cert-file=" + filepath.Join(keys, "apiserver.crt"),
		"--tls-private-key-file=" + filepath.Join(keys, "apiserver.key"),
		"--service-account-key-file=" + filepath.Join(keys, "sa.key"),
		"--service-account-signing-key-file=" + filepath.Join(keys, "sa.key"),
		"--service-account-issuer=" + config.Issuer(),
		"--encryption-provider-config=" + filepath.Join(keys, "encryption.yaml"),
		"--audit-policy-file=" + policy,
		"--audit-log-path=" + filepath.Join(directory, "audit", "audit.log"),
		"--audit-log-maxsize=20",
		"--audit-log-maxbackup=3",
		"--profiling=false",
		"--shutdown-delay-duration=0s",
		"--delete-collection-workers=1",
	}
	if err := parse("kube-apiserver", options.Flags(), arguments); err != nil {
		return err
	}
	if err := options.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return err
	}
	completed, err := options.Complete(ctx)
	if err != nil {
		return err
	}
	if problems := completed.Validate(); len(problems) != 0 {
		return fmt.Errorf("kube-apiserver: %v", problems)
	}
	return apiserver.Run(ctx, completed)
}

func runControllers(ctx context.Context, directory, kubeconfig string) error {
	options, err := controlleroptions.NewKubeControllerManagerOptions()
	if err != nil {
		return err
	}
	flags := options.Flags(controllers.KnownControllers(), controllers.ControllersDisabledByDefault(), controllers.ControllerAliases())
	selected := "*,-" + strings.Join(idleControllers, ",-")
	keys := filepath.Join(directory, "pki")
	arguments := []string{
		"--kubeconfig=" + kubeconfig,
		"--controllers=" + selected,
		"--leader-elect=false",
		"--secure-port=0",
		"--profiling=false",
		"--allocate-node-cidrs=true",
		"--cluster-cidr=" + podRange,
		"--service-cluster-ip-range=" + serviceRange,
		"--root-ca-file=" + filepath.Join(keys, "ca.crt"),
		"--service-account-private-key-file=" + filepath.Join(keys, "sa.key"),
		"--kube-api-qps=200",
		"--kube-api-burst=400",
		"--concurrent-gc-syncs=4",
		fmt.Sprintf("--node-monitor-grace-period=%ds", leaseSeconds),
		"--node-monitor-period=10s",
	}
	if err := parse("kube-controller-manager", flags, arguments); err != nil {
		return err
	}
	config, err := options.Config(ctx, controllers.KnownControllers(), controllers.ControllersDisabledByDefault(), controllers.ControllerAliases())
	if err != nil {
		return err
	}
	return controllers.Run(ctx, config.Complete())
}

func runScheduler(ctx context.Context, kubeconfig string) error {
	options := scheduleroptions.NewOptions()
	arguments := []string{
		"--kubeconfig=" + kubeconfig,
		"--leader-elect=false",
		"--secure-port=0",
		"--profiling=false",
		"--kube-api-qps=200",
		"--kube-api-burst=400",
	}
	if err := parse("kube-scheduler", *options.Flags, arguments); err != nil {
		return err
	}
	name, err := cache.NewInformerName("kube-scheduler")
	if err != nil {
		return err
	}
	options.InformerName = name
	config, placer, err := scheduler.Setup(ctx, options)
	if err != nil {
		return err
	}
	return scheduler.Run(ctx, config, placer)
}

func parse(program string, named cliflag.NamedFlagSets, own []string) error {
	arguments, err := withBundle(program, own)
	if err != nil {
		return err
	}
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, set := range named.FlagSets {
		all.AddFlagSet(set)
	}
	return all.Parse(arguments)
}
