//go:build !linux

package footprint

// releaseProgram does nothing: only Linux forgets pages of a file on request.
func releaseProgram() {}
