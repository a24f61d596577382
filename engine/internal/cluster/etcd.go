package cluster

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/storage/wal"
)

// etcdSocket is relative to the cluster's directory: a Unix socket's path may have some hundred characters only, and
// the directory keeps everybody else away from it. A TCP port would need certificates of its own.
const (
	etcdSocket     = "etcd.sock"
	etcdPeerSocket = "etcd-peer.sock"
	etcdQuota      = 4 << 30
)

// startEtcd returns once the store takes writes. fsync stays on: what was acknowledged survives a power cut.
func startEtcd(name string) (*embed.Etcd, error) {
	for _, socket := range []string{etcdSocket, etcdPeerSocket} {
		// The lock on the directory is held: a socket that is there belongs to a dead process.
		if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	config := embed.NewConfig()
	config.Name = name
	config.Dir = "etcd"
	client := url.URL{Scheme: "unix", Host: etcdSocket}
	peer := url.URL{Scheme: "unix", Host: etcdPeerSocket}
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(name)
	config.LogLevel = "warn"
	config.EnableGRPCGateway = false
	config.QuotaBackendBytes = etcdQuota
	// The log entries kept in memory: a single member has no follower that needs them.
	config.SnapshotCount = 2000
	config.SnapshotCatchUpEntries = 200
	// One member: it elects itself at once.
	config.TickMs, config.ElectionMs = 50, 500
	// The log is preallocated in segments; 64 MB each is much for a cluster on a laptop.
	wal.SegmentSizeBytes = 16 << 20
	store, err := embed.StartEtcd(config)
	if err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	select {
	case <-store.Server.ReadyNotify():
		return store, nil
	case err := <-store.Err():
		return nil, fmt.Errorf("etcd: %w", err)
	case <-time.After(2 * time.Minute):
		store.Close()
		return nil, errors.New("etcd: not ready after two minutes")
	}
}
