// SPDX-License-Identifier: MIT
#include "harness/gate/calibration.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "harness/gate/compare.h"
#include "harness/stats/bootstrap.h"
#include "harness/stats/sample_size.h"

namespace blendbench {
namespace {

constexpr uint64_t kSeed = 20140801;
constexpr int kSimulated = 500;  // experiments behind each prediction

bool IsBoot(const Metric& metric) {
  return metric.id == "boot.total_s" || metric.family == "host-boot";
}

// Families whose metrics say what a user waits for; parts of them would count the same thing twice.
bool Enters(const Metric& metric) {
  static const std::set<std::string> kOut = {"setup", "host-cpu", "boot-phase", "shutdown"};
  return kOut.count(metric.family) == 0;
}

double GeometricMean(const std::vector<Sample>& samples, const std::string& arm,
                     const std::string& metric) {
  double sum = 0;
  int count = 0;
  for (const Sample& sample : samples) {
    const auto found = sample.metrics.find(metric);
    if (sample.arm != arm || found == sample.metrics.end() || found->second <= 0) continue;
    sum += std::log(found->second);
    ++count;
  }
  return count == 0 ? 0 : std::exp(sum / count);
}

struct Tally {
  int trials = 0, refuted = 0, non_inferior = 0, seen_worse = 0, beyond = 0;
  double expected = 0, measured = 0;  // sums of log ratios
  double predicted_refuted = 0, predicted_non_inferior = 0, predicted_seen_worse = 0;

  void Add(const stats::Judged& judged) {
    ++trials;
    measured += judged.mean;
    refuted += judged.non_inferiority.finding == stats::Finding::kRefuted;
    non_inferior += judged.non_inferiority.finding == stats::Finding::kHolds;
    beyond += judged.equivalence.finding == stats::Finding::kRefuted;
    seen_worse += stats::SeenWorse(judged);
  }
};

class Calibrator {
 public:
  Calibrator(const Experiment& experiment, const std::vector<Sample>& samples, int window,
             double margin)
      : experiment_(experiment),
        samples_(WithoutBlocks(samples, NoisyBlocks(experiment.noise, samples))) {
    result_.window = window;
    result_.margin = margin;
    std::set<int> blocks;
    for (const Sample& sample : samples_) blocks.insert(sample.block);
    result_.blocks = static_cast<int>(blocks.size());
  }

  Calibration Run() {
    const auto reference = std::find_if(experiment_.arms.begin(), experiment_.arms.end(),
                                        [](const Arm& arm) { return arm.reference; });
    if (reference == experiment_.arms.end()) return result_;
    MeasureNoise(*reference);
    for (const Arm& arm : experiment_.arms)
      if (!arm.reference) AddArm(arm, *reference);
    result_.false_alarms = stats::ClopperPearson(same_.beyond, same_.trials);
    result_.false_seen_worse = stats::ClopperPearson(same_.seen_worse, same_.trials);
    return result_;
  }

 private:
  std::vector<double> Differences(const Metric& metric, const Arm& arm, const Arm& reference) {
    std::vector<double> differences;
    for (const Pair& pair :
         CompareOne(metric, arm.id, reference.id, result_.margin, samples_).pairs)
      differences.push_back(pair.log_ratio);
    return differences;
  }

  void MeasureNoise(const Arm& reference) {
    for (const Metric& metric : MetricsOf(experiment_)) {
      std::vector<double> all;
      for (const Arm& arm : experiment_.arms) {
        if (!arm.control || !Enters(metric)) continue;
        const std::vector<double> more = Differences(metric, arm, reference);
        all.insert(all.end(), more.begin(), more.end());
      }
      if (all.size() < 2) continue;
      MetricNoise noise;
      noise.metric = metric.id;
      noise.label = metric.label;
      noise.pairs = static_cast<int>(all.size());
      noise.sd = stats::StandardDeviation(all);
      noise.sd_interval = stats::BcaInterval(all, stats::StandardDeviation, kSeed);
      noise.blocks_for_power = stats::BlocksForPower(noise.sd, result_.margin);
      sd_[metric.id] = noise.sd;
      result_.noise.push_back(std::move(noise));
    }
  }

  void AddArm(const Arm& arm, const Arm& reference) {
    Tally slowed;
    for (const Metric& metric : MetricsOf(experiment_)) {
      if (!Enters(metric)) continue;
      const auto effect =
          ExpectedEffect(arm, reference, metric, GeometricMean(samples_, reference.id, metric.id));
      if (!effect) continue;
      AddMetric(Differences(metric, arm, reference), metric, *effect,
                *effect == 0 ? same_ : slowed);
    }
    if (slowed.trials == 0) return;
    const double trials = slowed.trials;
    CalibrationRow row;
    row.arm = arm.id;
    row.what = Describe(arm.handicap);
    row.expected_ratio = std::exp(slowed.expected / trials);
    row.measured_ratio = std::exp(slowed.measured / trials);
    row.refuted = stats::ClopperPearson(slowed.refuted, slowed.trials);
    row.non_inferior = stats::ClopperPearson(slowed.non_inferior, slowed.trials);
    row.seen_worse = stats::ClopperPearson(slowed.seen_worse, slowed.trials);
    row.predicted_refuted = slowed.predicted_refuted / trials;
    row.predicted_non_inferior = slowed.predicted_non_inferior / trials;
    row.predicted_seen_worse = slowed.predicted_seen_worse / trials;
    result_.rows.push_back(std::move(row));
  }

  void AddMetric(const std::vector<double>& differences, const Metric& metric, double effect,
                 Tally& tally) {
    const auto window = static_cast<size_t>(result_.window);
    const auto known_sd = sd_.find(metric.id);
    stats::OperatingRates predicted;
    if (effect != 0 && known_sd != sd_.end())
      predicted = stats::SimulateRule(effect, known_sd->second, result_.margin, result_.window,
                                      kSeed, kSimulated);
    for (size_t from = 0; from + window <= differences.size(); from += window) {
      const auto begin = differences.begin() + static_cast<std::ptrdiff_t>(from);
      tally.Add(stats::Judge({begin, begin + static_cast<std::ptrdiff_t>(window)}, result_.margin));
      tally.expected += effect;
      tally.predicted_refuted += predicted.refuted;
      tally.predicted_non_inferior += predicted.holds;
      tally.predicted_seen_worse += predicted.seen_worse;
    }
  }

  const Experiment& experiment_;
  const std::vector<Sample> samples_;
  Calibration result_;
  Tally same_;
  std::map<std::string, double> sd_;
};

}  // namespace

std::optional<double> ExpectedEffect(const Arm& arm, const Arm& reference, const Metric& metric,
                                     double reference_mean) {
  const Handicap& handicap = arm.handicap;
  // A pause is felt in full by what computes all the time: not by a boot, which waits for itself, nor by a guest,
  // whose disks go on meanwhile.
  const bool computes = metric.family.rfind("host-", 0) == 0 && !IsBoot(metric);
  if (handicap.pause > 0 && !computes) return std::nullopt;
  double effect = std::log1p(handicap.pause);
  if (handicap.boot_work > 0 && IsBoot(metric)) return std::nullopt;
  if (handicap.boot_delay_s > 0 && IsBoot(metric)) {
    if (reference_mean <= 0) return std::nullopt;
    effect += std::log1p(handicap.boot_delay_s / reference_mean);
  }
  if (handicap.disk_mbps != reference.handicap.disk_mbps) {
    // Only where the limit is what holds both back is its ratio the metric's.
    const bool both = handicap.disk_mbps > 0 && reference.handicap.disk_mbps > 0;
    if (!both || metric.family.rfind("fio-", 0) != 0) return std::nullopt;
    effect += std::log(reference.handicap.disk_mbps / handicap.disk_mbps);
  }
  return effect;
}

Calibration Calibrate(const Experiment& experiment, const std::vector<Sample>& samples, int window,
                      double margin) {
  return Calibrator(experiment, samples, window, margin).Run();
}

}  // namespace blendbench
