package argocd

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

//go:embed install.yaml
var manifests []byte

const (
	namespace    = "argocd"
	fieldManager = "ringfence-engine"
	ownerLabel   = "app.kubernetes.io/managed-by"
	kindLabel    = "argocd.argoproj.io/secret-type"
	// sourceAnnotation names the content of the file that a definition was made of.
	sourceAnnotation = "ringfence.dev/source"
)

// The resource of each kind that install.yaml and the definitions hold. A lookup at the server was rejected: the kinds
// are few and known, and the server learns of a new definition a moment too late.
var resources = map[string]schema.GroupVersionResource{
	"Namespace":                {Version: "v1", Resource: "namespaces"},
	"ConfigMap":                {Version: "v1", Resource: "configmaps"},
	"AppProject":               {Group: "argoproj.io", Version: "v1alpha1", Resource: "appprojects"},
	"Role":                     {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"},
	"RoleBinding":              {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"},
	"CustomResourceDefinition": {Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"},
}

type installer struct {
	dynamic dynamic.Interface
	client  kubernetes.Interface
}

func newInstaller(kubeconfig string) (*installer, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 100, 200
	dynamicClient, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	return &installer{dynamic: dynamicClient, client: client}, err
}

// install brings everything that Argo CD needs into the management cluster; done again it changes nothing.
func (i *installer) install(ctx context.Context, config Config) error {
	if err := i.applyDefinitions(ctx, config.CRDs); err != nil {
		return err
	}
	if err := i.applyAll(ctx, manifests); err != nil {
		return err
	}
	if err := i.keepServerSecret(ctx); err != nil {
		return err
	}
	return i.registerClusters(ctx, config.Clusters)
}

// The kinds that a controller here acts on. ApplicationSets are left out: nothing would carry them out, and their
// definition alone costs the API server 200 MB.
var definitions = []string{"application", "appproject"}

// applyDefinitions installs the custom resource definitions and waits until the server serves them.
func (i *installer) applyDefinitions(ctx context.Context, folder string) error {
	client := i.dynamic.Resource(resources["CustomResourceDefinition"])
	for _, name := range definitions {
		path := filepath.Join(folder, name+"-crd.yaml")
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := applyDefinition(ctx, client, content); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	for _, name := range definitions {
		if err := untilEstablished(ctx, client, name+"s.argoproj.io"); err != nil {
			return err
		}
	}
	return nil
}

// applyDefinition writes a definition unless this very one is there: each write makes the API server compute its
// schemas anew. Descriptions are taken out, since they are most of it and are kept in memory several times.
func applyDefinition(ctx context.Context, client dynamic.ResourceInterface, content []byte) error {
	definition := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(content, &definition.Object); err != nil {
		return err
	}
	dropDescriptions(definition.Object["spec"])
	sum := sha256.Sum256(content)
	source := hex.EncodeToString(sum[:])
	definition.SetAnnotations(map[string]string{sourceAnnotation: source})
	definition.SetLabels(map[string]string{ownerLabel: fieldManager, "app.kubernetes.io/part-of": "argocd"})
	_, err := client.Create(ctx, definition, metav1.CreateOptions{FieldManager: fieldManager})
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	present, err := client.Get(ctx, definition.GetName(), metav1.GetOptions{})
	if err != nil || present.GetAnnotations()[sourceAnnotation] == source {
		return err
	}
	definition.SetResourceVersion(present.GetResourceVersion())
	_, err = client.Update(ctx, definition, metav1.UpdateOptions{FieldManager: fieldManager})
	return err
}

// dropDescriptions removes the descriptions of an OpenAPI schema. A property that is called description is a schema, and
// stays.
func dropDescriptions(node any) {
	switch value := node.(type) {
	case map[string]any:
		if _, isText := value["description"].(string); isText {
			delete(value, "description")
		}
		for _, child := range value {
			dropDescriptions(child)
		}
	case []any:
		for _, child := range value {
			dropDescriptions(child)
		}
	}
}

func untilEstablished(ctx context.Context, definitions dynamic.ResourceInterface, name string) error {
	for {
		definition, err := definitions.Get(ctx, name, metav1.GetOptions{})
		if err == nil {
			conditions, _, _ := unstructured.NestedSlice(definition.Object, "status", "conditions")
			for _, each := range conditions {
				condition, _ := each.(map[string]any)
				if condition["type"] == "Established" && condition["status"] == "True" {
					return nil
				}
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: not established: %w", name, errors.Join(ctx.Err(), err))
		case <-time.After(25 * time.Millisecond):
		}
	}
}

// applyAll applies every document of a YAML text, each with server-side apply.
func (i *installer) applyAll(ctx context.Context, content []byte) error {
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(document, &object.Object); err != nil {
			return err
		}
		if len(object.Object) == 0 {
			continue
		}
		if err := i.apply(ctx, object); err != nil {
			return fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
}

func (i *installer) apply(ctx context.Context, object *unstructured.Unstructured) error {
	resource, known := resources[object.GetKind()]
	if !known {
		return errors.New("this kind is not expected here")
	}
	labels := object.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[ownerLabel] = fieldManager
	object.SetLabels(labels)
	content, err := json.Marshal(object.Object)
	if err != nil {
		return err
	}
	force := true
	options := metav1.PatchOptions{FieldManager: fieldManager, Force: &force}
	_, err = i.dynamic.Resource(resource).Namespace(object.GetNamespace()).Patch(ctx, object.GetName(), types.ApplyPatchType, content, options)
	return err
}

// keepServerSecret makes the key with which Argo CD signs, once: a second one would end every session.
func (i *installer) keepServerSecret(ctx context.Context) error {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name:   "argocd-secret",
			Labels: map[string]string{"app.kubernetes.io/part-of": "argocd", ownerLabel: fieldManager},
		},
		StringData: map[string]string{"server.secretkey": base64.StdEncoding.EncodeToString(key)},
	}
	_, err := i.client.CoreV1().Secrets(namespace).Create(ctx, secret, metav1.CreateOptions{FieldManager: fieldManager})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// registerClusters makes the clusters that Argo CD knows those of the configuration.
func (i *installer) registerClusters(ctx context.Context, clusters []Cluster) error {
	secrets := i.client.CoreV1().Secrets(namespace)
	wanted := map[string]bool{}
	for _, cluster := range clusters {
		secret, err := clusterSecret(cluster)
		if err != nil {
			return fmt.Errorf("cluster %s: %w", cluster.Name, err)
		}
		wanted[secret.Name] = true
		_, err = secrets.Create(ctx, secret, metav1.CreateOptions{FieldManager: fieldManager})
		if apierrors.IsAlreadyExists(err) {
			err = updateIfChanged(ctx, i.client, secret)
		}
		if err != nil {
			return fmt.Errorf("cluster %s: %w", cluster.Name, err)
		}
	}
	present, err := secrets.List(ctx, metav1.ListOptions{LabelSelector: kindLabel + "=cluster," + ownerLabel + "=" + fieldManager})
	if err != nil {
		return err
	}
	for _, secret := range present.Items {
		if wanted[secret.Name] {
			continue
		}
		if err := secrets.Delete(ctx, secret.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

// updateIfChanged leaves alone what others have written into the Secret: the namespaces that Argo CD may reach.
func updateIfChanged(ctx context.Context, client kubernetes.Interface, wanted *corev1.Secret) error {
	present, err := client.CoreV1().Secrets(namespace).Get(ctx, wanted.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if present.Data == nil {
		present.Data = map[string][]byte{}
	}
	same := true
	for key, value := range wanted.Data {
		same = same && bytes.Equal(present.Data[key], value)
		present.Data[key] = value
	}
	if same {
		return nil
	}
	_, err = client.CoreV1().Secrets(namespace).Update(ctx, present, metav1.UpdateOptions{FieldManager: fieldManager})
	return err
}

func clusterSecret(cluster Cluster) (*corev1.Secret, error) {
	config, err := clientcmd.BuildConfigFromFlags("", cluster.Kubeconfig)
	if err != nil {
		return nil, err
	}
	if err := rest.LoadTLSFiles(config); err != nil {
		return nil, err
	}
	credentials, err := json.Marshal(map[string]any{
		"tlsClientConfig": map[string]any{"caData": config.CAData, "certData": config.CertData, "keyData": config.KeyData},
	})
	if err != nil {
		return nil, err
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name:   "cluster-" + cluster.Name,
			Labels: map[string]string{kindLabel: "cluster", ownerLabel: fieldManager},
		},
		Type: corev1.SecretTypeOpaque,
		Data: map[string][]byte{"name": []byte(cluster.Name), "server": []byte(config.Host), "config": credentials},
	}, nil
}
