// Whether a network gives what it should.
#pragma once

#include <string>
#include <string_view>

#include <camlite/network.hpp>

namespace camlite::tool {

// How far the model's results are from what they should be.
struct Verified {
  Index pictures = 0;
  double error = 0;  // the largest difference over the largest value
  std::string_view compared;
};

// Runs the network on the pictures of X, a .npy file (N, C, H, W), and compares with Y, (N, K),
// which may be logits or probabilities: whichever is closer. Throws Error if they do not fit the
// network.
Verified verify(const Network& network, const std::string& x, const std::string& y);

}  // namespace camlite::tool
