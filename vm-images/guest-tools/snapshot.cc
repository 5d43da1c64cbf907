// SPDX-License-Identifier: MIT
//
// snapshot ORIGIN STORE: makes the device-mapper device `blend`, a persistent snapshot of the disk ORIGIN
// whose changes live in the exception store STORE, and prints its path (/dev/dm-N).
//
// It does what `dmsetup create` would, in three ioctls: dmsetup with its libraries would be a thousand times
// as large, and brings udev's cookies, which nobody answers in an initramfs. It exits 0, or 1 with one line on
// stderr that names the step. No C library, like `mark`; and no threads.

#include <linux/dm-ioctl.h>
#include <linux/fs.h>

#include <cstddef>
#include <initializer_list>

namespace {

constexpr long kSysWrite = 1;
constexpr long kSysOpen = 2;
constexpr long kSysClose = 3;
constexpr long kSysIoctl = 16;
constexpr long kSysExit = 60;
constexpr long kReadOnly = 0;
constexpr long kReadWrite = 2;
constexpr unsigned long long kSectorBytes = 512;
// The store has its own chunk size in its header, which wins; the kernel wants one named all the same.
constexpr char kChunkSectors[] = "8";
constexpr char kName[] = "blend";

// The request as the kernel takes it: header, one target, the target's parameters. Zero until filled.
struct Request {
  dm_ioctl header;
  dm_target_spec target;
  char parameters[256];
};

Request request;

long SystemCall(long number, long first, long second, long third) {
  long result;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(first), "S"(second), "d"(third)
               : "rcx", "r11", "memory");
  return result;
}

long Address(const void* pointer) { return reinterpret_cast<long>(pointer); }

unsigned long Length(const char* text) {
  unsigned long length = 0;
  while (text[length] != '\0') {
    ++length;
  }
  return length;
}

// Appends `text` at `at`; returns the new end, or null where it does not fit below `end`.
char* Append(char* at, const char* end, const char* text) {
  while (at != nullptr && *text != '\0') {
    if (at + 1 >= end) {
      return nullptr;
    }
    *at++ = *text++;
  }
  return at;
}

[[noreturn]] void Exit(long status) {
  for (;;) {
    SystemCall(kSysExit, status, 0, 0);
  }
}

[[noreturn]] void Fail(const char* why) {
  SystemCall(kSysWrite, 2, Address(why), static_cast<long>(Length(why)));
  SystemCall(kSysWrite, 2, Address("\n"), 1);
  Exit(1);
}

// Sends `request` with a fresh header; the kernel writes its answer over the header.
long Send(long control, unsigned long command, unsigned flags) {
  dm_ioctl& header = request.header;
  header.version[0] = DM_VERSION_MAJOR;
  header.version[1] = 0;
  header.version[2] = 0;
  header.data_size = sizeof(request);
  header.data_start = sizeof(header);
  header.target_count = command == DM_TABLE_LOAD ? 1 : 0;
  header.flags = flags;
  header.event_nr = 0;
  header.dev = 0;
  Append(header.name, header.name + sizeof(header.name), kName);
  return SystemCall(kSysIoctl, control, static_cast<long>(command), Address(&request));
}

unsigned long long Sectors(const char* path) {
  const long disk = SystemCall(kSysOpen, Address(path), kReadOnly, 0);
  unsigned long long bytes = 0;
  if (disk < 0 ||
      SystemCall(kSysIoctl, disk, static_cast<long>(BLKGETSIZE64), Address(&bytes)) < 0) {
    Fail("the origin is no disk");
  }
  SystemCall(kSysClose, disk, 0, 0);
  return bytes / kSectorBytes;
}

void FillTarget(const char* origin, const char* store) {
  dm_target_spec& target = request.target;
  target.length = Sectors(origin);
  Append(target.target_type, target.target_type + sizeof(target.target_type), "snapshot");
  const char* const end = request.parameters + sizeof(request.parameters);
  char* at = request.parameters;
  for (const char* word : {origin, " ", store, " P ", kChunkSectors}) {
    at = Append(at, end, word);
  }
  if (at == nullptr) {
    Fail("the names of the disks are too long");
  }
}

// The kernel packs a device number as its ABI of old does: 8 bits of minor, 12 of major, 12 of minor.
void PrintDevice(unsigned long long device) {
  unsigned long minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  char digits[24];
  char* at = digits + sizeof(digits);
  *--at = '\0';
  *--at = '\n';
  do {
    *--at = static_cast<char>('0' + minor % 10);
    minor /= 10;
  } while (minor != 0);
  const char prefix[] = "/dev/dm-";
  SystemCall(kSysWrite, 1, Address(prefix), sizeof(prefix) - 1);
  SystemCall(kSysWrite, 1, Address(at), static_cast<long>(Length(at)));
}

}  // namespace

extern "C" [[noreturn, gnu::used]] void BlendSnapshot(long* stack) {
  char** arguments = reinterpret_cast<char**>(stack + 1);
  if (stack[0] != 3) {
    Fail("usage: snapshot ORIGIN STORE");
  }
  const long control = SystemCall(kSysOpen, Address("/dev/mapper/control"), kReadWrite, 0);
  if (control < 0) {
    Fail("this kernel has no device mapper");
  }
  if (Send(control, DM_DEV_CREATE, 0) < 0) {
    Fail("the kernel makes no device");
  }
  const unsigned long long device = request.header.dev;
  FillTarget(arguments[1], arguments[2]);
  if (Send(control, DM_TABLE_LOAD, 0) < 0) {
    Fail("the kernel has no snapshot target, or refuses the exception store");
  }
  if (Send(control, DM_DEV_SUSPEND, 0) < 0) {  // without the flag for it, this resumes
    Fail("the kernel does not start the snapshot");
  }
  PrintDevice(device);
  Exit(0);
}

asm(R"(
.globl _start
_start:
  xor %ebp, %ebp
  mov %rsp, %rdi
  and $-16, %rsp
  call BlendSnapshot
)");
