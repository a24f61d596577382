package argocd

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/argoproj/argo-cd/v3/util/cache"
)

func TestDescriptionsGoButAPropertyOfThatNameStays(t *testing.T) {
	schema := map[string]any{
		"description": "text",
		"properties": map[string]any{
			"description": map[string]any{"type": "string", "description": "text"},
			"list":        []any{map[string]any{"description": "text", "type": "object"}},
		},
	}
	dropDescriptions(schema)
	wanted := map[string]any{
		"properties": map[string]any{
			"description": map[string]any{"type": "string"},
			"list":        []any{map[string]any{"type": "object"}},
		},
	}
	if !reflect.DeepEqual(schema, wanted) {
		t.Fatalf("%v", schema)
	}
}

type value struct {
	Flag *bool
	Text string
}

func TestTheCacheKeepsWhatWasPutAndNotWhatBecameOfIt(t *testing.T) {
	kept := newMemory(time.Hour)
	no := false
	put := &value{Flag: &no, Text: "before"}
	if err := kept.Set(&cache.Item{Key: "k", Object: put}); err != nil {
		t.Fatal(err)
	}
	put.Text = "after"
	var got value
	if err := kept.Get("k", &got); err != nil {
		t.Fatal(err)
	}
	if got.Text != "before" || got.Flag == nil || *got.Flag {
		t.Fatalf("%+v", got)
	}
	item := &cache.Item{Key: "k", Object: "other", CacheActionOpts: cache.CacheActionOpts{DisableOverwrite: true}}
	if err := kept.Set(item); err != nil {
		t.Fatal(err)
	}
	if err := kept.Rename("k", "l", time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := kept.Get("l", &got); err != nil || got.Text != "before" {
		t.Fatalf("%+v %v", got, err)
	}
	if err := kept.Get("k", &got); !errors.Is(err, cache.ErrCacheMiss) {
		t.Fatal(err)
	}
}
