package cluster

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/kwok/kustomize/stage/node/fast"
	heartbeat "sigs.k8s.io/kwok/kustomize/stage/node/heartbeat-with-lease"
	podfast "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
	"sigs.k8s.io/kwok/pkg/apis/internalversion"
	kwokconfig "sigs.k8s.io/kwok/pkg/config"
	kwok "sigs.k8s.io/kwok/pkg/kwok/controllers"
	"sigs.k8s.io/kwok/pkg/log"
	"sigs.k8s.io/kwok/pkg/utils/client"
)

// leaseSeconds is how long a node's lease lasts; kwok renews it four times in that span. Longer than a kubelet's 40, since
// every renewal is a write to a disk that several clusters share; the node lifecycle controller is told to be as patient.
const leaseSeconds = 160

// simulateNodes plays the kubelet of every node that carries kwok's annotation: the node is Ready and keeps its lease, a pod
// that is bound to it runs, a Job's pod completes, a deleted one goes. Nothing is executed. Nodes of another kind
// (a real kubelet) carry no such annotation and are left alone, with their pods.
func simulateNodes(ctx context.Context, kubeconfig string) error {
	stages := map[internalversion.StageResourceRef][]*internalversion.Stage{}
	for _, text := range []string{
		fast.DefaultNodeInit, heartbeat.DefaultNodeHeartbeatWithLease,
		podfast.DefaultPodReady, podfast.DefaultPodComplete, podfast.DefaultPodDelete,
	} {
		stage, err := kwokconfig.UnmarshalWithType[*internalversion.Stage](text)
		if err != nil {
			return fmt.Errorf("kwok: %w", err)
		}
		stages[stage.Spec.ResourceRef] = append(stages[stage.Spec.ResourceRef], stage)
	}
	ctx = log.NewContext(ctx, log.NewLogger(io.Discard, slog.LevelError))
	clients, err := client.NewClientset("", kubeconfig)
	if err != nil {
		return err
	}
	config, err := clients.ToRESTConfig()
	if err != nil {
		return err
	}
	typed, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	dynamic, err := clients.ToDynamicClient()
	if err != nil {
		return err
	}
	mapper, err := clients.ToRESTMapper()
	if err != nil {
		return err
	}
	restClient, err := rest.RESTClientFor(config)
	if err != nil {
		return err
	}
	controller, err := kwok.NewController(kwok.Config{
		Clock:                             clock.RealClock{},
		DynamicClient:                     dynamic,
		RESTClient:                        restClient,
		RESTMapper:                        mapper,
		ImpersonatingDynamicClient:        clients.ToImpersonatingDynamicClient(),
		ImpersonatingTypedClient:          clients.ToImpersonatingTypedClient(),
		TypedClient:                       typed,
		ManageNodesWithAnnotationSelector: kwokAnnotation + "=fake",
		CIDR:                              podRange,
		NodeIP:                            "127.0.0.1",
		PodPlayStageParallelism:           4,
		NodePlayStageParallelism:          2,
		NodeLeaseParallelism:              2,
		NodeLeaseDurationSeconds:          leaseSeconds,
		PodsOnNodeSyncParallelism:         2,
		LocalStages:                       stages,
		ID:                                "ringfence",
	})
	if err != nil {
		return err
	}
	return controller.Start(ctx)
}
