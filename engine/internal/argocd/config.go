// Package argocd is one environment's Argo CD in one process: application controller, repository server and their cache.
//
// Argo CD's own commands are not used: each would be a process with open ports (metrics on every address, gRPC, Redis).
// Here the repository server listens on a Unix socket, and the port that is opened for metrics answers nothing.
package argocd

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Config is what the process is asked for: the file argocd.json in its directory.
type Config struct {
	Environment string `json:"environment"`
	// Management is the kubeconfig of the administrator of the management cluster: it installs, and nothing more.
	Management string `json:"management"`
	// Kubeconfig is the one with which Argo CD works on the management cluster.
	Kubeconfig string `json:"kubeconfig"`
	// CRDs is the folder with Argo CD's custom resource definitions.
	CRDs string `json:"crds"`
	// Clusters are those that Argo CD delivers to.
	Clusters []Cluster `json:"clusters"`

	// Generation names the content of the file.
	Generation string `json:"-"`
}

// Cluster is a cluster that Argo CD delivers to, with the kubeconfig that it uses there.
type Cluster struct {
	Name       string `json:"name"`
	Kubeconfig string `json:"kubeconfig"`
}

// ReadConfig reads argocd.json.
func ReadConfig(directory string) (Config, error) {
	path := filepath.Join(directory, "argocd.json")
	content, err := os.ReadFile(path)
	if err != nil {
		return Config{}, err
	}
	var config Config
	if err := json.Unmarshal(content, &config); err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	sum := sha256.Sum256(content)
	config.Generation = hex.EncodeToString(sum[:])
	return config, nil
}
