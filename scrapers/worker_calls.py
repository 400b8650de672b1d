"""Which questions to the system may a parse worker not ask? Their numbers, and the filter that refuses.

Landlock says which files may be read; it knows nothing of modes, owners and times of files, nor (before
Linux 6.12) of signals, nor of limits of other processes: a worker that was taken over could end or
starve the one that it works for, or shut our files to ourselves.
"""

from __future__ import annotations

import errno
import struct

# name: number on x86-64 and on arm64 (asm/unistd_64.h, asm-generic/unistd.h), None where there is none
REFUSED: dict[str, tuple[int | None, int | None]] = {
    # network
    "socket": (41, 198), "connect": (42, 203), "accept": (43, 202), "accept4": (288, 242),
    "sendto": (44, 206), "sendmsg": (46, 211), "sendmmsg": (307, 269), "bind": (49, 200),
    "listen": (50, 201), "socketpair": (53, 199),
    # programs and processes
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281),
    "setns": (308, 268), "unshare": (272, 97),
    # other processes
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "kcmp": (312, 272), "setpriority": (141, 140),
    "sched_setparam": (142, 118), "sched_setscheduler": (144, 119),
    "sched_setaffinity": (203, 122), "sched_setattr": (314, 274), "ioprio_set": (251, 30),
    "migrate_pages": (256, 238), "move_pages": (279, 239),
    # who may what with a file, which Landlock does not know
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "chown": (92, None),
    "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "utime": (132, None),
    "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    "open_by_handle_at": (304, 265),
    # memory and messages shared with others
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "semget": (64, 190),
    "semop": (65, 193), "semctl": (66, 191), "semtimedop": (220, 192), "msgget": (68, 186),
    "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187), "mq_open": (240, 180),
    "mq_unlink": (241, 181), "memfd_create": (319, 279), "add_key": (248, 217),
    "request_key": (249, 218), "keyctl": (250, 219),
    # the machine
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "perf_event_open": (298, 241), "bpf": (321, 280), "userfaultfd": (323, 282),
    "fanotify_init": (300, 262), "sethostname": (170, 161), "setdomainname": (171, 162),
    "settimeofday": (164, 170), "adjtimex": (159, 171), "clock_settime": (227, 112),
    "clock_adjtime": (305, 266), "iopl": (172, None), "ioperm": (173, None),
    "reboot": (169, 142), "kexec_load": (246, 104), "kexec_file_load": (320, 294),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "syslog": (103, 116),
    "quotactl": (179, 60),
}  # fmt: skip
# The limits of a process: the worker sets its own (process 0), and nobody else's.
PRLIMIT = (302, 261)
CLONE = (56, 220)
# From here on numbers are the same everywhere: io_uring, new mounts, pidfd and what is still to come.
# They are said not to exist, so that a C library falls back on what was there before (clone for clone3).
NEWER = 424
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_CLONE_THREAD = 0x10000
_LOAD, _EQUAL, _AT_LEAST, _SOME_BITS, _GIVE = 0x20, 0x15, 0x35, 0x45, 0x06
_NO, _ABSENT, _YES = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS, 0x7FFF0000
_NUMBER, _ARCH, _FIRST = 0, 4, 16  # where they lie in struct seccomp_data


def program(machine: str) -> bytes:
    """The filter for that machine as classic BPF. KeyError for one that is not known.

    `clone` may make threads only.
    """
    place, arch = ARCHITECTURES[machine]
    steps = [
        (_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, arch), (_GIVE, 0, 0, _NO),
        (_LOAD, 0, 0, _NUMBER), (_AT_LEAST, 0, 1, NEWER), (_GIVE, 0, 0, _ABSENT),
    ]  # fmt: skip
    for numbers in REFUSED.values():
        if (number := numbers[place]) is not None:
            steps += [(_EQUAL, 0, 1, number), (_GIVE, 0, 0, _NO)]
    steps += [
        (_EQUAL, 0, 4, PRLIMIT[place]), (_LOAD, 0, 0, _FIRST), (_EQUAL, 1, 0, 0), (_GIVE, 0, 0, _NO),
        (_GIVE, 0, 0, _YES),
        (_EQUAL, 0, 3, CLONE[place]), (_LOAD, 0, 0, _FIRST), (_SOME_BITS, 1, 0, _CLONE_THREAD),
        (_GIVE, 0, 0, _NO),
        (_GIVE, 0, 0, _YES),
    ]  # fmt: skip
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
