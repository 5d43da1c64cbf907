// SPDX-License-Identifier: MIT
#include "harness/store/database.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <initializer_list>
#include <set>
#include <system_error>
#include <utility>
#include <variant>

#include "harness/base/files.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr int kSchema = 1;
constexpr int kBusyTimeout_ms = 10'000;

constexpr const char* kTables = R"sql(
CREATE TABLE IF NOT EXISTS runs (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, created TEXT NOT NULL, finished TEXT NOT NULL,
  substrate TEXT NOT NULL, seed TEXT NOT NULL, planned INTEGER NOT NULL,
  spec_sha256 TEXT NOT NULL, plan_sha256 TEXT NOT NULL, claims_sha256 TEXT NOT NULL,
  git_commit TEXT NOT NULL, environment TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS samples (
  run TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, block INTEGER NOT NULL, arm TEXT NOT NULL,
  position INTEGER NOT NULL, status TEXT NOT NULL, failure_phase TEXT, failure_reason TEXT,
  started TEXT NOT NULL, duration_s REAL NOT NULL, PRIMARY KEY (run, block, arm)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS metrics (
  run TEXT NOT NULL, block INTEGER NOT NULL, arm TEXT NOT NULL, metric TEXT NOT NULL, value REAL NOT NULL,
  PRIMARY KEY (run, block, arm, metric),
  FOREIGN KEY (run, block, arm) REFERENCES samples(run, block, arm) ON DELETE CASCADE) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS promises (
  run TEXT NOT NULL, block INTEGER NOT NULL, arm TEXT NOT NULL, promise TEXT NOT NULL,
  held INTEGER NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (run, block, arm, promise),
  FOREIGN KEY (run, block, arm) REFERENCES samples(run, block, arm) ON DELETE CASCADE) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS metrics_by_name ON metrics(metric, arm);
)sql";

using Value = std::variant<std::nullptr_t, int64_t, double, std::string>;

// One prepared statement; finalized on every way out.
class Statement {
 public:
  Statement(sqlite3* database, const char* sql) {
    result_ = sqlite3_prepare_v2(database, sql, -1, &handle_, nullptr);
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(handle_); }

  // Runs it with `values` as its parameters and forgets any rows.
  int Run(std::initializer_list<Value> values) {
    if (handle_ == nullptr) return result_;
    sqlite3_reset(handle_);
    int index = 0;
    for (const Value& value : values) Bind(++index, value);
    int result = SQLITE_ROW;
    while (result == SQLITE_ROW) result = sqlite3_step(handle_);
    return result == SQLITE_DONE ? SQLITE_OK : result;
  }
  void Bind(int index, const Value& value) {
    if (const auto* number = std::get_if<int64_t>(&value)) {
      sqlite3_bind_int64(handle_, index, *number);
    } else if (const auto* real = std::get_if<double>(&value)) {
      sqlite3_bind_double(handle_, index, *real);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      sqlite3_bind_text(handle_, index, text->data(), static_cast<int>(text->size()),
                        SQLITE_TRANSIENT);
    } else {
      sqlite3_bind_null(handle_, index);
    }
  }
  // SQLITE_ROW, SQLITE_DONE or an error.
  int Step() { return handle_ == nullptr ? result_ : sqlite3_step(handle_); }
  std::string Text(int column) {
    const unsigned char* text = sqlite3_column_text(handle_, column);
    return text == nullptr ? "" : reinterpret_cast<const char*>(text);
  }
  int Integer(int column) { return sqlite3_column_int(handle_, column); }
  double Real(int column) { return sqlite3_column_double(handle_, column); }

 private:
  sqlite3_stmt* handle_ = nullptr;
  int result_ = SQLITE_OK;
};

Error SqlError(sqlite3* database, const std::string& action) {
  const int code = sqlite3_errcode(database);
  const bool full = code == SQLITE_FULL;
  return {ExitCode::kEnvironment,
          fmt::format("cannot {} blendbench.sqlite: {}; {}", action, sqlite3_errmsg(database),
                      full ? "free some space"
                           : "it is a cache: remove it and it is built anew from the runs")};
}

int Execute(sqlite3* database, const char* sql) {
  return sqlite3_exec(database, sql, nullptr, nullptr, nullptr);
}

bool IsDamage(int code) {
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_SCHEMA ||
         code == SQLITE_MISMATCH || code == SQLITE_ERROR;
}

// "" when sound, otherwise what is wrong.
std::string CheckIntegrity(sqlite3* database) {
  Statement check(database, "PRAGMA quick_check(1)");
  const int step = check.Step();
  if (step != SQLITE_ROW) return IsDamage(step) ? sqlite3_errmsg(database) : "";
  const std::string answer = check.Text(0);
  return answer == "ok" ? "" : answer;
}

int SchemaVersion(sqlite3* database) {
  Statement version(database, "PRAGMA user_version");
  return version.Step() == SQLITE_ROW ? version.Integer(0) : 0;
}

// How everything in it was declared; "" for an empty one.
std::string ShapeOf(sqlite3* database) {
  Statement declared(
      database, "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema ORDER BY name)");
  return declared.Step() == SQLITE_ROW ? declared.Text(0) : "";
}

// As this version declares it.
std::string KnownShape() {
  sqlite3* handle = nullptr;
  sqlite3_open(":memory:", &handle);
  Execute(handle, kTables);
  std::string shape = ShapeOf(handle);
  sqlite3_close(handle);
  return shape;
}

fs::path FreeName(const fs::path& file) {
  std::error_code ignored;
  for (int number = 1;; ++number) {
    fs::path candidate = file.string() + ".corrupt-" + std::to_string(number);
    if (!fs::exists(candidate, ignored)) return candidate;
  }
}

int InsertSample(sqlite3* database, const std::string& run, const Sample& sample) {
  Statement insert_sample(database, "INSERT INTO samples VALUES (?,?,?,?,?,?,?,?,?)");
  Statement insert_metric(database, "INSERT INTO metrics VALUES (?,?,?,?,?)");
  Statement insert_promise(database, "INSERT OR REPLACE INTO promises VALUES (?,?,?,?,?,?)");
  const int64_t block = sample.block;
  const auto failure = [&](const std::string Failure::*member) -> Value {
    if (!sample.failure) return nullptr;
    return (*sample.failure).*member;
  };
  int code = insert_sample.Run({run, block, sample.arm, int64_t{sample.order},
                                sample.status == SampleStatus::kOk ? "ok" : "failed",
                                failure(&Failure::phase), failure(&Failure::reason), sample.started,
                                sample.duration_s});
  for (const auto& [metric, value] : sample.metrics) {
    if (code == SQLITE_OK) code = insert_metric.Run({run, block, sample.arm, metric, value});
  }
  for (const Promise& promise : sample.promises) {
    if (code != SQLITE_OK) break;
    code = insert_promise.Run(
        {run, block, sample.arm, promise.check, int64_t{promise.held}, promise.detail});
  }
  return code;
}

int InsertRun(sqlite3* database, const RunFolder& run) {
  Statement forget(database, "DELETE FROM runs WHERE id = ?");
  Statement insert(database, "INSERT INTO runs VALUES (?,?,?,?,?,?,?,?,?,?,?,?)");
  const Plan& plan = run.plan();
  const Environment& environment = run.environment();
  int code = forget.Run({run.id()});
  if (code == SQLITE_OK) {
    code = insert.Run(
        {run.id(), plan.experiment.name, environment.created, environment.finished,
         environment.substrate, std::to_string(plan.experiment.seed),
         static_cast<int64_t>(plan.steps.size()), plan.experiment.spec_sha256, run.plan_sha256(),
         plan.claims_sha256, environment.git_commit,
         ToJson(environment).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)});
  }
  for (const Sample& sample : run.samples()) {
    if (code == SQLITE_OK) code = InsertSample(database, run.id(), sample);
  }
  return code;
}

}  // namespace

void Database::Closer::operator()(sqlite3* database) const { sqlite3_close(database); }

Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::Open(const fs::path& runs_dir) {
  std::error_code error;
  fs::create_directories(runs_dir, error);
  if (error) return tl::unexpected(FileError("create", runs_dir, error.value()));
  Database database;
  database.runs_dir_ = runs_dir;
  std::string damage;
  bool empty = false;
  if (auto prepared = database.Prepare(damage, empty); !prepared)
    return tl::unexpected(prepared.error());
  if (!damage.empty()) {
    if (auto anew = database.StartAnew(damage); !anew) return tl::unexpected(anew.error());
  }
  if (empty || !damage.empty()) {
    if (auto rebuilt = database.Rebuild(); !rebuilt) return tl::unexpected(rebuilt.error());
  }
  return database;
}

Result<void> Database::StartAnew(const std::string& damage) {
  handle_.reset();
  const fs::path file = runs_dir_ / "blendbench.sqlite";
  const fs::path aside = FreeName(file);
  std::error_code error;
  fs::rename(file, aside, error);
  if (error) return tl::unexpected(FileError("move aside", file, error.value()));
  for (const char* suffix : {"-wal", "-shm"}) fs::remove(file.string() + suffix, error);
  notes_.push_back(
      {WarningKind::kDatabaseRebuilt, file.string(), fmt::format("damaged ({})", damage),
       fmt::format("kept as {} and built anew from the run folders", aside.filename().string())});
  std::string still;
  bool empty = false;
  if (auto prepared = Prepare(still, empty); !prepared) return prepared;
  if (!still.empty()) return Fail(ExitCode::kBroke, file.string() + ": " + still);
  return {};
}

Result<void> Database::Prepare(std::string& damage, bool& empty) {
  // Where nothing can be written it is made anew each time.
  const bool writable = access(runs_dir_.c_str(), W_OK) == 0;
  const std::string file = writable ? (runs_dir_ / "blendbench.sqlite").string() : ":memory:";
  sqlite3* handle = nullptr;
  const int opened =
      sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  handle_.reset(handle);
  if (handle == nullptr) return Fail(ExitCode::kBroke, "SQLite has no memory");
  if (opened != SQLITE_OK) return tl::unexpected(SqlError(handle, "open"));
  sqlite3_busy_timeout(handle, kBusyTimeout_ms);
  damage = CheckIntegrity(handle);
  const std::string shape = damage.empty() ? ShapeOf(handle) : "";
  empty = damage.empty() && shape.empty();  // new, or truncated to nothing
  if (damage.empty() && !empty && SchemaVersion(handle) != kSchema) {
    damage = fmt::format("schema {} is not the {} of this version", SchemaVersion(handle), kSchema);
  } else if (damage.empty() && !empty && shape != KnownShape()) {
    damage = "its tables are not this version's";
  }
  if (!damage.empty()) return {};
  int code = Execute(
      handle, "PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
  if (code == SQLITE_OK) code = Execute(handle, kTables);
  if (code == SQLITE_OK)
    code = Execute(handle, fmt::format("PRAGMA user_version = {}", kSchema).c_str());
  if (code == SQLITE_OK) return {};
  if (IsDamage(code)) {
    damage = sqlite3_errmsg(handle);
    return {};
  }
  return tl::unexpected(SqlError(handle, "prepare"));
}

Result<void> Database::Import(const RunFolder& run) {
  int code = Execute(handle_.get(), "BEGIN IMMEDIATE");
  if (code == SQLITE_OK) code = InsertRun(handle_.get(), run);
  if (code == SQLITE_OK) code = Execute(handle_.get(), "COMMIT");
  if (code == SQLITE_OK) return {};
  corrupt_ = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
  const Error error = SqlError(handle_.get(), fmt::format("import run {} into", run.id()));
  Execute(handle_.get(), "ROLLBACK");
  return tl::unexpected(error);
}

Result<void> Database::Rebuild() {
  const std::vector<Warning> notes = notes_;
  corrupt_ = false;
  auto rebuilt = RebuildOnce();
  if (rebuilt || !corrupt_) return rebuilt;
  // Damage that the check at opening does not see.
  notes_ = notes;
  if (auto anew = StartAnew(rebuilt.error().message); !anew) return anew;
  return RebuildOnce();
}

Result<void> Database::RebuildOnce() {
  std::set<std::string> present;
  for (const fs::path& dir : ListRuns(runs_dir_)) {
    auto run = RunFolder::OpenForReading(dir);
    if (!run) {
      notes_.push_back(
          {WarningKind::kUnreadableRun, dir.string(), run.error().message, "this run is left out"});
      continue;
    }
    notes_.insert(notes_.end(), run->warnings().begin(), run->warnings().end());
    if (auto imported = Import(*run); !imported) return imported;
    present.insert(run->id());
  }
  auto known = Runs();
  if (!known) return tl::unexpected(known.error());
  Statement forget(handle_.get(), "DELETE FROM runs WHERE id = ?");
  for (const RunSummary& run : *known) {
    if (present.count(run.id) != 0) continue;
    const int code = forget.Run({run.id});
    if (code == SQLITE_OK) continue;
    corrupt_ = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
    return tl::unexpected(SqlError(handle_.get(), "clean"));
  }
  return {};
}

Result<std::vector<RunSummary>> Database::Runs() {
  Statement query(
      handle_.get(),
      "SELECT id, name, created, finished, substrate, planned, count(samples.run), "
      "coalesce(sum(samples.status = 'failed'), 0) FROM runs LEFT JOIN samples ON samples.run = id "
      "GROUP BY id ORDER BY created, id");
  std::vector<RunSummary> runs;
  int step = query.Step();
  for (; step == SQLITE_ROW; step = query.Step()) {
    runs.push_back({query.Text(0), query.Text(1), query.Text(2), query.Text(3), query.Text(4),
                    query.Integer(6), query.Integer(7), query.Integer(5)});
  }
  if (step != SQLITE_DONE) {
    corrupt_ = step == SQLITE_CORRUPT || step == SQLITE_NOTADB;
    return tl::unexpected(SqlError(handle_.get(), "read"));
  }
  return runs;
}

Result<std::vector<Database::Point>> Database::History(const std::string& metric,
                                                       const std::string& arm) {
  Statement query(handle_.get(),
                  "SELECT run, block, value FROM metrics JOIN runs ON runs.id = run "
                  "WHERE metric = ? AND arm = ? ORDER BY created, run, block");
  query.Bind(1, metric);
  query.Bind(2, arm);
  std::vector<Point> points;
  int step = query.Step();
  for (; step == SQLITE_ROW; step = query.Step()) {
    points.push_back({query.Text(0), query.Integer(1), query.Real(2)});
  }
  if (step != SQLITE_DONE) return tl::unexpected(SqlError(handle_.get(), "read"));
  return points;
}

}  // namespace blendbench
