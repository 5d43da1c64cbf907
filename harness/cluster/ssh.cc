// SPDX-License-Identifier: MIT
#include "harness/cluster/ssh.h"

#include <utility>

#include "harness/cluster/block_results.h"

namespace blendbench {
namespace {

void Append(std::vector<std::string>& list, const std::vector<std::string>& more) {
  list.insert(list.end(), more.begin(), more.end());
}

}  // namespace

std::vector<std::string> SshCommands::Settings() const {
  std::vector<std::string> settings;
  if (!config_.empty()) settings = {"-F", config_};
  // Nobody is there to be asked, a host that is gone is noticed within a minute, and the last word is the program's:
  // "Connection closed" would hide it.
  for (const char* setting : {"BatchMode=yes", "LogLevel=ERROR", "ConnectTimeout=20",
                              "ServerAliveInterval=15", "ServerAliveCountMax=4"})
    Append(settings, {"-o", setting});
  return settings;
}

std::vector<std::string> SshCommands::Ssh(const std::string& host, std::vector<std::string> words,
                                          bool terminal) const {
  std::vector<std::string> command = {"ssh"};
  if (terminal) command.push_back("-tt");
  Append(command, Settings());
  Append(command, {"--", host});
  Append(command, words);
  return command;
}

std::vector<std::string> SshCommands::Scp(const std::string& from, const std::string& to) const {
  std::vector<std::string> command = {"scp", "-q", "-r", "-p"};
  Append(command, Settings());
  Append(command, {"--", from, to});
  return command;
}

std::vector<std::string> SshCommands::MakeFolder(const std::string& host) const {
  return Ssh(host, {"mkdir", "-p", Results()});
}

std::vector<std::string> SshCommands::CheckBundle(const std::string& host,
                                                  const std::string& bundle) const {
  return Ssh(host, {folder_ + "/" + bundle + "/bin/blendbench", "block", "0", "--check", "--bundle",
                    folder_ + "/" + bundle});
}

std::vector<std::string> SshCommands::RemoveBundle(const std::string& host,
                                                   const std::string& bundle) const {
  return Ssh(host, {"rm", "-rf", folder_ + "/" + bundle});
}

std::vector<std::string> SshCommands::SendBundle(const std::string& host,
                                                 const std::filesystem::path& bundle) const {
  return Scp(bundle.string(), host + ":" + folder_ + "/");
}

std::vector<std::string> SshCommands::DoBlock(const std::string& host, const std::string& bundle,
                                              int block,
                                              const std::vector<std::string>& options) const {
  std::vector<std::string> words = {folder_ + "/" + bundle + "/bin/blendbench",
                                    "block",
                                    std::to_string(block),
                                    "--bundle",
                                    folder_ + "/" + bundle,
                                    "--results",
                                    Results(),
                                    "--node",
                                    host};
  Append(words, options);
  return Ssh(host, std::move(words), true);
}

std::vector<std::string> SshCommands::FetchBlock(const std::string& host, int block,
                                                 const std::filesystem::path& into) const {
  return Scp(host + ":" + Results() + "/" + BlockName(block), into.string() + "/");
}

}  // namespace blendbench
