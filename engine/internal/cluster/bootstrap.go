package cluster

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes"
)

// What the users of the kubeconfigs may do, what the simulated nodes may, and the default storage class.
//
//go:embed platform.yaml
var platform []byte

// lastingUser is a user whose certificate is kept in a kubeconfig.
type lastingUser struct {
	file   string
	name   string
	groups []string
}

// The administrator's rights come from a ClusterRoleBinding and not from system:masters, which no rule can take back.
var lastingUsers = []lastingUser{
	{file: "admin", name: "ringfence:admin", groups: []string{"ringfence:administrators"}},
	{file: "argocd", name: "ringfence:argocd"},
}

const fieldManager = "ringfence-engine"

// applyPlatform creates or corrects the objects that every cluster of the engine has.
func applyPlatform(ctx context.Context, client kubernetes.Interface) error {
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(platform)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal(document, &kind); err != nil {
			return err
		}
		switch kind.Kind {
		case "ClusterRole":
			err = applyRole(ctx, client, document)
		case "ClusterRoleBinding":
			err = applyBinding(ctx, client, document)
		case "StorageClass":
			err = createClass(ctx, client, document)
		default:
			err = fmt.Errorf("platform.yaml: kind %q is not expected", kind.Kind)
		}
		if err != nil {
			return err
		}
	}
}

func applyRole(ctx context.Context, client kubernetes.Interface, document []byte) error {
	var role rbacv1.ClusterRole
	if err := yaml.UnmarshalStrict(document, &role); err != nil {
		return err
	}
	roles := client.RbacV1().ClusterRoles()
	_, err := roles.Create(ctx, &role, metav1.CreateOptions{FieldManager: fieldManager})
	if apierrors.IsAlreadyExists(err) {
		_, err = roles.Update(ctx, &role, metav1.UpdateOptions{FieldManager: fieldManager})
	}
	return err
}

func applyBinding(ctx context.Context, client kubernetes.Interface, document []byte) error {
	var binding rbacv1.ClusterRoleBinding
	if err := yaml.UnmarshalStrict(document, &binding); err != nil {
		return err
	}
	bindings := client.RbacV1().ClusterRoleBindings()
	_, err := bindings.Create(ctx, &binding, metav1.CreateOptions{FieldManager: fieldManager})
	if apierrors.IsAlreadyExists(err) {
		_, err = bindings.Update(ctx, &binding, metav1.UpdateOptions{FieldManager: fieldManager})
	}
	return err
}

// createClass creates a storage class; its parts cannot be changed later, and a user may have made it not the default.
func createClass(ctx context.Context, client kubernetes.Interface, document []byte) error {
	var class storagev1.StorageClass
	if err := yaml.UnmarshalStrict(document, &class); err != nil {
		return err
	}
	_, err := client.StorageV1().StorageClasses().Create(ctx, &class, metav1.CreateOptions{FieldManager: fieldManager})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// waitForServiceAccount returns once pods can be created in the namespace default.
func waitForServiceAccount(ctx context.Context, client kubernetes.Interface) error {
	return poll(ctx, "the default ServiceAccount", func() (bool, error) {
		_, err := client.CoreV1().ServiceAccounts(corev1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
		return err == nil, nil
	})
}
