// Package pki gives one cluster its own certificate authority, keys and certificates, shared with no other.
//
// Elliptic curves (P-256) are used throughout: making RSA keys costs a second a cluster on a small machine.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"ringfence/engine/internal/state"
)

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	leafLife      = 365 * 24 * time.Hour
	renewBefore   = 60 * 24 * time.Hour
	skew          = 5 * time.Minute
)

// Authority is the certificate authority of one cluster.
type Authority struct {
	Certificate *x509.Certificate
	PEM         []byte
	key         crypto.Signer
}

// Pair is a certificate with its key, both PEM.
type Pair struct {
	Certificate []byte
	Key         []byte
}

// Open loads the cluster's keys from directory/pki, making all of them the first time. They appear at once or not at
// all, so a crash leaves nothing half-made.
func Open(directory, cluster string) (*Authority, error) {
	path := filepath.Join(directory, "pki")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(directory, "etcd", "member", "wal")); err == nil {
			return nil, fmt.Errorf("%s is gone, but the data that was encrypted with its keys is there", path)
		}
		if err := create(directory, path, cluster); err != nil {
			return nil, err
		}
	}
	return load(path)
}

func create(directory, path, cluster string) error {
	work := filepath.Join(directory, ".pki.new")
	if err := errors.Join(os.RemoveAll(work), os.Mkdir(work, 0o700)); err != nil {
		return err
	}
	key, err := newKey()
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: cluster, Organization: []string{"ringfence"}},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	certificate, err := sign(template, template, key.Public(), key, authorityLife)
	if err != nil {
		return err
	}
	tokens, err := newKey()
	if err != nil {
		return err
	}
	encryption, err := encryptionConfiguration()
	if err != nil {
		return err
	}
	authorityKey, err := encodeKey(key)
	if err != nil {
		return err
	}
	tokenKey, err := encodeKey(tokens)
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"ca.crt": certificate, "ca.key": authorityKey, "sa.key": tokenKey, "encryption.yaml": encryption,
	} {
		if err := state.WriteFile(filepath.Join(work, name), content); err != nil {
			return err
		}
	}
	if err := os.Rename(work, path); err != nil {
		return err
	}
	return state.SyncDirectory(directory)
}

// encryptionConfiguration is how the API server encrypts Secrets at rest: XSalsa20-Poly1305 with a random key.
func encryptionConfiguration() ([]byte, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - secretbox:
      keys:
      - {name: key1, secret: %s}
`, base64.StdEncoding.EncodeToString(key)), nil
}

func load(path string) (*Authority, error) {
	content, err := os.ReadFile(filepath.Join(path, "ca.crt"))
	if err != nil {
		return nil, err
	}
	certificate, err := parseCertificate(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(path, "ca.crt"), err)
	}
	keyFile := filepath.Join(path, "ca.key")
	keyContent, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(keyContent)
	if block == nil {
		return nil, fmt.Errorf("%s: not PEM", keyFile)
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keyFile, err)
	}
	for _, name := range []string{"sa.key", "encryption.yaml"} {
		if _, err := os.Stat(filepath.Join(path, name)); err != nil {
			return nil, err
		}
	}
	return &Authority{Certificate: certificate, PEM: content, key: key}, nil
}

// Serving issues a certificate for the API server.
func (a *Authority) Serving(hosts []string, addresses []net.IP) (Pair, error) {
	return a.issue(&x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		DNSNames:    hosts,
		IPAddresses: addresses,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, leafLife)
}

// Client issues a certificate for a user with its groups.
func (a *Authority) Client(user string, groups []string, life time.Duration) (Pair, error) {
	return a.issue(&x509.Certificate{
		Subject:     pkix.Name{CommonName: user, Organization: groups},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, life)
}

// LongLived is Client with the usual life of a certificate that is kept in a file.
func (a *Authority) LongLived(user string, groups []string) (Pair, error) {
	return a.Client(user, groups, leafLife)
}

// Current tells whether a certificate was issued by this authority and has not to be renewed yet.
func (a *Authority) Current(certificatePEM []byte) bool {
	certificate, err := parseCertificate(certificatePEM)
	if err != nil || certificate.CheckSignatureFrom(a.Certificate) != nil {
		return false
	}
	return time.Until(certificate.NotAfter) > renewBefore
}

func (a *Authority) issue(template *x509.Certificate, life time.Duration) (Pair, error) {
	key, err := newKey()
	if err != nil {
		return Pair{}, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.BasicConstraintsValid = true
	certificate, err := sign(template, a.Certificate, key.Public(), a.key, life)
	if err != nil {
		return Pair{}, err
	}
	encoded, err := encodeKey(key)
	return Pair{Certificate: certificate, Key: encoded}, err
}

func newKey() (*ecdsa.PrivateKey, error) {
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

func sign(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer, life time.Duration) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-skew)
	template.NotAfter = time.Now().Add(life)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

func parseCertificate(content []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, errors.New("not PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}

// Matches tells whether a certificate file and a key file belong together.
func Matches(certificate, key string) bool {
	_, err := tls.LoadX509KeyPair(certificate, key)
	return err == nil
}
