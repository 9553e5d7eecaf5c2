// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
)

// errnoNames are the errors that files of /proc and /sys give, by the kernel's
// names (include/uapi/asm-generic/errno-base.h and errno.h). The numbers are the
// same on amd64, arm64 and riscv64.
var errnoNames = []struct {
	errno syscall.Errno
	name  string
}{
	{syscall.EPERM, "EPERM"},
	{syscall.ENOENT, "ENOENT"},
	{syscall.ESRCH, "ESRCH"},
	{syscall.EINTR, "EINTR"},
	{syscall.EIO, "EIO"},
	{syscall.ENXIO, "ENXIO"},
	{syscall.E2BIG, "E2BIG"},
	{syscall.EAGAIN, "EAGAIN"},
	{syscall.ENOMEM, "ENOMEM"},
	{syscall.EACCES, "EACCES"},
	{syscall.EFAULT, "EFAULT"},
	{syscall.EBUSY, "EBUSY"},
	{syscall.EEXIST, "EEXIST"},
	{syscall.ENODEV, "ENODEV"},
	{syscall.ENOTDIR, "ENOTDIR"},
	{syscall.EISDIR, "EISDIR"},
	{syscall.EINVAL, "EINVAL"},
	{syscall.ENFILE, "ENFILE"},
	{syscall.EMFILE, "EMFILE"},
	{syscall.ENOTTY, "ENOTTY"},
	{syscall.EFBIG, "EFBIG"},
	{syscall.ENOSPC, "ENOSPC"},
	{syscall.ESPIPE, "ESPIPE"},
	{syscall.EROFS, "EROFS"},
	{syscall.EPIPE, "EPIPE"},
	{syscall.EDOM, "EDOM"},
	{syscall.ERANGE, "ERANGE"},
	{syscall.EDEADLK, "EDEADLK"},
	{syscall.ENAMETOOLONG, "ENAMETOOLONG"},
	{syscall.ENOSYS, "ENOSYS"},
	{syscall.ENOTEMPTY, "ENOTEMPTY"},
	{syscall.ELOOP, "ELOOP"},
	{syscall.ENODATA, "ENODATA"},
	{syscall.ETIME, "ETIME"},
	{syscall.EPROTO, "EPROTO"},
	{syscall.EBADMSG, "EBADMSG"},
	{syscall.EOVERFLOW, "EOVERFLOW"},
	{syscall.EOPNOTSUPP, "EOPNOTSUPP"},
	{syscall.ENETDOWN, "ENETDOWN"},
	{syscall.ETIMEDOUT, "ETIMEDOUT"},
	{syscall.EHOSTDOWN, "EHOSTDOWN"},
	{syscall.EALREADY, "EALREADY"},
	{syscall.EINPROGRESS, "EINPROGRESS"},
	{syscall.ESTALE, "ESTALE"},
	{syscall.EREMOTEIO, "EREMOTEIO"},
	{syscall.ECANCELED, "ECANCELED"},
}

// maxErrno is the kernel's MAX_ERRNO.
const maxErrno = 4095

func errnoName(errno syscall.Errno) string {
	for _, e := range errnoNames {
		if e.errno == errno {
			return e.name
		}
	}
	return fmt.Sprintf("errno %d", int(errno))
}

func parseErrno(text string) (syscall.Errno, error) {
	for _, e := range errnoNames {
		if e.name == text {
			return e.errno, nil
		}
	}
	if number, ok := strings.CutPrefix(text, "errno "); ok {
		n, err := strconv.ParseUint(number, 10, 16)
		if err == nil && n > 0 && n <= maxErrno && errnoName(syscall.Errno(n)) == text {
			return syscall.Errno(n), nil
		}
	}
	return 0, fmt.Errorf("found the error %q, want a kernel name such as EINVAL, or errno and its number", clip(text))
}
