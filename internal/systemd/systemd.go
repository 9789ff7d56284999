// Package systemd is what a service manager hands a process, and what it is
// told: listening sockets as sd_listen_fds(3) describes them, and the state of
// the service as sd_notify(3) does.
//
// [Sockets] and [Notify] do nothing where there is no service manager.
package systemd

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// firstFile is SD_LISTEN_FDS_START.
const firstFile = 3

// Socket is a listening socket that was handed in.
type Socket struct {
	Name string // FileDescriptorName= of its unit; that of the unit by default
	net.Listener
}

// Sockets are the listening sockets that this process was handed in, none when
// it was not. They are given once: the environment says so no more afterwards,
// and they are not passed on by accident to a process that this one starts.
func Sockets() ([]Socket, error) {
	pid, count, names := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES")
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"} {
		os.Unsetenv(name)
	}
	if count == "" || pid != strconv.Itoa(os.Getpid()) {
		return nil, nil // meant for another process, or for none
	}
	return sockets(firstFile, count, names)
}

func sockets(first int, count, names string) ([]Socket, error) {
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("LISTEN_FDS=%q is not a number of sockets", count)
	}
	name := strings.Split(names, ":")
	if names != "" && len(name) != n {
		return nil, fmt.Errorf("LISTEN_FDNAMES=%q does not name %d sockets", names, n)
	}
	var list []Socket
	for i := range n {
		s := Socket{}
		if names != "" {
			s.Name = name[i]
		}
		syscall.CloseOnExec(first + i)
		f := os.NewFile(uintptr(first+i), s.Name)
		s.Listener, err = net.FileListener(f)
		f.Close()
		if err != nil {
			closeAll(list)
			return nil, fmt.Errorf("socket %d (%q) of the service manager: %w\nQuack takes listening stream sockets: ListenStream=, and Accept=no", i+1, s.Name, err)
		}
		list = append(list, s)
	}
	return list, nil
}

func closeAll(list []Socket) {
	for _, s := range list {
		s.Close()
	}
}
