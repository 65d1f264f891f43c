// What is said of what cannot be done.
#pragma once

#include <string>

#include <camlite/error.hpp>

namespace camlite::test {

// The message of the Error that work() throws; empty if it does not.
template <class Work>
std::string refusal(const Work& work) {
  try {
    work();
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace camlite::test
