// SPDX-License-Identifier: MIT
#include "unionfs/fuse/session.h"

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <optional>
#include <thread>
#include <vector>

#include "unionfs/base/log.h"
#include "unionfs/fuse/backing.h"
#include "unionfs/fuse/front.h"
#include "unionfs/fuse/libfuse.h"
#include "unionfs/fuse/libfuse_log.h"
#include "unionfs/fuse/loop.h"
#include "unionfs/fuse/negotiate.h"
#include "unionfs/fuse/read_ahead.h"
#include "unionfs/fuse/report.h"
#include "unionfs/fuse/request_cost.h"
#include "unionfs/fuse/signals.h"

namespace blendfs::fuse {

struct Session::Parts {
  Parts(merge::Union& fs, sys::Calls& os, SessionConfig config_in)
      : config(std::move(config_in)),
        policy(backing, statistics),
        listings(fs),
        control(fs.OwnXattrPrefix(), [this] { return Figures(); }),
        front{fs,
              os,
              statistics,
              policy,
              listings,
              directories_demand,
              others_demand,
              open_files,
              control,
              [this](fuse_conn_info& connection) { Agree(connection); },
              [this](fuse_ino_t node) {
                // Only attributes: an offset below zero leaves the pages alone.
                fuse_lowlevel_notify_inval_inode(session, node, -1, 0);
              }} {}
  ~Parts() { CloseDevice(); }

  void Agree(fuse_conn_info& connection);
  bool Start(const std::vector<std::string>& words);
  bool Attach(const std::string& where);
  Status Serve();
  Status ServeByLibfuse();
  void Terminate();
  std::string Figures() const;  // report.h
  void CloseDevice();

  SessionConfig config;
  Statistics statistics;
  KernelBackingFiles backing;
  OpenPolicy policy;
  Listings listings;
  AttributeDemand directories_demand, others_demand;
  OpenFiles open_files;
  const Control control;
  Front front;  // libfuse's user data
  fuse_session* session = nullptr;
  UniqueFd device;  // until libfuse has it
  bool mounted_directly = false;
  ReportFile report;
  std::optional<RequestLoop> loop;
  bool terminating = false;  // signal thread only
  const std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
};

namespace {

fuse_lowlevel_ops Handlers() {
  fuse_lowlevel_ops table{};
  table.init = [](void* data, fuse_conn_info* connection) {
    static_cast<Front*>(data)->negotiate(*connection);
  };
  AddNameHandlers(table);
  AddAttributeHandlers(table);
  AddXattrHandlers(table);
  AddFileHandlers(table);
  AddDataHandlers(table);
  AddDirectoryHandlers(table);
  AddIoctlHandlers(table);
  return table;
}

}  // namespace

void Session::Parts::Agree(fuse_conn_info& connection) {
  Agreement agreement = Negotiate(connection, config.passthrough);
  if (const auto bytes = RaiseReadAhead(config.mount.target, front.fs.LayerDevices()))
    connection.max_readahead = *bytes;
  policy.AllowPassthrough(agreement.passthrough);
  front.kernel_opens_directories = agreement.kernel_opens_directories;
  if (config.ready) config.ready();
}

bool Session::Parts::Start(const std::vector<std::string>& words) {
  fuse_args arguments = FUSE_ARGS_INIT(0, nullptr);
  bool added = fuse_opt_add_arg(&arguments, "blendfs") == 0;
  for (const std::string& word : words)
    added = added && fuse_opt_add_arg(&arguments, ("-o" + word).c_str()) == 0;
  const fuse_lowlevel_ops handlers = Handlers();
  if (added) session = fuse_session_new(&arguments, &handlers, sizeof handlers, &front);
  fuse_opt_free_args(&arguments);
  return session != nullptr;
}

bool Session::Parts::Attach(const std::string& where) {
  if (fuse_session_mount(session, where.c_str()) != 0) return false;
  const BorrowedFd attached(fuse_session_fd(session));
  backing.SetDevice(attached);
  // On one processor the asking process runs only when the daemon sleeps: looking for its next request is
  // of no use, and the guard's looks cost what they might save.
  const bool one_processor = std::thread::hardware_concurrency() < 2;
  if (config.io_uring || config.clone_device || one_processor) return true;
  LoopConfig settings{
      .max_threads = config.threads, .look_for = config.look_for, .buffer_bytes = kMaxRequestBytes};
  loop.emplace(attached, settings,
               LoopWork{.serve =
                            [this](std::span<char> request) {
                              fuse_buf bytes{};
                              bytes.size = request.size();
                              bytes.mem = request.data();
                              fuse_session_process_buf(session, &bytes);
                            },
                        .may_take_long = MayTakeLong,
                        .one_of_many = MayBeOneOfMany,
                        .caller = CallerOf});
  return true;
}

Result<std::unique_ptr<Session>> Session::Mount(merge::Union& fs, sys::Calls& os,
                                                SessionConfig config, std::string* problem) {
  auto parts = std::make_unique<Parts>(fs, os, std::move(config));
  const SessionConfig& wish = parts->config;
  TakeOverLibfuseLog(wish.debug);
  if (!wish.statistics_file.empty()) {
    if (auto opened = parts->report.Open(wish.statistics_file); !opened) {
      *problem = "cannot open the statistics file " + wish.statistics_file + ": " +
                 strerror(opened.error().code);
      return tl::unexpected(opened.error());
    }
  }
  std::vector<std::string> words;
  if (wish.debug) words.emplace_back("debug");
#if BLENDFS_HAVE_STATX
  if (wish.io_uring) words.emplace_back("io_uring");
#endif

  Result<UniqueFd> device = MountDirectly(wish.mount, problem);
  if (device) {
    parts->device = std::move(*device);
    // libfuse takes a device that is mounted already under this name, and leaves the unmounting to us.
    if (!parts->Start(words) || !parts->Attach("/dev/fd/" + std::to_string(parts->device.get()))) {
      *problem = "libfuse does not start: see the line above";
      (void)Unmount(wish.mount);
      return Fail(EIO, "libfuse session");
    }
    (void)parts->device.release();
    parts->mounted_directly = true;
  } else if (device.error().code == EPERM) {
    words.push_back(WordsForLibfuse(wish.mount));
    if (!parts->Start(words) || !parts->Attach(wish.mount.target)) {
      *problem =
          "cannot mount on " + wish.mount.target + " through fusermount3: see the line above";
      return Fail(EPERM, "fusermount3");
    }
  } else {
    return tl::unexpected(device.error());
  }
  return std::unique_ptr<Session>(new Session(std::move(parts)));
}

void Session::Parts::Terminate() {
  if (config.survive_signals) return;
  if (terminating) {
    LogError("ended by a second signal with files still open");
    _exit(1);
  }
  terminating = true;
  if (auto done = Unmount(config.mount); !done) {
    LogError("cannot unmount " + config.mount.target + ": " + strerror(done.error().code));
    fuse_session_exit(session);
    if (loop) loop->Stop();
  }
}

std::string Session::Parts::Figures() const {
  const auto uptime = std::chrono::steady_clock::now() - begin;
  return RenderFigures(statistics, {std::chrono::duration_cast<std::chrono::seconds>(uptime),
                                    open_files.size(), front.fs.counters()});
}

// After this nobody waits for an answer any more: what the kernel still asks fails with ENOTCONN.
void Session::Parts::CloseDevice() {
  if (session != nullptr) fuse_session_destroy(session);
  session = nullptr;
}

// Its own loop knows io_uring and devices of their own for threads, and suits one processor.
Status Session::Parts::ServeByLibfuse() {
  fuse_loop_config* settings = fuse_loop_cfg_create();
  if (settings == nullptr) return Fail(ENOMEM, "settings");
  fuse_loop_cfg_set_max_threads(settings, config.threads);
  fuse_loop_cfg_set_clone_fd(settings, config.clone_device ? 1 : 0);
  int code = fuse_session_loop_mt(session, settings);
  fuse_loop_cfg_destroy(settings);
  if (code != 0) return Fail(code < 0 ? -code : code, "session settings");
  return {};
}

Status Session::Parts::Serve() { return loop ? loop->Run() : ServeByLibfuse(); }

Session::Session(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Session::~Session() = default;

bool Session::mounted_directly() const { return parts_->mounted_directly; }

Status Session::Run() {
  Parts& parts = *parts_;
  Status result;
  {
    SignalThread signals({.terminate = [&parts](int) { parts.Terminate(); },
                          .report = [&parts] { parts.report.Write(parts.Figures()); }});
    result = parts.Serve();
  }
  // First, or looking at a mount that could not be taken away would wait for an answer of our own.
  parts.CloseDevice();
  // A connection that broke leaves a dead mount behind, which answers ENOTCONN; anything else at the
  // mount point is not ours any more.
  struct stat left {};
  if (stat(parts.config.mount.target.c_str(), &left) != 0 &&
      (errno == ENOTCONN || errno == ECONNABORTED)) {
    (void)Unmount(parts.config.mount);
  }
  if (!parts.config.volatile_upper && !parts.front.fs.read_only()) {
    ReadyThread();
    Status synced = parts.front.fs.SyncAll();
    if (result && !synced) result = synced;
  }
  if (parts.config.statistics || !parts.config.statistics_file.empty())
    parts.report.Write(parts.Figures());
  return result;
}

}  // namespace blendfs::fuse
