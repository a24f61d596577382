package cluster

import (
	"bytes"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"ringfence/engine/internal/pki"
	"ringfence/engine/internal/state"
)

// kubeconfig is how a user reaches the cluster, with everything inside, so that it can be copied.
func kubeconfig(config Config, authority *pki.Authority, user string, pair pki.Pair) ([]byte, error) {
	name := config.Name
	content := clientcmdapi.NewConfig()
	content.Clusters[name] = &clientcmdapi.Cluster{Server: config.Server(), CertificateAuthorityData: authority.PEM}
	content.AuthInfos[user+"@"+name] = &clientcmdapi.AuthInfo{ClientCertificateData: pair.Certificate, ClientKeyData: pair.Key}
	content.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: user + "@" + name}
	content.CurrentContext = name
	return clientcmd.Write(*content)
}

// keepKubeconfig writes the kubeconfig of a lasting user, keeping the certificate that is in it while it is good.
func keepKubeconfig(path string, config Config, authority *pki.Authority, user lastingUser) error {
	pair, ok := pairOf(path, config.Name, user.file, authority)
	if !ok {
		var err error
		if pair, err = authority.LongLived(user.name, user.groups); err != nil {
			return err
		}
	}
	content, err := kubeconfig(config, authority, user.file, pair)
	if err != nil {
		return err
	}
	if present, err := os.ReadFile(path); err == nil && bytes.Equal(present, content) {
		return nil
	}
	return state.WriteFile(path, content)
}

func pairOf(path, cluster, user string, authority *pki.Authority) (pki.Pair, bool) {
	content, err := clientcmd.LoadFromFile(path)
	if err != nil {
		return pki.Pair{}, false
	}
	info := content.AuthInfos[user+"@"+cluster]
	if info == nil || !authority.Current(info.ClientCertificateData) {
		return pki.Pair{}, false
	}
	return pki.Pair{Certificate: info.ClientCertificateData, Key: info.ClientKeyData}, true
}

// componentKubeconfig writes the kubeconfig of one of the process's own parts. It is removed once the part has read it.
func componentKubeconfig(directory string, config Config, authority *pki.Authority, user string, groups []string) (string, error) {
	pair, err := authority.LongLived(user, groups)
	if err != nil {
		return "", err
	}
	content, err := kubeconfig(config, authority, user, pair)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(directory, "run")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	file, err := os.CreateTemp(folder, "component-*.yaml")
	if err != nil {
		return "", err
	}
	_, err = file.Write(content)
	if closing := file.Close(); err == nil {
		err = closing
	}
	return file.Name(), err
}

// restConfig is a client that lives in memory only.
func restConfig(config Config, authority *pki.Authority, pair pki.Pair) *rest.Config {
	return &rest.Config{
		Host:            config.Server(),
		TLSClientConfig: rest.TLSClientConfig{CAData: authority.PEM, CertData: pair.Certificate, KeyData: pair.Key},
		QPS:             200,
		Burst:           400,
	}
}
