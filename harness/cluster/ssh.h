// SPDX-License-Identifier: MIT
// ssh's and scp's commands as argument vectors. The words that go to a host are plain (words.h), for a shell reads them
// there. Pure; thread-safe.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace blendbench {

class SshCommands {
 public:
  // `config` is a file for -F; "" for the user's own. `folder` is where the hosts keep things; plain, and relative to the
  // home folder there unless it begins with a slash. `run` names this run's folder in it.
  SshCommands(std::string config, std::string folder, std::string run)
      : config_(std::move(config)), folder_(std::move(folder)), run_(std::move(run)) {}

  // Each for one host. `bundle` is the name of a bundle's folder.
  std::vector<std::string> MakeFolder(const std::string& host) const;
  std::vector<std::string> CheckBundle(const std::string& host, const std::string& bundle) const;
  std::vector<std::string> RemoveBundle(const std::string& host, const std::string& bundle) const;
  std::vector<std::string> SendBundle(const std::string& host,
                                      const std::filesystem::path& bundle) const;
  // With a terminal over there, whose end takes the block down when the connection breaks.
  std::vector<std::string> DoBlock(const std::string& host, const std::string& bundle, int block,
                                   const std::vector<std::string>& options) const;
  std::vector<std::string> FetchBlock(const std::string& host, int block,
                                      const std::filesystem::path& into) const;

 private:
  std::vector<std::string> Ssh(const std::string& host, std::vector<std::string> words,
                               bool terminal = false) const;
  std::vector<std::string> Scp(const std::string& from, const std::string& to) const;
  std::vector<std::string> Settings() const;
  std::string Results() const { return folder_ + "/runs/" + run_; }

  std::string config_;
  std::string folder_;
  std::string run_;
};

}  // namespace blendbench
