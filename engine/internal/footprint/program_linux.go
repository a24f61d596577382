package footprint

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// releaseProgram takes the pages of the program's own file out of the process: most of it runs at the start only. A page
// that is used again comes back at its next use, from the machine's cache of files.
func releaseProgram() {
	program, err := os.Executable()
	if err != nil {
		return
	}
	file, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := lines.Text()
		var from, to uintptr
		var rights string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &rights); err != nil {
			continue
		}
		if strings.HasSuffix(line, " "+program) && !strings.Contains(rights, "w") {
			_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_DONTNEED)
		}
	}
}
