// Package state reads what a process of the engine is asked for, and says what it has reached.
//
// Files were chosen over a control socket: they can be read when the process is dead, and the reader needs no client.
package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Phases of a process.
const (
	Starting = "starting"
	Ready    = "ready"
	Failed   = "failed"
)

// Status is what a process says of itself in the file status.json of its directory.
type Status struct {
	PID     int    `json:"pid"`
	Phase   string `json:"phase"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
	// Generation is that of the configuration that has been carried out.
	Generation string `json:"generation"`
	Server     string `json:"server,omitempty"`
	Version    string `json:"version"`
	Since      string `json:"since"`
}

// WriteStatus replaces status.json in directory.
func WriteStatus(directory string, status Status) error {
	status.PID = os.Getpid()
	status.Since = time.Now().UTC().Format(time.RFC3339Nano)
	content, err := json.Marshal(status)
	if err != nil {
		return err
	}
	return WriteFile(filepath.Join(directory, "status.json"), content)
}

// WriteFile writes content so that a crash leaves the old file or the new one; only the owner may read it.
func WriteFile(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(content)
	err = errors.Join(err, file.Chmod(0o600), file.Sync(), file.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return SyncDirectory(filepath.Dir(path))
}

// SyncDirectory makes what was created or renamed in a directory survive a power cut.
func SyncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}

// lockPatience is for a killed predecessor, whose last thread lets go a moment after the process is gone for others.
const lockPatience = 5 * time.Second

// Lock makes this process the only one on a directory, for as long as it lives: the kernel lets go of the lock when it
// dies, so none can be stale.
func Lock(directory string) error {
	file, err := os.OpenFile(filepath.Join(directory, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(lockPatience)
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: another process works on it: %w", directory, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	held = append(held, file)
	return nil
}

// held keeps the lock files from being closed by the garbage collector.
var held []*os.File
