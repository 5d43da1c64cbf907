// SPDX-License-Identifier: MIT
// Checks of options that are numbers. Thread-safety: functions without state.
#pragma once

#include <CLI/CLI.hpp>
#include <cmath>

namespace blendbench {

// As CLI::Range, which lets what is not a number through.
inline CLI::Validator FiniteRange(double least, double most) {
  return CLI::Range(least, most) &
         CLI::Validator(
             [](std::string& text) {
               double value = 0;
               const bool finite = CLI::detail::lexical_cast(text, value) && std::isfinite(value);
               return finite ? std::string() : "\"" + text + "\" is not a number";
             },
             "");
}

// Parsed as unsigned a negative number would wrap.
inline CLI::Validator SeedNumber() {
  return CLI::Validator(
      [](const std::string& text) {
        return text.starts_with('-') ? std::string("a seed is a whole number from 0 on") : "";
      },
      "");
}

}  // namespace blendbench
