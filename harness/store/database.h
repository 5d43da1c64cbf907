// SPDX-License-Identifier: MIT
// Every run of a results folder in one SQLite file, for questions across runs. It is a cache: the
// run folders are the truth, so a damaged file is moved aside and built anew, and importing a run
// twice changes nothing. Tables: runs, samples, metrics, promises (results/README.md).
// Thread-safety: one thread; several processes may use the same file (WAL, busy timeout).
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "harness/base/exit_code.h"
#include "harness/store/run_folder.h"

struct sqlite3;

namespace blendbench {

struct RunSummary {
  std::string id;
  std::string name;
  std::string created;
  std::string finished;
  std::string substrate;
  int samples = 0;
  int failed = 0;
  int planned = 0;
};

class Database {
 public:
  // Opens or makes `runs_dir`/blendbench.sqlite. A truncated or corrupt file, or one with other tables, is renamed
  // to *.corrupt-N, every run folder is imported again, and notes() says so. In memory where `runs_dir` is read-only.
  static Result<Database> Open(const std::filesystem::path& runs_dir);

  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  // All or nothing, one transaction; replaces what was known of the run.
  Result<void> Import(const RunFolder& run);
  // Imports every run folder and forgets runs whose folder is gone. Damage met on the way is dealt with as in Open.
  Result<void> Rebuild();

  Result<std::vector<RunSummary>> Runs();
  // The values of one metric of one arm over all runs, oldest run first.
  struct Point {
    std::string run;
    int block = 0;
    double value = 0;
  };
  Result<std::vector<Point>> History(const std::string& metric, const std::string& arm);

  const std::vector<Warning>& notes() const { return notes_; }

 private:
  struct Closer {
    void operator()(sqlite3* database) const;
  };
  Database() = default;
  // Opens the file, checks it, makes the tables; sets `damage` when the file is past repair,
  // `empty` when it held nothing yet.
  Result<void> Prepare(std::string& damage, bool& empty);
  // Moves the file aside, notes it, and opens an empty one.
  Result<void> StartAnew(const std::string& damage);
  Result<void> RebuildOnce();

  std::filesystem::path runs_dir_;
  std::unique_ptr<sqlite3, Closer> handle_;
  std::vector<Warning> notes_;
  bool corrupt_ = false;  // the last failure was the file's damage
};

}  // namespace blendbench
