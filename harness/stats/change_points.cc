// SPDX-License-Identifier: MIT
#include "harness/stats/change_points.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "harness/base/random.h"

namespace blendbench::stats {
namespace {

constexpr double kSpikeSds = 5;
constexpr double kCloseSds = 3;
constexpr size_t kNeighbours = 4;
constexpr double kMadToSd = 1.4826;  // of a normal distribution

double MedianOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
}

void Shuffle(std::vector<double>& values, Random& random) {
  for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[random.Below(i)]);
}

struct Split {
  double statistic = -std::numeric_limits<double>::infinity();
  size_t at = 0;
};

// within_[i][j]: the sum of |x - y| over all pairs of values i .. j-1.
class Divergence {
 public:
  explicit Divergence(const std::vector<double>& x) : size_(x.size() + 1), within_(size_ * size_) {
    for (size_t j = 1; j < size_; ++j) {
      double column = 0;  // distances of value j-1 to those before it, from the nearest
      for (size_t i = j; i-- > 0;) {
        if (i < j - 1) column += std::abs(x[i] - x[j - 1]);
        within_[i * size_ + j] = within_[i * size_ + j - 1] + column;
      }
    }
  }

  // The best split of the series into `[0, at)` and `[at, end)`, for every `end`: a later change
  // must not blur an earlier one.
  Split Best(size_t least) const {
    Split best;
    for (size_t end = 2 * least; end < size_; ++end) {
      for (size_t at = least; at + least <= end; ++at) {
        const double q = Statistic(at, end);
        if (q > best.statistic) best = {q, at};
      }
    }
    return best;
  }

 private:
  double Sum(size_t from, size_t to) const { return within_[from * size_ + to]; }
  // nm / (n + m) times the energy distance of the two sides.
  double Statistic(size_t at, size_t end) const {
    const auto n = static_cast<double>(at), m = static_cast<double>(end - at);
    const double left = Sum(0, at), right = Sum(at, end);
    const double between = Sum(0, end) - left - right;
    const double energy =
        2 * between / (n * m) - left / (n * (n - 1) / 2) - right / (m * (m - 1) / 2);
    return n * m / (n + m) * energy;
  }

  size_t size_;
  std::vector<double> within_;
};

// p of the best split by shuffling; it stops once the answer can only be "not significant" (Besag
// and Clifford 1991), and then the p of what was seen so far stands.
double PermutationP(std::vector<double> values, const Split& best, const ChangeOptions& options,
                    Random& random) {
  const double enough = options.alpha * (options.permutations + 1);
  int as_large = 0;
  for (int i = 1; i <= options.permutations; ++i) {
    Shuffle(values, random);
    // Rounding differs with the order of the values; equal must count as equal.
    const double q = Divergence(values).Best(static_cast<size_t>(options.least)).statistic;
    if (q >= best.statistic * (1 - 1e-9)) ++as_large;
    if (as_large + 1 > 2 * enough) return (as_large + 1.0) / (i + 1.0);
  }
  return (as_large + 1.0) / (options.permutations + 1.0);
}

// Divides values[from, to) again and again; returns p of its first test. The two sides share its
// alpha, so that all tests of one depth together keep to it: a series that has changed is not the
// likelier to be said to have changed twice.
double Divide(const std::vector<double>& values, size_t from, size_t to, ChangeOptions options,
              Random& random, std::vector<ChangePoint>& points) {
  const auto least = static_cast<size_t>(options.least);
  if (to - from < 2 * least) return 1;
  const std::vector<double> part(values.begin() + static_cast<std::ptrdiff_t>(from),
                                 values.begin() + static_cast<std::ptrdiff_t>(to));
  if (std::all_of(part.begin(), part.end(), [&](double v) { return v == part.front(); })) return 1;
  const Split best = Divergence(part).Best(least);
  const double p = PermutationP(part, best, options, random);
  if (p > options.alpha) return p;
  const size_t at = from + best.at;
  points.push_back({at, p, 0, 0});
  options.alpha /= 2;
  Divide(values, from, at, options, random, points);
  Divide(values, at, to, options, random, points);
  return p;
}

// The `kNeighbours` values nearest to i, not itself.
std::vector<double> Neighbours(const std::vector<double>& values, size_t i) {
  const size_t side = kNeighbours / 2;
  size_t first = i < side ? 0 : i - side;
  first = std::min(first, values.size() - kNeighbours - 1);
  std::vector<double> near;
  for (size_t j = first; j <= first + kNeighbours; ++j)
    if (j != i) near.push_back(values[j]);
  return near;
}

}  // namespace

std::vector<size_t> FindSpikes(const std::vector<double>& values, std::vector<double>& cleaned) {
  cleaned = values;
  if (values.size() < kNeighbours + 1) return {};
  std::vector<double> medians, deviations;
  for (size_t i = 0; i < values.size(); ++i) {
    medians.push_back(MedianOf(Neighbours(values, i)));
    deviations.push_back(std::abs(values[i] - medians.back()));
  }
  const double sd = kMadToSd * MedianOf(deviations);
  std::vector<size_t> spikes;
  for (size_t i = 0; i < values.size(); ++i) {
    if (deviations[i] <= kSpikeSds * sd) continue;
    const std::vector<double> near = Neighbours(values, i);
    const auto close = std::count_if(near.begin(), near.end(), [&](double value) {
      return std::abs(value - medians[i]) <= kCloseSds * sd;
    });
    if (close < static_cast<std::ptrdiff_t>(kNeighbours) - 1) continue;
    spikes.push_back(i);
    cleaned[i] = medians[i];
  }
  return spikes;
}

Changes FindChanges(const std::vector<double>& all, const ChangeOptions& options) {
  const size_t skipped = all.size() > kLongestSeries ? all.size() - kLongestSeries : 0;
  const std::vector<double> values(all.begin() + static_cast<std::ptrdiff_t>(skipped), all.end());
  Changes changes;
  std::vector<double> cleaned;
  changes.spikes = FindSpikes(values, cleaned);
  Random random(options.seed);
  changes.first_p = Divide(cleaned, 0, cleaned.size(), options, random, changes.points);
  std::sort(changes.points.begin(), changes.points.end(),
            [](const ChangePoint& a, const ChangePoint& b) { return a.index < b.index; });
  const auto part = [&](size_t from, size_t to) {
    return MedianOf({values.begin() + static_cast<std::ptrdiff_t>(from),
                     values.begin() + static_cast<std::ptrdiff_t>(to)});
  };
  for (size_t i = 0; i < changes.points.size(); ++i) {
    ChangePoint& point = changes.points[i];
    const size_t from = i == 0 ? 0 : changes.points[i - 1].index;
    const size_t to = i + 1 < changes.points.size() ? changes.points[i + 1].index : values.size();
    point.before = part(from, point.index);
    point.after = part(point.index, to);
  }
  for (ChangePoint& point : changes.points) point.index += skipped;
  for (size_t& spike : changes.spikes) spike += skipped;
  return changes;
}

}  // namespace blendbench::stats
