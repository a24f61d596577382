package pki

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func open(t *testing.T, directory, cluster string) *Authority {
	t.Helper()
	authority, err := Open(directory, cluster)
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

func TestKeysAreMadeOnceAndKept(t *testing.T) {
	directory := t.TempDir()
	first, second := open(t, directory, "a"), open(t, directory, "a")
	if string(first.PEM) != string(second.PEM) {
		t.Fatal("the authority changed")
	}
	for _, name := range []string{"ca.crt", "ca.key", "sa.key", "encryption.yaml"} {
		information, err := os.Stat(filepath.Join(directory, "pki", name))
		if err != nil || information.Mode().Perm() != 0o600 {
			t.Fatalf("%s: %v %v", name, information, err)
		}
	}
}

func TestWhatAKilledStartLeftIsMadeAnew(t *testing.T) {
	directory := t.TempDir()
	if err := os.MkdirAll(filepath.Join(directory, ".pki.new", "half"), 0o700); err != nil {
		t.Fatal(err)
	}
	open(t, directory, "a")
}

func TestKeysThatEncryptedDataAreNeverMadeAnew(t *testing.T) {
	directory := t.TempDir()
	if err := os.MkdirAll(filepath.Join(directory, "etcd", "member", "wal"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(directory, "a"); err == nil {
		t.Fatal("keys were made over data that needs others")
	}
}

func TestOnlyItsOwnCertificatesAreCurrent(t *testing.T) {
	one, other := open(t, t.TempDir(), "a"), open(t, t.TempDir(), "a")
	pair, err := one.LongLived("user", []string{"group"})
	if err != nil {
		t.Fatal(err)
	}
	soon, err := one.Client("user", nil, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if !one.Current(pair.Certificate) || other.Current(pair.Certificate) || one.Current(soon.Certificate) || one.Current([]byte("x")) {
		t.Fatal("wrong certificates count as current")
	}
	roots := x509.NewCertPool()
	roots.AddCert(one.Certificate)
	client, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	options := x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := client.Leaf.Verify(options); err != nil {
		t.Fatal(err)
	}
	options.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if _, err := client.Leaf.Verify(options); err == nil {
		t.Fatal("a client's certificate serves")
	}
}

func TestAPairThatDoesNotMatchIsSeen(t *testing.T) {
	directory := t.TempDir()
	authority := open(t, directory, "a")
	certificate, key := filepath.Join(directory, "c"), filepath.Join(directory, "k")
	for _, matches := range []bool{true, false} {
		pair, err := authority.Serving([]string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		if matches {
			if err := os.WriteFile(certificate, pair.Certificate, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(key, pair.Key, 0o600); err != nil {
			t.Fatal(err)
		}
		if Matches(certificate, key) != matches {
			t.Fatalf("want %v", matches)
		}
	}
}
