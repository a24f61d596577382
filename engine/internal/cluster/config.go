// Package cluster is one Kubernetes cluster in one process: etcd, API server, controller manager, scheduler and nodes.
//
// Four processes, as a node of kubeadm has them, were measured at twice the memory.
package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Config is what the process is asked for: the file cluster.json in its directory.
type Config struct {
	Landscape   string `json:"landscape"`
	Environment string `json:"environment"`
	Name        string `json:"name"`
	Role        string `json:"role"`
	Port        int    `json:"port"`
	Nodes       []Node `json:"nodes"`

	// Generation names the content of the file.
	Generation string `json:"-"`
}

// Node is one node that the cluster shall have.
type Node struct {
	Name   string            `json:"name"`
	Pool   string            `json:"pool"`
	Labels map[string]string `json:"labels"`
	Taints []Taint           `json:"taints"`
	CPU    string            `json:"cpu"`
	Memory string            `json:"memory"`
	Pods   int               `json:"pods"`
}

// Taint is a taint of a node.
type Taint struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Effect string `json:"effect"`
}

// ReadConfig reads cluster.json.
func ReadConfig(directory string) (Config, error) {
	path := filepath.Join(directory, "cluster.json")
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

// Server is the address of the API server.
func (c Config) Server() string { return fmt.Sprintf("https://127.0.0.1:%d", c.Port) }

// Issuer is who issues the cluster's service account tokens: no two clusters of a machine have the same, and each has
// its own key besides, so none takes another's.
func (c Config) Issuer() string {
	return fmt.Sprintf("https://%s.%s.%s.ringfence.internal", c.Name, c.Environment, c.Landscape)
}
