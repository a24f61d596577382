package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-base/version"

	"ringfence/engine/internal/footprint"
	"ringfence/engine/internal/pki"
	"ringfence/engine/internal/state"
)

const (
	bootstrapLife = time.Hour
	patience      = 3 * time.Minute
	shutdownTime  = 5 * time.Second
)

// ErrPortTaken says that somebody else listens where the API server should.
var ErrPortTaken = errors.New("the port is taken")

// Run is the cluster from its start to SIGTERM. SIGHUP makes it read cluster.json again.
func Run(directory string) error {
	if err := state.Lock(directory); err != nil {
		return err
	}
	// Relative paths for sockets, see etcd.go.
	if err := os.Chdir(directory); err != nil {
		return err
	}
	config, err := ReadConfig(directory)
	if err != nil {
		return err
	}
	running := &process{directory: directory, config: config, failures: make(chan error, 8)}
	if err := running.run(); err != nil {
		reason := "Failed"
		if errors.Is(err, ErrPortTaken) {
			reason = "PortTaken"
		} else if errors.Is(err, syscall.ENOSPC) {
			reason = "NoSpace"
		}
		running.say(state.Status{Phase: state.Failed, Reason: reason, Message: err.Error()})
		return err
	}
	return nil
}

type process struct {
	directory string
	config    Config
	authority *pki.Authority
	failures  chan error
	// changing is held while the configuration is carried out, by the start or by a reload.
	changing sync.Mutex
}

func (p *process) say(status state.Status) {
	status.Generation = p.config.Generation
	status.Server = p.config.Server()
	status.Version = version.Get().GitVersion
	if err := state.WriteStatus(p.directory, status); err != nil {
		fmt.Fprintln(os.Stderr, "status.json:", err)
	}
}

func (p *process) run() error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p.say(state.Status{Phase: state.Starting})
	if err := p.prepare(); err != nil {
		return err
	}
	store, err := startEtcd(p.config.Name)
	if err != nil {
		return err
	}
	defer stopEtcd(store)
	served := make(chan struct{})
	go func() {
		defer close(served)
		p.fail("kube-apiserver", runAPIServer(ctx, p.directory, p.config))
	}()
	go func() {
		if err := p.start(ctx); err != nil {
			p.failures <- err
		}
	}()
	for {
		select {
		case err := <-p.failures:
			return err
		case err := <-store.Err():
			return fmt.Errorf("etcd: %w", err)
		case received := <-signals:
			if received == syscall.SIGHUP {
				go p.reload(ctx)
				continue
			}
			cancel()
			select {
			case <-served:
			case <-time.After(shutdownTime):
			}
			return nil
		}
	}
}

func (p *process) fail(part string, err error) {
	if err == nil {
		err = errors.New("ended")
	}
	p.failures <- fmt.Errorf("%s: %w", part, err)
}

func stopEtcd(store *embed.Etcd) {
	closed := make(chan struct{})
	go func() { store.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(shutdownTime):
	}
}

// prepare makes what has to be there before the API server starts: a free port, keys, kubeconfigs.
func (p *process) prepare() error {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p.config.Port))
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("127.0.0.1:%d: %w", p.config.Port, ErrPortTaken)
		}
		return err
	}
	listener.Close()
	if p.authority, err = pki.Open(p.directory, p.config.Name); err != nil {
		return err
	}
	if err := p.keepServingCertificate(); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(p.directory, "run")); err != nil {
		return err
	}
	folder := filepath.Join(p.directory, "kubeconfig")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for _, user := range lastingUsers {
		if err := keepKubeconfig(filepath.Join(folder, user.file+".yaml"), p.config, p.authority, user); err != nil {
			return err
		}
	}
	return nil
}

// keepServingCertificate renews the API server's certificate when it is missing or grows old. The key is written
// first: a crash in between leaves a pair that does not match, which the next start sees and replaces.
func (p *process) keepServingCertificate() error {
	certificate := filepath.Join(p.directory, "pki", "apiserver.crt")
	key := filepath.Join(p.directory, "pki", "apiserver.key")
	if content, err := os.ReadFile(certificate); err == nil && p.authority.Current(content) && pki.Matches(certificate, key) {
		return nil
	}
	pair, err := p.authority.Serving(
		[]string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
		[]net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 96, 0, 1)},
	)
	if err != nil {
		return err
	}
	return errors.Join(state.WriteFile(key, pair.Key), state.WriteFile(certificate, pair.Certificate))
}

// start brings up everything that needs the API server, and says so when it works.
func (p *process) start(ctx context.Context) error {
	p.changing.Lock()
	defer p.changing.Unlock()
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, err := p.bootstrapClient()
	if err != nil {
		return err
	}
	if err := waitForAPIServer(waiting, client); err != nil {
		return err
	}
	// Rights first: the nodes' simulation that meets a refusal tries again only after a long pause.
	if err := applyPlatform(waiting, client); err != nil {
		return err
	}
	if err := p.startParts(ctx); err != nil {
		return err
	}
	if err := p.converge(waiting, client); err != nil {
		return err
	}
	// Every part has read its credentials; none stays on the disk.
	if err := os.RemoveAll(filepath.Join(p.directory, "run")); err != nil {
		return err
	}
	p.say(state.Status{Phase: state.Ready})
	footprint.Settle(ctx)
	return nil
}

// bootstrapClient has every right for an hour; its key never leaves the process.
func (p *process) bootstrapClient() (kubernetes.Interface, error) {
	pair, err := p.authority.Client("ringfence:engine", []string{"system:masters"}, bootstrapLife)
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(restConfig(p.config, p.authority, pair))
}

// startParts starts the controller manager, the scheduler and the nodes' simulation. The controller manager acts for
// all its controllers with one identity: a client for each would cost memory and start-up time, and protect nothing
// from a process that holds the authority's key.
func (p *process) startParts(ctx context.Context) error {
	controllers, err := componentKubeconfig(p.directory, p.config, p.authority, "system:kube-controller-manager", []string{"system:masters"})
	if err != nil {
		return err
	}
	placer, err := componentKubeconfig(p.directory, p.config, p.authority, "system:kube-scheduler", nil)
	if err != nil {
		return err
	}
	nodes, err := componentKubeconfig(p.directory, p.config, p.authority, "ringfence:nodes", nil)
	if err != nil {
		return err
	}
	go func() { p.fail("kube-controller-manager", runControllers(ctx, p.directory, controllers)) }()
	go func() { p.fail("kube-scheduler", runScheduler(ctx, placer)) }()
	go func() {
		if err := errors.Join(simulateNodes(ctx, nodes), simulateVolumes(ctx, nodes)); err != nil {
			p.fail("nodes", err)
		}
	}()
	return nil
}

// converge makes the cluster what the configuration asks for.
func (p *process) converge(ctx context.Context, client kubernetes.Interface) error {
	if err := applyPlatform(ctx, client); err != nil {
		return err
	}
	if err := applyNodes(ctx, client, p.config.Nodes); err != nil {
		return err
	}
	if err := waitForServiceAccount(ctx, client); err != nil {
		return err
	}
	return waitForNodes(ctx, client, p.config.Nodes)
}

// reload carries out a changed cluster.json: its nodes. The address of a running cluster stays.
func (p *process) reload(ctx context.Context) {
	p.changing.Lock()
	defer p.changing.Unlock()
	config, err := ReadConfig(p.directory)
	if err != nil {
		p.say(state.Status{Phase: state.Failed, Reason: "BadConfiguration", Message: err.Error()})
		return
	}
	config.Port = p.config.Port
	p.config = config
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, err := p.bootstrapClient()
	if err == nil {
		err = waitForAPIServer(waiting, client)
	}
	if err == nil {
		err = p.converge(waiting, client)
	}
	if err != nil {
		p.say(state.Status{Phase: state.Failed, Reason: "Failed", Message: err.Error()})
		return
	}
	p.say(state.Status{Phase: state.Ready})
}

func waitForAPIServer(ctx context.Context, client kubernetes.Interface) error {
	return poll(ctx, "the API server", func() (bool, error) {
		code := 0
		client.Discovery().RESTClient().Get().AbsPath("/readyz").Timeout(time.Second).Do(ctx).StatusCode(&code)
		return code == 200, nil
	})
}
