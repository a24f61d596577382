package cluster

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func TestNodesBecomeThoseOfTheConfigurationAndOthersAreLeftAlone(t *testing.T) {
	ctx := context.Background()
	real := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "real", Labels: map[string]string{nodeKindLabel: "kubelet"}}}
	client := fake.NewClientset(real)
	node := Node{Name: "a", Pool: "apps", CPU: "4", Memory: "16Gi", Pods: 110, Labels: map[string]string{"x": "1"}}
	if err := applyNodes(ctx, client, []Node{node, {Name: "b", CPU: "1", Memory: "1Gi", Pods: 10}}); err != nil {
		t.Fatal(err)
	}
	unreachable := corev1.Taint{Key: "node.kubernetes.io/unreachable", Effect: corev1.TaintEffectNoExecute}
	present, err := client.CoreV1().Nodes().Get(ctx, "a", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	present.Spec.Taints = append(present.Spec.Taints, unreachable)
	if _, err := client.CoreV1().Nodes().Update(ctx, present, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	node.Labels = map[string]string{"x": "2"}
	node.Taints = []Taint{{Key: "k", Value: "v", Effect: "NoSchedule"}}
	node.CPU = "8"
	if err := applyNodes(ctx, client, []Node{node}); err != nil {
		t.Fatal(err)
	}
	list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil || len(list.Items) != 2 {
		t.Fatalf("%v %v", list.Items, err)
	}
	changed, err := client.CoreV1().Nodes().Get(ctx, "a", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if changed.Labels["x"] != "2" || changed.Annotations[poolAnnotation] != "apps" || changed.Status.Capacity.Cpu().Value() != 8 {
		t.Fatalf("%+v", changed)
	}
	if len(changed.Spec.Taints) != 2 || changed.Spec.Taints[0].Key != unreachable.Key || changed.Spec.Taints[1].Value != "v" {
		t.Fatalf("%v", changed.Spec.Taints)
	}
}

func TestAQuantityThatIsNoneIsNamed(t *testing.T) {
	if _, err := nodeObject(Node{Name: "a", CPU: "many", Memory: "1Gi", Pods: 1}); err == nil {
		t.Fatal("accepted")
	}
}
