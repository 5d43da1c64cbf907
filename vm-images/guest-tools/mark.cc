// SPDX-License-Identifier: MIT
//
// mark CHAR: tells the host that the guest has reached a point, by one byte to I/O port 0xe9.
//
// QEMU's isa-debugcon answers a read of that port with 0xe9; anything else means that nobody listens
// (a container, a real machine), and nothing is written then. It always exits 0: a boot must not
// fail because nobody measures it. No C library: it runs early and often, and has to cost nothing.

namespace {

constexpr unsigned short kDebugPort = 0xe9;
constexpr long kSysExit = 60;
constexpr long kSysIoperm = 173;

long SystemCall(long number, long first, long second, long third) {
  long result;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(first), "S"(second), "d"(third)
               : "rcx", "r11", "memory");
  return result;
}

unsigned char ReadPort(unsigned short port) {
  unsigned char value;
  asm volatile("inb %1, %0" : "=a"(value) : "d"(port));
  return value;
}

void WritePort(unsigned short port, unsigned char value) {
  asm volatile("outb %0, %1" : : "a"(value), "d"(port));
}

}  // namespace

extern "C" [[noreturn, gnu::used]] void BlendMark(long* stack) {
  const long argument_count = stack[0];
  char** arguments = reinterpret_cast<char**>(stack + 1);
  if (argument_count == 2 && SystemCall(kSysIoperm, kDebugPort, 1, 1) == 0 &&
      ReadPort(kDebugPort) == kDebugPort) {
    WritePort(kDebugPort, static_cast<unsigned char>(arguments[1][0]));
  }
  SystemCall(kSysExit, 0, 0, 0);
  __builtin_unreachable();
}

asm(R"(
.globl _start
_start:
  xor %ebp, %ebp
  mov %rsp, %rdi
  and $-16, %rsp
  call BlendMark
)");
