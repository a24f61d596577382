package argocd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/argoproj/argo-cd/v3/util/cache"
	gocache "github.com/patrickmn/go-cache"
)

// memory is Argo CD's cache without Redis: the controller and the repository server that share it are one process.
// Values are kept as JSON, as Redis would keep them, so that a reader never sees what a writer changes later. Argo CD's
// own in-memory cache was rejected: it encodes with gob, which turns pointers to zero values into nil.
type memory struct {
	entries    *gocache.Cache
	expiration time.Duration
}

var _ cache.CacheClient = &memory{}

func newMemory(expiration time.Duration) *memory {
	return &memory{entries: gocache.New(expiration, time.Minute), expiration: expiration}
}

func (m *memory) Set(item *cache.Item) error {
	content, err := json.Marshal(item.Object)
	if err != nil {
		return fmt.Errorf("cache: %s: %w", item.Key, err)
	}
	expiration := item.CacheActionOpts.Expiration
	if expiration == 0 {
		expiration = m.expiration
	}
	if item.CacheActionOpts.DisableOverwrite {
		_ = m.entries.Add(item.Key, content, expiration) // an entry that is there stays, which is no failure
		return nil
	}
	m.entries.Set(item.Key, content, expiration)
	return nil
}

func (m *memory) Get(key string, into any) error {
	content, found := m.entries.Get(key)
	if !found {
		return cache.ErrCacheMiss
	}
	return json.NewDecoder(bytes.NewReader(content.([]byte))).Decode(into)
}

func (m *memory) Rename(from, to string, expiration time.Duration) error {
	content, found := m.entries.Get(from)
	if !found {
		return cache.ErrCacheMiss
	}
	m.entries.Set(to, content, expiration)
	m.entries.Delete(from)
	return nil
}

func (m *memory) Delete(key string) error {
	m.entries.Delete(key)
	return nil
}

// OnUpdated and NotifyUpdated carry messages between processes; there is one.
func (m *memory) OnUpdated(context.Context, string, func() error) error { return nil }

func (m *memory) NotifyUpdated(string) error { return nil }
