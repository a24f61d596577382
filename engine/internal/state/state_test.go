package state

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

func TestAFileIsReplacedWholeAndPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, content := range []string{"first", "second"} {
		if err := WriteFile(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		read, err := os.ReadFile(path)
		if err != nil || string(read) != content {
			t.Fatalf("%q %v", read, err)
		}
	}
	information, err := os.Stat(path)
	if err != nil || information.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", information, err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Fatalf("left behind: %v %v", entries, err)
	}
}

func TestAStatusNamesItsProcess(t *testing.T) {
	directory := t.TempDir()
	if err := WriteStatus(directory, Status{Phase: Ready, Generation: "g"}); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(directory, "status.json"))
	if err != nil {
		t.Fatal(err)
	}
	var status Status
	if err := json.Unmarshal(content, &status); err != nil {
		t.Fatal(err)
	}
	if status.PID != os.Getpid() || status.Phase != Ready || status.Since == "" {
		t.Fatalf("%+v", status)
	}
}
