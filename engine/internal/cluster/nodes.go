package cluster

import (
	"context"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-base/version"
)

// The label that says who made a node, and of which kind it is. Nodes without it are nobody's business here.
const (
	nodeKindLabel  = "ringfence.dev/node-kind"
	simulated      = "simulated"
	poolAnnotation = "ringfence.dev/pool"
	kwokAnnotation = "kwok.x-k8s.io/node"
)

// applyNodes makes the cluster's nodes those of the configuration: new ones are created, changed labels, taints and
// sizes are written, and those that are gone from it are removed with their pods.
func applyNodes(ctx context.Context, client kubernetes.Interface, wanted []Node) error {
	list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: nodeKindLabel + "=" + simulated})
	if err != nil {
		return err
	}
	present := map[string]*corev1.Node{}
	for i := range list.Items {
		present[list.Items[i].Name] = &list.Items[i]
	}
	for _, node := range wanted {
		if err := applyNode(ctx, client, node, present[node.Name]); err != nil {
			return fmt.Errorf("node %s: %w", node.Name, err)
		}
		delete(present, node.Name)
	}
	for name := range present {
		if err := removeNode(ctx, client, name); err != nil {
			return fmt.Errorf("node %s: %w", name, err)
		}
	}
	return nil
}

func applyNode(ctx context.Context, client kubernetes.Interface, wanted Node, present *corev1.Node) error {
	desired, err := nodeObject(wanted)
	if err != nil {
		return err
	}
	if present == nil {
		_, err := client.CoreV1().Nodes().Create(ctx, desired, metav1.CreateOptions{})
		return err
	}
	changed := present.DeepCopy()
	changed.Labels = desired.Labels
	changed.Annotations = maps.Clone(present.Annotations)
	maps.Copy(changed.Annotations, desired.Annotations)
	changed.Spec.Taints = append(lifecycleTaints(present.Spec.Taints), desired.Spec.Taints...)
	changed, err = client.CoreV1().Nodes().Update(ctx, changed, metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	if sameSize(changed.Status.Capacity, desired.Status.Capacity) {
		return nil
	}
	changed.Status.Capacity, changed.Status.Allocatable = desired.Status.Capacity, desired.Status.Allocatable
	_, err = client.CoreV1().Nodes().UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	return err
}

// lifecycleTaints are those that controllers put on a node; they are not the configuration's to remove.
func lifecycleTaints(taints []corev1.Taint) []corev1.Taint {
	var kept []corev1.Taint
	for _, taint := range taints {
		if len(taint.Key) > 19 && taint.Key[:19] == "node.kubernetes.io/" {
			kept = append(kept, taint)
		}
	}
	return kept
}

func sameSize(one, other corev1.ResourceList) bool {
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourcePods} {
		if one.Name(name, resource.DecimalSI).Cmp(*other.Name(name, resource.DecimalSI)) != 0 {
			return false
		}
	}
	return true
}

func nodeObject(node Node) (*corev1.Node, error) {
	size := corev1.ResourceList{}
	for name, text := range map[corev1.ResourceName]string{
		corev1.ResourceCPU:    node.CPU,
		corev1.ResourceMemory: node.Memory,
		corev1.ResourcePods:   fmt.Sprint(node.Pods),
	} {
		quantity, err := resource.ParseQuantity(text)
		if err != nil {
			return nil, fmt.Errorf("%s %q: %w", name, text, err)
		}
		size[name] = quantity
	}
	labels := map[string]string{
		"kubernetes.io/hostname": node.Name,
		"kubernetes.io/os":       "linux",
		"kubernetes.io/arch":     "amd64",
		nodeKindLabel:            simulated,
	}
	maps.Copy(labels, node.Labels)
	taints := make([]corev1.Taint, 0, len(node.Taints))
	for _, taint := range node.Taints {
		taints = append(taints, corev1.Taint{Key: taint.Key, Value: taint.Value, Effect: corev1.TaintEffect(taint.Effect)})
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name:        node.Name,
			Labels:      labels,
			Annotations: map[string]string{poolAnnotation: node.Pool, kwokAnnotation: "fake"},
		},
		Spec: corev1.NodeSpec{Taints: taints},
		Status: corev1.NodeStatus{
			Capacity:    size,
			Allocatable: size.DeepCopy(),
			NodeInfo:    corev1.NodeSystemInfo{KubeletVersion: version.Get().GitVersion},
		},
	}, nil
}

// removeNode takes a node away as a drain would, but at once: nothing runs on it that could be hurt.
func removeNode(ctx context.Context, client kubernetes.Interface, name string) error {
	now := int64(0)
	pods, err := client.CoreV1().Pods(corev1.NamespaceAll).List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + name})
	if err != nil {
		return err
	}
	if err := client.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	for _, pod := range pods.Items {
		err := client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now})
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

// waitForNodes returns once every wanted node says Ready.
func waitForNodes(ctx context.Context, client kubernetes.Interface, wanted []Node) error {
	return poll(ctx, "nodes that are Ready", func() (bool, error) {
		list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, nil
		}
		ready := map[string]bool{}
		for _, node := range list.Items {
			for _, condition := range node.Status.Conditions {
				ready[node.Name] = ready[node.Name] || condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue
			}
		}
		for _, node := range wanted {
			if !ready[node.Name] {
				return false, nil
			}
		}
		return true, nil
	})
}

func poll(ctx context.Context, what string, done func() (bool, error)) error {
	ticker := time.NewTicker(25 * time.Millisecond)
	defer ticker.Stop()
	for {
		finished, err := done()
		if err != nil || finished {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited in vain for %s: %w", what, ctx.Err())
		case <-ticker.C:
		}
	}
}
