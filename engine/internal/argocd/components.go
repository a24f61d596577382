package argocd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	commitclient "github.com/argoproj/argo-cd/v3/commitserver/apiclient"
	"github.com/argoproj/argo-cd/v3/controller"
	"github.com/argoproj/argo-cd/v3/controller/sharding"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	appclientset "github.com/argoproj/argo-cd/v3/pkg/client/clientset/versioned"
	"github.com/argoproj/argo-cd/v3/reposerver"
	"github.com/argoproj/argo-cd/v3/reposerver/apiclient"
	reposervercache "github.com/argoproj/argo-cd/v3/reposerver/cache"
	"github.com/argoproj/argo-cd/v3/reposerver/metrics"
	"github.com/argoproj/argo-cd/v3/reposerver/repository"
	"github.com/argoproj/argo-cd/v3/util/argo"
	"github.com/argoproj/argo-cd/v3/util/argo/normalizers"
	"github.com/argoproj/argo-cd/v3/util/askpass"
	cacheutil "github.com/argoproj/argo-cd/v3/util/cache"
	appstatecache "github.com/argoproj/argo-cd/v3/util/cache/appstate"
	kubeutil "github.com/argoproj/argo-cd/v3/util/kube"
	"github.com/argoproj/argo-cd/v3/util/settings"
	"github.com/argoproj/argo-cd/v3/util/tls"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// The socket is relative to the process's directory: a Unix socket's path may have some hundred characters only.
const (
	repositorySocket = "repository.sock"
	askpassSocket    = "askpass.sock"
)

const (
	resync          = time.Minute
	cacheLife       = 24 * time.Hour
	selfHeal        = 5 * time.Second
	processors      = 4
	parallelApplies = 8
	callTimeout     = 60 // seconds
)

// serveRepositories renders charts and manifests for the controller until the context ends.
func serveRepositories(ctx context.Context, shared *memory) error {
	for _, socket := range []string{repositorySocket, askpassSocket} {
		if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	cache := reposervercache.NewCache(cacheutil.NewCache(shared), cacheLife, resync, 10*time.Second)
	credentials := askpass.NewServer(askpassSocket)
	limit := resource.MustParse("100M")
	extracted := limit.Value() * 10
	server, err := reposerver.NewServer(metrics.NewMetricsServer(), cache, nil, repository.RepoServerInitConstants{
		ParallelismLimit: processors,
		PauseGenerationAfterFailedGenerationAttempts: 3,
		PauseGenerationOnFailureForMinutes:           1,
		SubmoduleEnabled:                             false,
		MaxCombinedDirectoryManifestsSize:            limit,
		StreamedManifestMaxExtractedSize:             extracted,
		StreamedManifestMaxTarSize:                   limit.Value(),
		HelmManifestMaxExtractedSize:                 extracted,
		HelmRegistryMaxIndexSize:                     extracted,
		OCIManifestMaxExtractedSize:                  extracted,
		EnableBuiltinGitConfig:                       true,
		HelmChartCacheExpiration:                     cacheLife,
	}, credentials, "", true)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", repositorySocket)
	if err != nil {
		return err
	}
	service := server.CreateGRPC()
	go func() {
		<-ctx.Done()
		service.Stop()
	}()
	return service.Serve(listener)
}

// control compares and synchronises Applications until the context ends; started is called once it watches them.
func control(ctx context.Context, kubeconfig string, shared *memory, started func()) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	if err := v1alpha1.SetK8SConfigDefaults(config); err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	applications, err := appclientset.NewForConfig(config)
	if err != nil {
		return err
	}
	repositories := apiclient.NewRepoServerClientset("unix:"+repositorySocket, callTimeout, tls.Configuration{DisableTLS: true})
	var controlling *controller.ApplicationController
	configuration := settings.NewSettingsManager(ctx, client, namespace, settings.WithRepoOrClusterChangedHandler(func() {
		controlling.InvalidateProjectsCache()
	}))
	shards, err := sharding.GetClusterSharding(client, configuration, "legacy", false)
	if err != nil {
		return err
	}
	controlling, err = controller.NewApplicationController(
		namespace, configuration, client, applications, repositories, commitclient.NewCommitServerClientset(""),
		appstatecache.NewCache(cacheutil.NewCache(shared), cacheLife),
		kubeutil.NewKubectl(),
		resync, 0, 0, // compare again every, compare again without cache every (never), jitter
		selfHeal, nil, 0, 0, // heal, back off, time out of a sync, grace for errors of the repository server
		0, 0, nil, nil, nil, // metrics
		parallelApplies,
		true, // health is kept in the Application, where a reader needs no cache
		shards, nil, nil, false, false,
		normalizers.IgnoreNormalizerOpts{JQExecutionTimeout: time.Second},
		argo.DefaultEnableEventList(),
		false,
	)
	if err != nil {
		return err
	}
	// Argo CD opens a port for metrics, on every address and to everybody. Here it answers nothing, and is of use
	// because it is opened once the caches are filled.
	listening := controlling.GetMetricsServer().Server
	listening.Addr = "127.0.0.1:0"
	listening.Handler = http.NotFoundHandler()
	listening.BaseContext = func(net.Listener) context.Context {
		started()
		return ctx
	}
	controlling.Run(ctx, processors, processors, 1)
	if ctx.Err() == nil {
		return fmt.Errorf("the application controller ended")
	}
	return nil
}
